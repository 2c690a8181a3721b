package gateway

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// IsOnline says whether a client is connected. False without an error is certain; a
// client of no Gateway of this cluster is not online.
func (c *Client) IsOnline(ctx context.Context, clientID string) (bool, error) {
	value, err := c.askOwner(ctx, clientID, wire.Packet{Command: wire.IsOnline})
	if err != nil || value == nil {
		return false, err
	}
	var n int
	err = readAnswerOf(clientID, value, func(v any) (err error) {
		n, err = count(v)
		return err
	})
	return n != 0, err
}

// SessionOf returns the session of a client as its Gateway has it, and nil when it is
// not online. It is for reading: what is set in it goes nowhere, see SetSession and
// UpdateSession. One that nothing was ever stored in is an empty array.
func (c *Client) SessionOf(ctx context.Context, clientID string) (*Session, error) {
	value, err := c.askOwner(ctx, clientID, wire.Packet{Command: wire.GetSessionByClientID})
	if err != nil || value == nil {
		return nil, err
	}
	var s *Session
	err = readAnswerOf(clientID, value, func(v any) error {
		switch v.(type) {
		case nil:
			return nil
		case *phpserialize.Array:
			s = decodeSession(string(value))
			return nil
		}
		return fmt.Errorf("%w: a session that is a %T", ErrBadAnswer, v)
	})
	return s, err
}

// UIDByClientID returns the uid of a client, "" when it has none or is not online.
func (c *Client) UIDByClientID(ctx context.Context, clientID string) (string, error) {
	id, err := parseID(clientID)
	if err != nil {
		return "", err
	}
	ext, err := wire.Selection{Fields: []string{"uid"}, Where: []wire.Where{{
		Key: "connection_id", Values: []string{strconv.FormatUint(uint64(id.Connection), 10)},
	}}}.Append(nil)
	if err != nil {
		return "", err
	}
	value, err := c.askOwner(ctx, clientID, wire.Packet{Command: wire.Select, Ext: ext})
	if err != nil || value == nil {
		return "", err
	}
	uid := ""
	err = readAnswerOf(clientID, value, func(v any) error {
		rows, err := rowsOf(id.Address(), v)
		if len(rows) > 0 {
			uid = rows[0].UID
		}
		return err
	})
	return uid, err
}

// askOwner asks the Gateway of a client. The value is nil when there is no such
// Gateway.
func (c *Client) askOwner(
	ctx context.Context, clientID string, pk wire.Packet,
) (value []byte, err error) {
	id, err := parseID(clientID)
	if err != nil {
		return nil, err
	}
	e, err := c.errand(ctx)
	if err != nil {
		return nil, err
	}
	defer e.end()
	known, err := e.named()
	if err != nil {
		return nil, err
	}
	address := id.Address()
	if !slices.Contains(known, address) {
		return nil, nil
	}
	if pk.Command != wire.Select {
		pk.ConnectionID = id.Connection
	}
	pk.Flag = wire.Scalar
	packet, err := assemble(pk)
	if err != nil {
		return nil, err
	}
	err = e.ask([]string{address},
		func(string) ([]inquiry, error) { return []inquiry{{packet: packet}}, nil },
		func(_ string, values [][]byte) error {
			value = values[0]
			return nil
		})
	return value, err
}

// readAnswerOf hands the value of the answer of a client's Gateway to take.
func readAnswerOf(clientID string, value []byte, take func(v any) error) error {
	v, err := answerOf(value)
	if err == nil {
		err = take(v)
	}
	id, _ := parseID(clientID)
	return missing([]string{id.Address()}, []error{err})
}

// askAll asks all Gateways one question; take gets what each says, in the order of the
// Registers. It must take nothing of an answer that it refuses.
func (c *Client) askAll(
	ctx context.Context, pk wire.Packet, take func(address string, v any) error,
) error {
	e, err := c.errand(ctx)
	if err != nil {
		return err
	}
	defer e.end()
	addresses, err := e.named()
	if err != nil {
		return err
	}
	pk.Flag = wire.Scalar
	packet, err := assemble(pk)
	if err != nil {
		return err
	}
	return e.ask(addresses,
		func(string) ([]inquiry, error) { return []inquiry{{packet: packet}}, nil },
		func(address string, values [][]byte) error {
			v, err := answerOf(values[0])
			if err != nil {
				return err
			}
			return take(address, v)
		})
}

// answerOf reads an answer.
func answerOf(value []byte) (any, error) {
	v, err := phpserialize.UnmarshalReply(value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadAnswer, err)
	}
	return v, nil
}

func array(v any) (*phpserialize.Array, error) {
	if a, ok := v.(*phpserialize.Array); ok {
		return a, nil
	}
	return nil, fmt.Errorf("%w: a %T, not an array", ErrBadAnswer, v)
}

// count reads a number of clients.
func count(v any) (int, error) {
	if n, ok := v.(int64); ok && n >= 0 {
		return int(n), nil
	}
	return 0, fmt.Errorf("%w: a %T is no number of clients", ErrBadAnswer, v)
}

// connectionID reads the number of a client.
func connectionID(v any) (uint32, error) {
	if n, ok := v.(int64); ok && n > 0 && n <= math.MaxUint32 {
		return uint32(n), nil
	}
	return 0, fmt.Errorf("%w: %v is no connection id", ErrBadAnswer, v)
}

// clientIDs reads a list of numbers of clients.
func clientIDs(address string, v any) ([]string, error) {
	id, err := placeOf(address)
	if err != nil {
		return nil, err
	}
	list, err := array(v)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, list.Len())
	for _, v := range list.All() {
		if id.Connection, err = connectionID(v); err != nil {
			return nil, err
		}
		ids = append(ids, id.String())
	}
	return ids, nil
}
