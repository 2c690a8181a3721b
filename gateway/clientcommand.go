package gateway

import (
	"context"
	"fmt"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// CloseClient closes the connection of a client when what was sent to it is with the
// kernel. The last messages, if given, go out before; see SendTo for them. A nil is
// no message. Its OnClose follows.
func (c *Client) CloseClient(ctx context.Context, clientID string, last ...any) error {
	var bodies [][]byte
	for _, v := range last {
		if v == nil {
			continue
		}
		message, err := messageBody(v)
		if err != nil {
			return err
		}
		bodies = append(bodies, message)
	}
	kick := wire.Packet{Command: wire.Kick, Body: []byte("N;")}
	if n := len(bodies); n > 0 {
		kick = wire.Packet{Command: wire.Kick, Flag: wire.Scalar, Body: bodies[n-1]}
		for _, message := range bodies[:n-1] {
			pk := wire.Packet{Command: wire.SendToOne, Flag: wire.Scalar, Body: message}
			if err := c.command(ctx, clientID, pk); err != nil {
				return err
			}
		}
	}
	return c.command(ctx, clientID, kick)
}

// DestroyClient cuts the connection of a client at once; what it has not taken yet is
// lost. Its OnClose follows. (PHP's destoryClient.)
func (c *Client) DestroyClient(ctx context.Context, clientID string) error {
	return c.command(ctx, clientID, wire.Packet{Command: wire.Destroy, Flag: wire.Scalar})
}

// BindUID makes a client one of those of a uid, which may have many. A client has one
// uid: an earlier one is forgotten. It lasts as long as the connection.
func (c *Client) BindUID(ctx context.Context, clientID, uid string) error {
	if err := checkUID(uid); err != nil {
		return err
	}
	return c.command(ctx, clientID, aboutName(wire.BindUID, uid))
}

// UnbindUID takes the uid from a client. Gateways do not look whether it is the one
// that is named, as in PHP.
func (c *Client) UnbindUID(ctx context.Context, clientID, uid string) error {
	if err := checkUID(uid); err != nil {
		return err
	}
	return c.command(ctx, clientID, aboutName(wire.UnbindUID, uid))
}

// JoinGroup makes a client a member of a group, until it leaves it or is gone. It may
// be in many groups.
func (c *Client) JoinGroup(ctx context.Context, clientID, group string) error {
	if err := checkGroup(group); err != nil {
		return err
	}
	return c.command(ctx, clientID, aboutName(wire.JoinGroup, group))
}

// LeaveGroup takes a client out of a group.
func (c *Client) LeaveGroup(ctx context.Context, clientID, group string) error {
	if err := checkGroup(group); err != nil {
		return err
	}
	return c.command(ctx, clientID, aboutName(wire.LeaveGroup, group))
}

// Ungroup takes all members out of a group. They stay connected.
func (c *Client) Ungroup(ctx context.Context, group string) error {
	if err := checkGroup(group); err != nil {
		return err
	}
	e, err := c.errand(ctx)
	if err != nil {
		return err
	}
	defer e.end()
	addresses, err := e.linked()
	if err != nil {
		return err
	}
	return e.send(addresses, func(string) (wire.Packet, error) {
		return aboutName(wire.Ungroup, group), nil
	})
}

// SetSession replaces the session of a client. Values are those of Session.Set, keys
// are stored in their order; another value is an error. In a handler the session of
// its own client is Event.Session, which is written back behind it.
func (c *Client) SetSession(ctx context.Context, clientID string, s map[string]any) error {
	return c.session(ctx, clientID, wire.SetSession, s)
}

// UpdateSession merges s into the session of a client: a value replaces that of the
// same key, arrays in both are merged the same way, and all else stays. An empty array
// therefore changes nothing (wire.md 2.9). See SetSession for the values.
func (c *Client) UpdateSession(ctx context.Context, clientID string, s map[string]any) error {
	return c.session(ctx, clientID, wire.UpdateSession, s)
}

func (c *Client) session(
	ctx context.Context, clientID string, what wire.Command, s map[string]any,
) error {
	if s == nil {
		s = map[string]any{}
	}
	ext, err := phpserialize.Marshal(s)
	if err != nil {
		return fmt.Errorf("gateway: session: %w", err)
	}
	if len(ext) > maxSession {
		return fmt.Errorf("%w: a session of %d bytes, at most %d", ErrTooLarge, len(ext), maxSession)
	}
	return c.command(ctx, clientID, wire.Packet{Command: what, Flag: wire.Scalar, Ext: ext})
}

// aboutName is a command with the name of a uid or group.
func aboutName(what wire.Command, name string) wire.Packet {
	return wire.Packet{Command: what, Flag: wire.Scalar, Ext: []byte(name)}
}

// command sends a command about one client to its Gateway.
func (c *Client) command(ctx context.Context, clientID string, pk wire.Packet) error {
	id, err := parseID(clientID)
	if err != nil {
		return err
	}
	pk.ConnectionID = id.Connection
	if c != nil && c.via != nil {
		return c.overLink(id.Address(), pk)
	}
	e, err := c.errand(ctx)
	if err != nil {
		return err
	}
	defer e.end()
	return e.sendKnown([]string{id.Address()},
		func(string) (wire.Packet, error) { return pk, nil })
}

// overLink is the short way from a BusinessWorker to one Gateway.
func (c *Client) overLink(address string, pk wire.Packet) error {
	packet, err := assemble(pk)
	if err != nil {
		return err
	}
	return overLinks(c.via, []string{address}, [][]byte{packet})
}
