package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxLineBytes is the longest list of Gateways, some 40,000.
const maxLineBytes = 1 << 20

// directory knows where the Gateways are: it has a connection to each Register,
// which says so whenever that changes. Any goroutine may use it.
type directory struct {
	secret string
	dial   func(ctx context.Context, address string) (net.Conn, error)
	stop   context.CancelFunc

	running *sync.WaitGroup         // of the Client
	moved   func(gateways []string) // called when they are others

	mu        sync.Mutex // guards the fields below
	registers []*informer
	last      []string      // what is known; never changed, only replaced
	changed   chan struct{} // closed when anything here changes
	closed    bool
}

// informer is what a directory knows of one Register. Its fields are guarded by
// the directory's mu.
type informer struct {
	address string
	wake    chan struct{} // to dial now, and not after a while

	tries, failed int  // connections begun, and ended or failed
	connected     bool // it has said where the Gateways are
	back          bool // it has been away before
	gateways      []string
	before        []string // what it said before it went away, until it settles
	err           error    // why it is not connected
}

// newDirectory begins to look at Registers; known is what another directory of the
// same Registers knew. c.running counts its goroutines, which end with close.
func newDirectory(c *Client, known []string) *directory {
	ctx, stop := context.WithCancel(context.Background())
	d := &directory{
		secret: c.SecretKey, stop: stop, running: &c.running, moved: c.keepOnly,
		last: known, changed: make(chan struct{}),
		dial: func(ctx context.Context, address string) (net.Conn, error) {
			return dialInner(ctx, address, c.connectTimeout())
		},
	}
	for _, address := range c.RegisterAddress {
		r := &informer{address: address, wake: make(chan struct{}, 1), tries: 1}
		d.registers = append(d.registers, r)
	}
	for _, r := range d.registers {
		d.running.Add(1)
		go d.follow(ctx, r) // ends with close
	}
	return d
}

// close ends the connections and returns what was known.
func (d *directory) close() []string {
	d.change(func() { d.closed = true }) // first: who waits hears of that, not of its effects
	d.stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// gateways returns the inner addresses of all Gateways, in the order in which the
// Registers name them. It waits for the first answer of a Register for as long as
// ctx lasts and one may still answer.
func (d *directory) gateways(ctx context.Context) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hoped := d.hopes()
	for {
		switch {
		case d.closed:
			return nil, ErrClosed
		case len(d.last) > 0:
			return d.last, nil
		case d.answered():
			return nil, ErrNoGateway
		}
		if d.hopeless(hoped) {
			return nil, d.why()
		}
		changed := d.changed
		d.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		d.mu.Lock()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoRegister, late(ctx))
		}
	}
}

// known are the Gateways of the Registers that are connected. While none is, what
// was known last counts: the Gateways do without Registers.
func (d *directory) known() []string {
	if !d.answered() {
		return d.last
	}
	var list []string
	for _, r := range d.registers {
		if r.connected {
			list = once(list, r.before, r.gateways)
		}
	}
	return list
}

func (d *directory) answered() bool {
	return slices.ContainsFunc(d.registers, func(r *informer) bool { return r.connected })
}

// hopes wakes each Register that nobody is dialling, and returns the number of the
// try that has to fail before a caller gives it up.
func (d *directory) hopes() []int {
	list := make([]int, len(d.registers))
	for i, r := range d.registers {
		list[i] = r.tries
		if r.tries == r.failed {
			list[i]++
			select {
			case r.wake <- struct{}{}:
			default:
			}
		}
	}
	return list
}

func (d *directory) hopeless(hoped []int) bool {
	for i, r := range d.registers {
		if r.failed < hoped[i] {
			return false
		}
	}
	return true
}

func (d *directory) why() error {
	if len(d.registers) == 0 {
		return fmt.Errorf("%w: RegisterAddress is empty", ErrNoRegister)
	}
	why := ErrNoRegister
	for _, r := range d.registers {
		why = fmt.Errorf("%w; Register %s: %w", why, r.address, r.err)
	}
	return why
}

// change changes something and tells who waits for it.
func (d *directory) change(fn func()) {
	d.mu.Lock()
	fn()
	last := d.known()
	other := !d.closed && !slices.Equal(last, d.last)
	d.last = last
	close(d.changed)
	d.changed = make(chan struct{})
	d.mu.Unlock()
	if other {
		d.moved(last)
	}
}

// follow is connected to one Register for as long as ctx lasts.
func (d *directory) follow(ctx context.Context, r *informer) {
	defer d.running.Done()
	for {
		err := d.listen(ctx, r)
		d.change(func() {
			r.failed++
			r.err = err
			r.back = r.back || r.connected
			r.before = once(r.before, r.gateways)
			r.connected, r.gateways = false, nil
		})
		select {
		case <-time.After(registerRetry):
		case <-r.wake:
		case <-ctx.Done():
			return
		}
		d.change(func() { r.tries++ })
	}
}

// listen connects once and reads what the Register says until the connection ends.
func (d *directory) listen(ctx context.Context, r *informer) error {
	conn, err := d.dial(ctx, r.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, workerLine(d.secret)+"\n"); err != nil {
		return err
	}
	if !strings.HasPrefix(r.address, "127.0.0.1") {
		d.running.Add(1)
		go pingRegister(ctx, conn, d.running.Done) // ends with the connection
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxLineBytes)
	for lines.Scan() {
		list, err := parseBroadcast(lines.Bytes())
		if err != nil {
			return err
		}
		d.change(func() { d.heard(r, list) })
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%w: closed by the Register: is SecretKey the same?", io.EOF)
}

// heard notes what a Register says. One that has been away, and was perhaps started
// anew, may not know all Gateways yet: what it said before counts for a while.
func (d *directory) heard(r *informer, list []string) {
	first := !r.connected
	r.connected, r.gateways, r.err = true, list, nil
	if !first {
		return
	}
	if !r.back || len(r.before) == 0 {
		r.before = nil
		return
	}
	tries := r.tries
	time.AfterFunc(registerSettle, func() {
		d.change(func() {
			if r.tries == tries && r.connected {
				r.before = nil
			}
		})
	})
}

// pingRegister says something every 25 s, as other peers do, until ctx ends.
func pingRegister(ctx context.Context, conn net.Conn, done func()) {
	defer done()
	tick := time.NewTicker(registerPing)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = conn.SetWriteDeadline(time.Now().Add(registerPing))
			if _, err := io.WriteString(conn, pingLine+"\n"); err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// parseBroadcast reads a list of Gateways, and drops repetitions.
func parseBroadcast(line []byte) ([]string, error) {
	l, err := parseRegisterLine(line)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the line of the Register has %w", err)
	case l.event != eventAddresses:
		return nil, fmt.Errorf("the Register says %.40q", l.event)
	}
	return once(l.addresses), nil
}
