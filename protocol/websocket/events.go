package websocket

import "net/http"

// Request is what the handshake of a dialled connection asks for. Whoever dials
// gives it to Conn.SetState before the connection stands, and again before each
// reconnect; it is not changed here.
type Request struct {
	// Host is "name" or "name:port"; the ports 80 and 443 are not sent. A Host
	// in Header goes before it.
	Host string
	// Path is the target with its query; "" is "/".
	Path string
	// Header are further headers: Origin, Cookie, Authorization. What cannot
	// travel, and the handshake's own headers, are left out.
	Header http.Header
	// Subprotocols are offered in this order. Connected tells which one the
	// server chose.
	Subprotocols []string
}

// The events beside messages, given to Conn.Event as pointers in the worker
// process, on the loop goroutine.
type (
	// Connecting comes on accepted connections before the 101.
	Connecting struct {
		Request []byte // the upgrade request with its blank line, valid during the call
		// Header is nil and may be set: what the 101 is to carry besides. What
		// cannot travel, and the handshake's own headers, are left out; a
		// Sec-WebSocket-Protocol takes the place of the one that was agreed.
		Header http.Header
		// Refused is set by whoever gives the event on, when the connection
		// was closed meanwhile: no 101 is sent and Connected does not follow
		// (trap T79).
		Refused bool
	}
	// Connected comes when the handshake is done. Header is that of the
	// server's 101 on dialled connections, and nil on accepted ones.
	Connected struct{ Header http.Header }
	// CloseReceived comes once, with the peer's close frame; Code is 1005 when
	// it gave none. Untaken the code is echoed and the connection closed. A
	// callback that takes it answers and closes itself (trap T77).
	CloseReceived struct {
		Code   int
		Reason string
	}
	// Ping comes with a ping of at most 125 bytes, valid during the call.
	// Untaken it is answered; see AppendPong otherwise.
	Ping struct{ Data []byte }
	// Pong comes with a pong, asked for or not; Data is valid during the call.
	Pong struct{ Data []byte }
)
