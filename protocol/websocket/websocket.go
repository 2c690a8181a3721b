// Package websocket is the server side of RFC 6455, version 13. A connection
// begins with an HTTP request that asks for the upgrade; afterwards messages
// travel in frames. Fragments are joined, pings are answered and close frames
// are returned here: the author sees messages only.
//
//	worker.New("websocket://0.0.0.0:2346")
//
// handshake.go and upgrade.go are the way in, frame.go reads the header of a
// frame, message.go its content, encode.go is the way out, and close.go ends it.
package websocket

import "github.com/workerman-go/wm/protocol"

// Protocol is what websocket:// means; give it to SetProtocol to switch a
// connection to it.
var Protocol protocol.Protocol = websocket{}

// websocket implements protocol.Protocol, Bytes, Sharer and Farewell. The state
// of a connection is an *opening until the handshake and a *session from then on.
type websocket struct{}

// session is what an open connection remembers. Idle connections are many, so
// it is kept small.
type session struct {
	kind      opcode // of the message whose fragments are collected, or none
	binary    bool   // the message decoded last is binary
	closed    bool   // our close frame is out
	fragments []byte
}

// Input finds the end of the upgrade request, later the length of a frame. It
// refuses what RFC 6455 does not allow as soon as it is seen.
func (websocket) Input(buf []byte, c protocol.Conn) (int, error) {
	if s, open := c.State().(*session); open {
		return s.input(buf, c.MaxPackage())
	}
	return openingOf(c).input(buf)
}

// Decode returns a message as bytes; see DecodeBytes.
func (p websocket) Decode(frame []byte, c protocol.Conn) (any, error) {
	return p.DecodeBytes(frame, c)
}

// DecodeBytes returns the message that frame completes, unmasked in place. For
// the upgrade request, control frames and all fragments but the last it returns
// protocol.Skip and has done what they ask for.
func (websocket) DecodeBytes(frame []byte, c protocol.Conn) ([]byte, error) {
	if s, open := c.State().(*session); open {
		return s.decode(frame, c)
	}
	return nil, openingOf(c).accept(frame, c)
}

// Class is one for all open connections; until the handshake is done frames
// are held back.
func (websocket) Class(c protocol.Conn) int {
	if _, open := c.State().(*session); open {
		return 1
	}
	return 0
}

// Binary says whether the message that c delivers now, or delivered last, came
// as binary and not as text (trap T78).
func Binary(c protocol.Conn) bool {
	s, open := c.State().(*session)
	return open && s.binary
}
