package gateway

import (
	"context"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// batchOf is a question about many names at once, and the one about a single name
// that Gateways before it know: GatewayWorker has BatchGetClientIDByUID since 3.1.6
// and BatchGetClientCountByGroup since 3.1.17.
type batchOf struct{ many, one wire.Command }

var (
	clientsOfUIDs  = batchOf{wire.BatchGetClientIDByUID, wire.GetClientIDByUID}
	countsOfGroups = batchOf{wire.BatchGetClientCountByGroup, wire.GetClientCountByGroup}
)

// BatchClientIDByUID returns the client ids of each of some uids, an empty list for
// one that is not online. In lists the order is that of ClientIDByUID.
func (c *Client) BatchClientIDByUID(
	ctx context.Context, uids []string,
) (map[string][]string, error) {
	lists := make(map[string][]string, len(uids))
	for _, uid := range uids {
		lists[uid] = []string{}
	}
	if err := checkUID(uids...); err != nil {
		return nil, err
	}
	err := c.batchAll(ctx, clientsOfUIDs, uids,
		func(address string, found *phpserialize.Array) error {
			heard := make(map[string][]string, len(lists))
			for uid := range lists {
				ids, err := clientIDs(address, found.Get(uid))
				if err != nil {
					return err
				}
				heard[uid] = ids
			}
			for uid, ids := range heard {
				lists[uid] = append(lists[uid], ids...)
			}
			return nil
		})
	return lists, err
}

// IsUIDsOnline says for each of some uids whether it has a client.
func (c *Client) IsUIDsOnline(ctx context.Context, uids []string) (map[string]bool, error) {
	lists, err := c.BatchClientIDByUID(ctx, uids)
	online := make(map[string]bool, len(lists))
	for uid, ids := range lists {
		online[uid] = len(ids) > 0
	}
	return online, err
}

// BatchClientCountByGroup returns how many members each of some groups has.
func (c *Client) BatchClientCountByGroup(
	ctx context.Context, groups []string,
) (map[string]int, error) {
	counts := make(map[string]int, len(groups))
	for _, group := range groups {
		counts[group] = 0
	}
	if err := checkGroup(groups...); err != nil {
		return nil, err
	}
	err := c.batchAll(ctx, countsOfGroups, groups,
		func(_ string, found *phpserialize.Array) error {
			heard := make(map[string]int, len(counts))
			for group := range counts {
				n, err := count(found.Get(group))
				if err != nil {
					return err
				}
				heard[group] = n
			}
			for group, n := range heard {
				counts[group] += n
			}
			return nil
		})
	return counts, err
}

// batchAll asks all Gateways about names.
func (c *Client) batchAll(
	ctx context.Context, about batchOf, names []string,
	take func(address string, found *phpserialize.Array) error,
) error {
	e, err := c.errand(ctx)
	if err != nil {
		return err
	}
	defer e.end()
	if len(names) == 0 {
		return nil
	}
	addresses, err := e.named()
	if err != nil {
		return err
	}
	return e.batch(addresses, about, once(names), take)
}

// batch asks Gateways about names, old ones about one name after another: behind the
// question goes one that each of them answers, so that it shows who is old.
func (e *errand) batch(
	addresses []string, about batchOf, names []string,
	take func(address string, found *phpserialize.Array) error,
) error {
	ext, err := wire.AppendStrings(nil, names)
	if err != nil {
		return err
	}
	many, err := assemble(wire.Packet{Command: about.many, Flag: wire.Scalar, Ext: ext})
	if err != nil {
		return err
	}
	probe, err := assemble(wire.Packet{Command: wire.IsOnline, Flag: wire.Scalar})
	if err != nil {
		return err
	}
	both := []inquiry{{packet: many, newer: true}, {packet: probe}}
	found := make(map[string]*phpserialize.Array)
	var old []string
	err = e.ask(addresses, func(string) ([]inquiry, error) { return both, nil },
		func(address string, values [][]byte) error {
			if values[0] == nil {
				old = append(old, address)
				return nil
			}
			v, err := answerOf(values[0])
			if err != nil {
				return err
			}
			found[address], err = array(v)
			return err
		})
	if len(old) > 0 {
		err = together(err, e.oneByOne(old, about, names, found))
	}
	return takeFound(addresses, found, err, take)
}

// oneByOne asks old Gateways about one name after another, without waiting between.
func (e *errand) oneByOne(
	old []string, about batchOf, names []string, found map[string]*phpserialize.Array,
) error {
	questions := make([]inquiry, len(names))
	for i, name := range names {
		packet, err := assemble(aboutName(about.one, name))
		if err != nil {
			return err
		}
		questions[i] = inquiry{packet: packet}
	}
	return e.ask(old, func(string) ([]inquiry, error) { return questions, nil },
		func(address string, values [][]byte) error {
			all := phpserialize.NewArray()
			for i, value := range values {
				v, err := answerOf(value)
				if err != nil {
					return err
				}
				all.Set(names[i], v)
			}
			found[address] = all
			return nil
		})
}

// takeFound hands what was found to take, in the order of addresses.
func takeFound(
	addresses []string, found map[string]*phpserialize.Array, err error,
	take func(address string, found *phpserialize.Array) error,
) error {
	partial, ok := err.(*PartialError)
	if err != nil && !ok {
		return err
	}
	errs := make([]error, len(addresses))
	for i, address := range addresses {
		if partial != nil {
			errs[i] = partial.of(address)
		}
		if errs[i] == nil {
			errs[i] = take(address, found[address])
		}
	}
	return missing(addresses, errs)
}
