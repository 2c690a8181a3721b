package gateway

import (
	"context"
	"fmt"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// ClientSession is a client and its session.
type ClientSession struct {
	ClientID string
	// Session is for reading, as that of SessionOf.
	Session *Session
}

// IsUIDOnline says whether a uid has a client.
func (c *Client) IsUIDOnline(ctx context.Context, uid string) (bool, error) {
	ids, err := c.ClientIDByUID(ctx, uid)
	return len(ids) > 0, err
}

// ClientIDByUID returns the clients of a uid: those of one Gateway in the order of
// binding, the Gateways in the order of the Registers.
func (c *Client) ClientIDByUID(ctx context.Context, uid string) ([]string, error) {
	if err := checkUID(uid); err != nil {
		return nil, err
	}
	var all []string
	err := c.askAll(ctx, aboutName(wire.GetClientIDByUID, uid),
		func(address string, v any) error {
			ids, err := clientIDs(address, v)
			all = append(all, ids...)
			return err
		})
	return all, err
}

// AllClientCount returns how many clients there are.
func (c *Client) AllClientCount(ctx context.Context) (int, error) {
	return c.sum(ctx, wire.Packet{Command: wire.GetClientCountByGroup})
}

// ClientCountByGroup returns how many members a group has. "" is not everybody, as in
// PHP, but ErrGroup: see AllClientCount.
func (c *Client) ClientCountByGroup(ctx context.Context, group string) (int, error) {
	if err := checkGroup(group); err != nil {
		return 0, err
	}
	return c.sum(ctx, aboutName(wire.GetClientCountByGroup, group))
}

func (c *Client) sum(ctx context.Context, pk wire.Packet) (int, error) {
	total := 0
	err := c.askAll(ctx, pk, func(_ string, v any) error {
		n, err := count(v)
		total += n
		return err
	})
	return total, err
}

// AllClientSessions returns all clients with their sessions, in the order of
// connecting; Gateways in that of the Registers. An answer may be large: see
// MaxAnswer.
func (c *Client) AllClientSessions(ctx context.Context) ([]ClientSession, error) {
	return c.sessions(ctx, wire.Packet{Command: wire.GetAllClientSessions})
}

// ClientSessionsByGroup returns the members of a group with their sessions, in the
// order of joining; Gateways in that of the Registers.
func (c *Client) ClientSessionsByGroup(
	ctx context.Context, group string,
) ([]ClientSession, error) {
	if err := checkGroup(group); err != nil {
		return nil, err
	}
	return c.sessions(ctx, aboutName(wire.GetClientSessionsByGroup, group))
}

func (c *Client) sessions(ctx context.Context, pk wire.Packet) ([]ClientSession, error) {
	var all []ClientSession
	err := c.askAll(ctx, pk, func(address string, v any) error {
		list, err := sessionsOf(address, v)
		all = append(all, list...)
		return err
	})
	return all, err
}

// sessionsOf reads a map from numbers of clients to their sessions. A session that
// nothing was stored in is an empty array, as with SessionOf.
func sessionsOf(address string, v any) ([]ClientSession, error) {
	id, err := placeOf(address)
	if err != nil {
		return nil, err
	}
	clients, err := array(v)
	if err != nil {
		return nil, err
	}
	list := make([]ClientSession, 0, clients.Len())
	for key, v := range clients.All() {
		ext, ok := v.(string)
		if !ok && v != nil {
			return nil, fmt.Errorf("%w: a session that is a %T", ErrBadAnswer, v)
		}
		if id.Connection, err = connectionID(keyValue(key)); err != nil {
			return nil, err
		}
		if ext == "" || ext == "0" {
			ext = "a:0:{}"
		}
		list = append(list, ClientSession{id.String(), decodeSession(ext)})
	}
	return list, nil
}

// keyValue is the int of an int key, nil for others.
func keyValue(key phpserialize.Key) any {
	if key.IsInt() {
		return key.Int()
	}
	return nil
}

// AllGroupIDList returns the groups that have members, each once.
func (c *Client) AllGroupIDList(ctx context.Context) ([]string, error) {
	var all distinct
	err := c.askAll(ctx, wire.Packet{Command: wire.GetGroupIDList},
		func(_ string, v any) error {
			groups, err := array(v)
			if err != nil {
				return err
			}
			for _, group := range groups.All() {
				all.add(phpserialize.ToString(group))
			}
			return nil
		})
	return all.list, err
}

// AllUIDList returns the uids that are online, each once, in the order of connecting
// of the first client; Gateways in that of the Registers.
func (c *Client) AllUIDList(ctx context.Context) ([]string, error) {
	return c.uids(ctx, Where{All: true})
}

// UIDListByGroup returns the uids of the members of a group, each once, in the order
// of joining. Members without a uid are left out.
func (c *Client) UIDListByGroup(ctx context.Context, group string) ([]string, error) {
	if err := checkGroup(group); err != nil {
		return nil, err
	}
	return c.uids(ctx, Where{Groups: []string{group}})
}

// AllUIDCount returns how many uids are online.
func (c *Client) AllUIDCount(ctx context.Context) (int, error) {
	list, err := c.AllUIDList(ctx)
	return len(list), err
}

// UIDCountByGroup returns how many uids the members of a group have.
func (c *Client) UIDCountByGroup(ctx context.Context, group string) (int, error) {
	list, err := c.UIDListByGroup(ctx, group)
	return len(list), err
}

func (c *Client) uids(ctx context.Context, where Where) ([]string, error) {
	var all distinct
	rows, err := c.Select(ctx, []string{"uid"}, where)
	for _, row := range rows {
		if row.UID != "" {
			all.add(row.UID)
		}
	}
	return all.list, err
}

// AllClientIDList returns all clients, in the order of connecting; Gateways in that of
// the Registers.
func (c *Client) AllClientIDList(ctx context.Context) ([]string, error) {
	return c.ids(ctx, Where{All: true})
}

// ClientIDListByGroup returns the members of a group, in the order of joining;
// Gateways in that of the Registers.
func (c *Client) ClientIDListByGroup(ctx context.Context, group string) ([]string, error) {
	if err := checkGroup(group); err != nil {
		return nil, err
	}
	return c.ids(ctx, Where{Groups: []string{group}})
}

func (c *Client) ids(ctx context.Context, where Where) ([]string, error) {
	// A Gateway says nothing of clients of whom it is asked for no field.
	rows, err := c.Select(ctx, []string{"uid"}, where)
	list := make([]string, len(rows))
	for i, row := range rows {
		list[i] = row.ClientID
	}
	return list, err
}

// AllGroupUIDList returns the uids of each group, each once; members without a uid
// are left out. A group without a uid is not in the map.
func (c *Client) AllGroupUIDList(ctx context.Context) (map[string][]string, error) {
	return c.byGroup(ctx, []string{"uid", "groups"}, func(row Row) string { return row.UID })
}

// AllGroupUIDCount returns how many uids each group has.
func (c *Client) AllGroupUIDCount(ctx context.Context) (map[string]int, error) {
	lists, err := c.AllGroupUIDList(ctx)
	return lengths(lists), err
}

// AllGroupClientIDList returns the members of each group, in the order of connecting.
func (c *Client) AllGroupClientIDList(ctx context.Context) (map[string][]string, error) {
	return c.byGroup(ctx, []string{"groups"}, func(row Row) string { return row.ClientID })
}

// AllGroupClientIDCount returns how many members each group has.
func (c *Client) AllGroupClientIDCount(ctx context.Context) (map[string]int, error) {
	lists, err := c.AllGroupClientIDList(ctx)
	return lengths(lists), err
}

// byGroup lists something of the members of each group, each once, and nothing that
// is empty. PHP stops at the first client without a group or uid.
func (c *Client) byGroup(
	ctx context.Context, fields []string, of func(Row) string,
) (map[string][]string, error) {
	groups := make(map[string]*distinct)
	rows, err := c.Select(ctx, fields, Where{All: true})
	for _, row := range rows {
		name := of(row)
		if name == "" {
			continue
		}
		for _, group := range row.Groups {
			if groups[group] == nil {
				groups[group] = &distinct{}
			}
			groups[group].add(name)
		}
	}
	lists := make(map[string][]string, len(groups))
	for group, d := range groups {
		lists[group] = d.list
	}
	return lists, err
}

func lengths(lists map[string][]string) map[string]int {
	counts := make(map[string]int, len(lists))
	for name, list := range lists {
		counts[name] = len(list)
	}
	return counts
}
