package gateway

import (
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// selectClients answers with a row for each client that is asked for, and in it a
// value for each field (wire.md 2.7). Nobody is in the answer to what cannot be
// read, and, without conditions and without fields, to what asks for nothing.
func selectClients(t *clients, pk wire.Packet, dst []byte) ([]byte, error) {
	s, err := wire.ParseSelection(pk.Ext)
	if err != nil {
		return appendNone(dst), err
	}
	fields := once(s.Fields)
	if len(fields) > maxFields {
		return appendNone(dst), fmt.Errorf("%d fields, at most %d", len(fields), maxFields)
	}
	if len(s.Where) == 0 {
		if len(fields) == 0 {
			return appendNone(dst), nil
		}
		return appendRows(dst, t.len(), t.each(), fields)
	}
	found := chosen{rows: nil, seen: map[*client]bool{}}
	for _, where := range s.Where {
		found.where(t, where)
	}
	return appendRows(dst, len(found.rows), found.each, fields)
}

// chosen are the clients that a selection has found, in order.
type chosen struct {
	rows []*client
	seen map[*client]bool
}

func (f *chosen) add(c *client) {
	if !f.seen[c] {
		f.seen[c] = true
		f.rows = append(f.rows, c)
	}
}

func (f *chosen) each(yield func(*client) bool) {
	for _, c := range f.rows {
		if !yield(c) {
			return
		}
	}
}

// where adds the clients that one condition finds; keys that nobody knows find
// none.
func (f *chosen) where(t *clients, w wire.Where) {
	switch w.Key {
	case "groups":
		f.members(t.groups, w.Values)
	case "uid":
		f.members(t.uids, w.Values)
	case "connection_id":
		for _, value := range w.Values {
			id, err := strconv.ParseUint(value, 10, 32)
			if c := t.byID(uint32(id)); err == nil && c != nil {
				f.add(c)
			}
		}
	}
}

func (f *chosen) members(table map[string]*members, names []string) {
	for _, name := range names {
		for c := range table[name].each() {
			f.add(c)
		}
	}
}

const (
	// maxFields is far more than there are: each is in the row of every client.
	maxFields = 64
	// fieldBytes is about what a field takes in a row.
	fieldBytes = 48
)

// appendRows appends an array of n rows.
func appendRows(
	dst []byte, n int, rows iter.Seq[*client], fields []string,
) ([]byte, error) {
	dst = slices.Grow(dst, n*fieldBytes*min(len(fields), 4))
	dst = phpserialize.AppendArrayHead(dst, n)
	for c := range rows {
		dst = phpserialize.AppendArrayHead(appendInt(dst, int(c.id)), len(fields))
		for _, field := range fields {
			dst = c.appendField(appendKey(dst, field), field)
		}
		dst = phpserialize.AppendArrayEnd(dst)
		if len(dst) > maxAnswer {
			return nil, errAnswer
		}
	}
	return phpserialize.AppendArrayEnd(dst), nil
}

// appendField appends one value of a client; null is also what nobody knows.
func (c *client) appendField(dst []byte, field string) []byte {
	switch {
	case field == "session":
		return phpserialize.AppendString(dst, c.session)
	case field == "uid" && c.uid != nil:
		return phpserialize.AppendString(dst, c.uid.set.name)
	case field == "groups" && c.grouped:
		return c.appendGroups(dst)
	}
	return phpserialize.AppendNull(dst)
}

// appendGroups appends the groups of a client as an array that has each of them as
// key and as value. Who has left all of them has an empty one.
func (c *client) appendGroups(dst []byte) []byte {
	dst = phpserialize.AppendArrayHead(dst, c.groups.n)
	for m := range c.groups.each((*membership).inClient) {
		dst = phpserialize.AppendString(appendKey(dst, m.set.name), m.set.name)
	}
	return phpserialize.AppendArrayEnd(dst)
}
