package gateway

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// Where says which clients Select finds: all that are in one of the Groups, or have
// one of the UIDs, or are one of ClientIDs. The zero Where finds nobody.
type Where struct {
	All                     bool // every client, whatever the lists say
	Groups, UIDs, ClientIDs []string
}

// Row is a client that Select has found, with the fields that were asked for.
type Row struct {
	ClientID string
	UID      string   // "": none
	Groups   []string // in the order of joining
	Session  *Session // for reading, as that of SessionOf; nil when not asked for
}

// Select returns the clients that where finds, each once, with some of the fields
// "uid", "groups" and "session"; another field is an error. Groups come in the order of
// where, then of joining; every client in the order of connecting; Gateways in that of
// the Registers. Client ids of no Gateway of this cluster find nobody.
func (c *Client) Select(ctx context.Context, fields []string, where Where) ([]Row, error) {
	ask, err := where.questions(fields)
	if err != nil {
		return nil, err
	}
	e, err := c.errand(ctx)
	if err != nil {
		return nil, err
	}
	defer e.end()
	addresses, err := e.named()
	if err != nil {
		return nil, err
	}
	if len(ask.Where) == 0 && !where.All { // by client ids alone: nobody else is asked
		addresses = slices.DeleteFunc(slices.Clone(addresses), func(address string) bool {
			return ask.owners.clients[address] == nil
		})
	}
	var all []Row
	err = e.ask(addresses, ask.of, func(address string, values [][]byte) error {
		v, err := answerOf(values[0])
		if err != nil {
			return err
		}
		rows, err := rowsOf(address, v)
		all = append(all, rows...)
		return err
	})
	return all, err
}

// selection makes the questions to the Gateways of one Select.
type selection struct {
	wire.Selection
	owners owners
}

func (w Where) questions(fields []string) (s selection, err error) {
	for _, field := range fields {
		if !slices.Contains([]string{"uid", "groups", "session"}, field) {
			return s, fmt.Errorf("gateway: Select knows uid, groups and session, not %q", field)
		}
	}
	if err = checkGroup(w.Groups...); err != nil {
		return s, err
	}
	if err = checkUID(w.UIDs...); err != nil {
		return s, err
	}
	if s.Fields = fields; w.All {
		w = Where{}
	}
	if len(fields) == 0 {
		s.Fields = []string{"uid"} // without one a Gateway finds nobody
	}
	if len(w.Groups) > 0 {
		s.Where = append(s.Where, wire.Where{Key: "groups", Values: w.Groups})
	}
	if len(w.UIDs) > 0 {
		s.Where = append(s.Where, wire.Where{Key: "uid", Values: w.UIDs})
	}
	s.owners, err = ownersOf(w.ClientIDs, nil)
	return s, err
}

// of returns the question to one Gateway, with the numbers of its own clients.
func (s selection) of(address string) ([]inquiry, error) {
	if ids := s.owners.clients[address]; len(ids) > 0 {
		w := wire.Where{Key: "connection_id"}
		for _, id := range ids {
			w.Values = append(w.Values, strconv.FormatUint(uint64(id), 10))
		}
		s.Where = append(slices.Clip(s.Where), w)
	}
	ext, err := s.Append(nil)
	if err != nil {
		return nil, err
	}
	packet, err := assemble(wire.Packet{Command: wire.Select, Flag: wire.Scalar, Ext: ext})
	return []inquiry{{packet: packet}}, err
}

// rowsOf reads the answer of Select.
func rowsOf(address string, v any) ([]Row, error) {
	id, err := placeOf(address)
	if err != nil {
		return nil, err
	}
	found, err := array(v)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, 0, found.Len())
	for key, v := range found.All() {
		if id.Connection, err = connectionID(keyValue(key)); err != nil {
			return nil, err
		}
		fields, err := array(v)
		if err != nil {
			return nil, err
		}
		row := Row{ClientID: id.String(), UID: fields.String("uid")}
		for _, group := range fields.Array("groups").All() {
			row.Groups = append(row.Groups, phpserialize.ToString(group))
		}
		if fields.Has("session") {
			ext := fields.String("session")
			if ext == "" {
				ext = "a:0:{}"
			}
			row.Session = decodeSession(ext)
		}
		rows = append(rows, row)
	}
	return rows, nil
}
