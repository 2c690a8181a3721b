package gateway

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

// errand is one call of the API while it runs.
type errand struct {
	c      *Client
	ctx    context.Context    // ends after Timeout, if something is waited for
	cancel context.CancelFunc // nil: it does not
}

// errand begins a call; the caller ends it.
func (c *Client) errand(ctx context.Context) (*errand, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		c.leave()
		return nil, late(ctx)
	}
	e := &errand{c: c, ctx: ctx}
	if c.via == nil {
		e.limit()
	}
	return e, nil
}

// limit has the context end after Timeout. What is only sent over links needs none.
func (e *errand) limit() {
	if e.cancel == nil {
		e.ctx, e.cancel = context.WithTimeout(e.ctx, e.c.timeout())
	}
}

func (e *errand) end() {
	if e.cancel != nil {
		e.cancel()
	}
	e.c.leave()
}

// linked are the Gateways that something can be sent to, named those that can be
// asked. In a BusinessWorker they differ while a link is not there.
func (e *errand) linked() ([]string, error) {
	if e.c.via == nil {
		return e.named()
	}
	_, linked := e.c.via.gateways()
	if len(linked) == 0 {
		return nil, ErrNoGateway
	}
	return linked, nil
}

func (e *errand) named() ([]string, error) {
	if e.c.via != nil {
		named, _ := e.c.via.gateways()
		if len(named) == 0 {
			return nil, ErrNoGateway
		}
		return named, nil
	}
	if list := localGateways(e.c.RegisterAddress); list != nil {
		return list, nil
	}
	dir, err := e.c.directory()
	if err != nil {
		return nil, err
	}
	return dir.gateways(e.ctx)
}

// sender is the way for what is sent without links, asker the one for questions.
func (e *errand) sender(address string) (sender, error) {
	if p := localGateway(address); p != nil {
		return inProcess{p}, nil
	}
	return e.c.socket(address)
}

func (e *errand) asker(address string) (asker, error) {
	if p := localGateway(address); p != nil {
		return inProcess{p}, nil
	}
	if e.c.via != nil && e.c.via.down(address) {
		return nil, fmt.Errorf("%w: the link to it is gone", ErrOffline)
	}
	return e.c.socket(address)
}

// send sends a packet of its own to each Gateway; none of them when one is too
// large.
func (e *errand) send(addresses []string, packet func(address string) (wire.Packet, error)) error {
	packets, err := assembleEach(addresses, packet)
	if err != nil {
		return err
	}
	if e.c.via != nil {
		return overLinks(e.c.via, addresses, packets)
	}
	senders := make([]sender, len(addresses))
	return eachGateway(addresses, func(i int) (waits bool, err error) {
		senders[i], err = e.sender(addresses[i])
		_, waits = senders[i].(*socket)
		return waits, err
	}, func() {}, func(i int) error { return senders[i].send(e.ctx, packets[i]) })
}

// assembleEach returns the bytes of the packets; those that are the same share them.
func assembleEach(
	addresses []string, packet func(address string) (wire.Packet, error),
) ([][]byte, error) {
	packets := make([][]byte, len(addresses))
	var made map[string][]byte // by ext data: the rest is the same
	if len(addresses) > 1 {
		made = make(map[string][]byte)
	}
	for i, address := range addresses {
		pk, err := packet(address)
		if err != nil {
			return nil, err
		}
		if packets[i] = made[string(pk.Ext)]; packets[i] != nil {
			continue
		}
		if packets[i], err = assemble(pk); err != nil {
			return nil, err
		}
		if made != nil {
			made[string(pk.Ext)] = packets[i]
		}
	}
	return packets, nil
}

// overLinks sends a packet to each Gateway over the links of a BusinessWorker.
func overLinks(links uplinks, addresses []string, packets [][]byte) error {
	var errs []error
	for i, address := range addresses {
		if err := links.send(address, packets[i]); err != nil {
			if errs == nil {
				errs = make([]error, len(addresses))
			}
			errs[i] = err
		}
	}
	if errs == nil {
		return nil
	}
	return missing(addresses, errs)
}

// assemble returns the bytes of a packet.
func assemble(pk wire.Packet) ([]byte, error) {
	if n := pk.Len(); n > wire.MaxPacketBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, n, wire.MaxPacketBytes)
	}
	return pk.Append(make([]byte, 0, pk.Len())), nil
}

// ask asks each Gateway questions of its own. What was sent before over the links
// is on its way first. take gets what each of them has said, one after another in
// the order of addresses; an answer that it refuses makes a Gateway missing too.
func (e *errand) ask(
	addresses []string,
	questions func(address string) ([]inquiry, error),
	take func(address string, values [][]byte) error,
) error {
	e.limit()
	asked := make([][]inquiry, len(addresses))
	for i, address := range addresses {
		var err error
		if asked[i], err = questions(address); err != nil {
			return err
		}
	}
	flush, flushed := e.flush(addresses)
	held := e.c.via != nil && e.c.via.held()
	askers, answers := make([]asker, len(addresses)), make([][][]byte, len(addresses))
	err := eachGateway(addresses, func(i int) (waits bool, err error) {
		askers[i], err = e.asker(addresses[i])
		_, waits = askers[i].(*socket)
		return waits, err
	}, flush, func(i int) (err error) {
		if err = flushed(i); err == nil {
			err = e.barrier(askers[i], held)
		}
		if err == nil {
			answers[i], err = askers[i].ask(e.ctx, asked[i])
		}
		return err
	})
	return gatherAnswers(addresses, answers, err, take)
}

// flush returns what gets the links of a BusinessWorker empty, on the goroutine that
// calls it, and what waits for one of them.
func (e *errand) flush(addresses []string) (flush func(), flushed func(i int) error) {
	if e.c.via == nil {
		return func() {}, func(int) error { return nil }
	}
	done := make([]chan error, len(addresses))
	for i := range done {
		done[i] = make(chan error, 1)
	}
	deadline, _ := e.ctx.Deadline()
	flush = func() {
		e.c.via.flush(addresses, deadline, func(i int, err error) { done[i] <- err })
	}
	return flush, func(i int) error { return <-done[i] }
}

// gatherAnswers hands the answers that there are to take.
func gatherAnswers(
	addresses []string, answers [][][]byte, err error,
	take func(address string, values [][]byte) error,
) error {
	errs := make([]error, len(addresses))
	if partial, ok := err.(*PartialError); ok {
		for i, address := range partial.Missing {
			errs[slices.Index(addresses, address)] = partial.causes[i]
		}
	}
	for i, address := range addresses {
		if errs[i] == nil {
			errs[i] = take(address, answers[i])
		}
	}
	return missing(addresses, errs)
}

// eachGateway does something for each Gateway, at the same time where that waits for the
// network, and returns a PartialError of those that it fails for. What does not wait
// runs on the calling goroutine, behind meanwhile: it may be the one of the loop.
func eachGateway(
	addresses []string, begin func(i int) (waits bool, err error), meanwhile func(),
	do func(i int) error,
) error {
	errs := make([]error, len(addresses))
	var others sync.WaitGroup
	var here []int
	for i := range addresses {
		waits, err := begin(i)
		switch {
		case err != nil:
			errs[i] = err
		case waits && len(addresses) > 1:
			others.Go(func() { errs[i] = do(i) }) // ends when ctx does, at the latest
		default:
			here = append(here, i)
		}
	}
	meanwhile()
	for _, i := range here {
		errs[i] = do(i)
	}
	others.Wait()
	return missing(addresses, errs)
}

// messageBody is a message as it travels. Arrays go as JSON, which a client of any protocol
// gets as it is; PHP sends them serialised, and only a websocket Gateway can make
// JSON of that (wire.md 2.3).
func messageBody(v any) ([]byte, error) {
	switch v := v.(type) {
	case []byte:
		return v, nil
	case *worker.Prepared:
		return nil, errors.New("gateway: a Prepared cannot be sent: " +
			"it is for the connections of one process; a Gateway encodes once by itself")
	}
	return protocol.AppendText(nil, v)
}

// checkUID returns ErrUID for what is none, checkGroup ErrGroup.
func checkUID(uids ...string) error { return checkNames(ErrUID, uids) }

func checkGroup(groups ...string) error { return checkNames(ErrGroup, groups) }

func checkNames(bad error, names []string) error {
	for _, name := range names {
		if name == "" || name == "0" || !utf8.ValidString(name) {
			return fmt.Errorf("%w: %.60q", bad, name)
		}
	}
	return nil
}

// parseID reads a client id.
func parseID(clientID string) (wire.ClientID, error) {
	id, err := wire.ParseClientID(clientID)
	if err != nil {
		return id, fmt.Errorf("%w: %.60q", ErrClientID, clientID)
	}
	return id, nil
}

// placeOf is the Gateway part of the client ids of a Gateway.
func placeOf(address string) (wire.ClientID, error) {
	place, err := netip.ParseAddrPort(address)
	if err != nil || !place.Addr().Is4() {
		return wire.ClientID{}, fmt.Errorf("%w: its address is not IPv4, its clients have no ids",
			ErrBadAnswer)
	}
	ip := place.Addr().As4()
	return wire.ClientID{IP: binary.BigEndian.Uint32(ip[:]), Port: place.Port()}, nil
}
