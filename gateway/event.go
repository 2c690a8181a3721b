package gateway

import (
	"context"
	"sync/atomic"

	"github.com/workerman-go/wm/gateway/wire"
)

// Event is what happened to one client, and what a handler does about it. Its
// methods may be called by any goroutine, also when the handler has returned;
// Session is then no longer stored.
type Event struct {
	// ClientID names the client, in the whole cluster and until it is gone.
	ClientID string
	// Session is what the cluster remembers of the client; never nil. What a
	// handler changes in it is stored when it returns, if that made a difference,
	// but not in OnClose (features.md 43.5 to 43.11). It belongs to the goroutine
	// of the handler.
	Session *Session
	// Server says where the client is.
	Server Server

	link    *uplink // of its Gateway
	id      wire.ClientID
	over    atomic.Bool // the handler has returned
	closing *atomic.Bool
}

// visit is an event with its session, in one piece of memory.
type visit struct {
	Event
	session Session
}

// Server is what $_SERVER has in an event (features.md 43.14).
type Server struct {
	// RemoteAddr and RemotePort are the client's. PHP Gateways say 0.0.0.0 for
	// the address of an IPv6 client.
	RemoteAddr string
	RemotePort int
	// GatewayAddr is the LanIP of its Gateway, and GatewayPort the port that it
	// has connected to.
	GatewayAddr string
	GatewayPort int
}

// Handshake is the upgrade request of a websocket client. The values are strings,
// int64, nil, map[string]any, and []any for what PHP calls a list.
type Handshake struct {
	// Get is the query, by the rules of PHP: a[]=1&b[c]=2 are a list and a map.
	Get map[string]any
	// Server has REQUEST_URI, REMOTE_ADDR and so on, and the headers as
	// HTTP_USER_AGENT (wire.md 2.11).
	Server map[string]any
	// Cookie are the cookies, not decoded.
	Cookie map[string]any
}

// Send sends v to the client: bytes and strings as they are, numbers and bools as
// PHP prints them, other values as JSON. nil says that it is on its way, not that
// the client is there. ErrOffline: there is no link to its Gateway. ErrTooLarge: it
// does not fit into a packet. worker.ErrBufferFull: SendToGatewayBuffer is reached.
// All are about this message alone. Never blocks.
func (e *Event) Send(v any) error {
	message, err := messageBody(v)
	if err != nil {
		return err
	}
	return e.link.send(&wire.Packet{
		Command: wire.SendToOne, Flag: wire.Scalar, ConnectionID: e.id.Connection, Body: message,
	})
}

// Close sends last, if given, and closes the client when all that was sent to it
// is with the kernel; see CloseClient. Errors are those of Send.
func (e *Event) Close(last ...any) error {
	return e.link.t.p.cluster.CloseClient(context.Background(), e.ClientID, last...)
}

// Destroy closes the client at once; see DestroyClient. Errors are those of Send.
func (e *Event) Destroy() error {
	return e.link.t.p.cluster.DestroyClient(context.Background(), e.ClientID)
}

// Context ends when the client has closed, when the link to its Gateway is gone,
// and when the process has no more time to leave. It is asked for in the handler;
// afterwards, and in OnClose, it is that of the process alone.
func (e *Event) Context() context.Context {
	if e.over.Load() || e.closing == nil {
		return e.link.t.p.contexts.process
	}
	p := e.link.t.p
	ctx := p.contexts.of(e.id, e.closing)
	// A handler that goes on when the link has ended would keep it for ever: nobody
	// tells of the end of its client any more. Asked behind of, so that either this
	// or the end of the link sees the other.
	if !p.links.takes(e.link.address) {
		p.contexts.closed(e.id)
	}
	return ctx
}
