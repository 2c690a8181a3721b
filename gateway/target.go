package gateway

import (
	"context"
	"fmt"
	"slices"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// Target names receivers: one of All, Clients, UIDs and Groups, perhaps without
// some of them. The zero Target is nobody; two of the four are refused (ErrTarget),
// because who is in both would get the message twice: call SendTo twice for that.
type Target struct {
	// All is every client of the cluster.
	All bool
	// Clients are these, each once. Client ids of Gateways that are not there make
	// a PartialError; the others get the message.
	Clients []string
	// UIDs are all clients of these uids.
	UIDs []string
	// Groups are the members of these groups. Who is in two of them gets the
	// message twice, as in PHP.
	Groups []string

	// Exclude are client ids that do not get it: mostly the one who has said it.
	// With UIDs it takes a question to the Gateways of those clients before, see
	// Client about how long that may take.
	Exclude []string
	// Raw sends the bytes as they are, without the framing of the protocol of the
	// clients: the author has done it.
	Raw bool
}

// SendTo sends v to a Target. v goes as in Connection.Send: bytes and strings as they
// are, numbers and bools as PHP prints them, everything else as JSON; channels,
// functions, errors and *worker.Prepared are refused, and so is what does not fit
// into one packet with the names of its receivers (ErrTooLarge). An id in Clients or
// Exclude that is none is ErrClientID, and nobody gets anything. Clients that are not
// online are skipped without an error.
func (c *Client) SendTo(ctx context.Context, t Target, v any) error {
	e, err := c.errand(ctx)
	if err != nil {
		return err
	}
	defer e.end()
	t.UIDs, t.Groups = eachOnce(t.UIDs), eachOnce(t.Groups)
	switch message, err := t.message(v); {
	case err != nil:
		return err
	case t.All:
		return e.sendToAll(t, message)
	case len(t.Clients) > 0:
		return e.sendToClients(t, message)
	case len(t.UIDs) > 0:
		return e.sendToUIDs(t, message)
	case len(t.Groups) > 0:
		return e.sendToGroups(t, message)
	}
	return nil
}

// SendToAll sends v to every client. See SendTo for v and the errors.
func (c *Client) SendToAll(ctx context.Context, v any) error {
	return c.SendTo(ctx, Target{All: true}, v)
}

// SendToClients sends v to some clients, to each once; to nobody for nil or an empty
// list. See SendTo for v and the errors.
func (c *Client) SendToClients(ctx context.Context, clientIDs []string, v any) error {
	return c.SendTo(ctx, Target{Clients: clientIDs}, v)
}

// SendToUID sends v to all clients of a uid. See SendTo for v and the errors; "" and
// "0" are ErrUID.
func (c *Client) SendToUID(ctx context.Context, uid string, v any) error {
	return c.SendTo(ctx, Target{UIDs: []string{uid}}, v)
}

// SendToGroup sends v to the members of a group. See SendTo for v and the errors; ""
// and "0" are ErrGroup.
func (c *Client) SendToGroup(ctx context.Context, group string, v any) error {
	return c.SendTo(ctx, Target{Groups: []string{group}}, v)
}

// SendToClient sends v to one client. ErrOffline says that its Gateway is not there;
// a client that has left its Gateway is no error. See SendTo for v.
func (c *Client) SendToClient(ctx context.Context, clientID string, v any) error {
	message, err := messageBody(v)
	if err != nil {
		return err
	}
	return c.command(ctx, clientID,
		wire.Packet{Command: wire.SendToOne, Flag: wire.Scalar, Body: message})
}

// eachOnce is a list in which every name comes once.
func eachOnce(names []string) []string {
	if len(names) < 2 {
		return names
	}
	return once(names)
}

// message checks t and returns the body of the packets.
func (t Target) message(v any) (wire.Packet, error) {
	pk := wire.Packet{Flag: wire.Scalar}
	ways := 0
	for _, is := range []bool{t.All, len(t.Clients) > 0, len(t.UIDs) > 0, len(t.Groups) > 0} {
		if is {
			ways++
		}
	}
	if ways > 1 {
		return pk, ErrTarget
	}
	if err := checkUID(t.UIDs...); err != nil {
		return pk, err
	}
	if err := checkGroup(t.Groups...); err != nil {
		return pk, err
	}
	if t.Raw {
		pk.Flag |= wire.Raw
	}
	var err error
	pk.Body, err = messageBody(v)
	return pk, err
}

// owners are clients by the inner address of their Gateway.
type owners struct {
	addresses []string
	clients   map[string][]uint32
}

// ownersOf groups client ids, each once and without those of except.
func ownersOf(clientIDs, except []string) (owners, error) {
	if len(clientIDs) == 0 && len(except) == 0 {
		return owners{}, nil
	}
	o := owners{clients: make(map[string][]uint32)}
	seen := make(map[wire.ClientID]bool, len(clientIDs)+len(except))
	for _, clientID := range except {
		id, err := parseID(clientID)
		if err != nil {
			return o, err
		}
		seen[id] = true
	}
	for _, clientID := range clientIDs {
		id, err := parseID(clientID)
		if err != nil {
			return o, err
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		address := id.Address()
		if o.clients[address] == nil {
			o.addresses = append(o.addresses, address)
		}
		o.clients[address] = append(o.clients[address], id.Connection)
	}
	return o, nil
}

// sendToAll tells only the Gateways of excluded clients of them (wire.md 4.3).
func (e *errand) sendToAll(t Target, pk wire.Packet) error {
	excluded, err := ownersOf(t.Exclude, nil)
	if err != nil {
		return err
	}
	addresses, err := e.linked()
	if err != nil {
		return err
	}
	pk.Command = wire.SendToAll
	return e.send(addresses, func(address string) (wire.Packet, error) {
		pk.Ext = wire.ToAll{Exclude: excluded.clients[address]}.Append(nil)
		return pk, nil
	})
}

func (e *errand) sendToClients(t Target, pk wire.Packet) error {
	receivers, err := ownersOf(t.Clients, t.Exclude)
	if err != nil || len(receivers.addresses) == 0 {
		return err
	}
	pk.Command = wire.SendToAll
	return e.sendKnown(receivers.addresses, func(address string) (wire.Packet, error) {
		pk.Ext = wire.ToAll{Only: true, Connections: receivers.clients[address]}.Append(nil)
		return pk, nil
	})
}

// sendKnown is send for addresses that come out of client ids: those that are not of
// this cluster are offline, and are not dialled.
func (e *errand) sendKnown(
	addresses []string, packet func(address string) (wire.Packet, error),
) error {
	known, err := e.linked()
	if err != nil {
		return err
	}
	there := slices.DeleteFunc(slices.Clone(addresses), func(address string) bool {
		return !slices.Contains(known, address)
	})
	err = e.send(there, packet)
	if len(there) == len(addresses) {
		return err
	}
	partial, ok := err.(*PartialError)
	if err != nil && !ok {
		return err
	}
	errs := make([]error, len(addresses))
	for i, address := range addresses {
		if !slices.Contains(known, address) {
			errs[i] = ErrOffline
		} else if partial != nil {
			errs[i] = partial.of(address)
		}
	}
	return missing(addresses, errs)
}

func (e *errand) sendToGroups(t Target, pk wire.Packet) error {
	excluded, err := ownersOf(t.Exclude, nil)
	if err != nil {
		return err
	}
	addresses, err := e.linked()
	if err != nil {
		return err
	}
	pk.Command = wire.SendToGroup
	return e.send(addresses, func(address string) (wire.Packet, error) {
		to := wire.ToGroup{Groups: t.Groups, Exclude: excluded.clients[address]}
		pk.Ext, err = to.Append(nil)
		return pk, err
	})
}

// sendToUIDs sends to uids. The wire has no exclusion for them: Gateways of excluded
// clients are asked who the uids are, and then get the others by number.
func (e *errand) sendToUIDs(t Target, pk wire.Packet) error {
	excluded, err := ownersOf(t.Exclude, nil)
	if err != nil {
		return err
	}
	addresses, err := e.linked()
	if err != nil {
		return err
	}
	owning := slices.DeleteFunc(excluded.addresses, func(address string) bool {
		return !slices.Contains(addresses, address)
	})
	var rest map[string][]uint32 // of Gateways of excluded clients
	var unanswered error
	if len(owning) > 0 {
		rest = make(map[string][]uint32, len(owning))
		unanswered = e.batch(owning, clientsOfUIDs, t.UIDs,
			func(address string, found *phpserialize.Array) error {
				ids, err := connectionIDs(found, t.UIDs)
				rest[address] = slices.DeleteFunc(ids, func(id uint32) bool {
					return slices.Contains(excluded.clients[address], id)
				})
				return err
			})
	}
	partial, ok := unanswered.(*PartialError)
	if unanswered != nil && !ok {
		return unanswered
	}
	if partial != nil {
		addresses = slices.DeleteFunc(slices.Clone(addresses), func(address string) bool {
			return partial.of(address) != nil
		})
	}
	err = e.send(addresses, func(address string) (wire.Packet, error) {
		if ids, ok := rest[address]; ok {
			pk.Command = wire.SendToAll
			pk.Ext = wire.ToAll{Only: true, Connections: ids}.Append(nil)
			return pk, nil
		}
		pk.Command = wire.SendToUID
		pk.Ext, err = wire.AppendStrings(nil, t.UIDs)
		return pk, err
	})
	return together(unanswered, err)
}

// connectionIDs are the clients of uids.
func connectionIDs(found *phpserialize.Array, uids []string) ([]uint32, error) {
	var ids []uint32
	for _, uid := range uids {
		clients, ok := found.Get(uid).(*phpserialize.Array)
		if !ok {
			return nil, fmt.Errorf("%w: no list for a uid", ErrBadAnswer)
		}
		for _, v := range clients.All() {
			id, err := connectionID(v)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
	}
	return ids, nil
}
