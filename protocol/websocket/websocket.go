// Package websocket is both sides of RFC 6455, version 13, with the
// compression of RFC 7692. A connection begins with an HTTP request that asks
// for the upgrade; afterwards messages travel in frames. Fragments are joined,
// pings are answered and close frames are returned here: the author sees
// messages, and the events of events.go where a callback asks for them.
//
//	worker.New("websocket://0.0.0.0:2346")
//
// The way in: handshake.go and upgrade.go (server) or dial.go (client), then
// frame.go for the header of a frame, message.go and fragments.go for its
// content, control.go and close.go for control frames. The way out: encode.go.
// Compression: negotiate.go agrees on it, deflate.go and inflate.go do it.
package websocket

import (
	"github.com/workerman-go/wm/protocol"
)

// Options are what New makes a protocol of. The zero value is plain websocket
// without compression and subprotocols.
type Options struct {
	// Compress agrees to permessage-deflate when the client offers it, and
	// offers it on dialled connections. Off by default: it costs several
	// microseconds a message.
	Compress bool
	// ContextTakeover lets messages refer to those before them, which makes
	// small ones much smaller. Each connection then keeps up to 32 KiB for
	// either way, a message takes about 25 microseconds more to send, and a
	// broadcast compresses for each receiver. Off: no_context_takeover for
	// both ways, and no memory is kept between messages.
	ContextTakeover bool
	// MinSize is the length in bytes below which messages are sent as they
	// are. 0 is 512, or 128 with ContextTakeover.
	MinSize int
	// Level is from 1, fast, to 9, small. 0 is 1; other values are taken as
	// the nearest. A peer that asks for a smaller window gets a fixed level.
	Level int
	// Subprotocols are what this side speaks, the best first. A server answers
	// with the first one that the client offers too, or with none. Names that
	// are no tokens (RFC 6455 section 4.1) are left out. Dialled connections
	// offer those of their Request instead.
	Subprotocols []string
}

// New returns the protocol for Worker.Protocol. One value serves accepted and
// dialled connections, in any number of processes and goroutines.
func New(o Options) protocol.Protocol {
	p := &websocket{takeover: o.ContextTakeover}
	for _, name := range o.Subprotocols {
		if isToken(name) {
			p.subprotocols = append(p.subprotocols, name)
		}
	}
	if o.Compress {
		p.deflate = newDeflate(o)
	}
	return p
}

// Protocol is what websocket:// and ws:// mean; give it to SetProtocol to
// switch a connection to it.
var Protocol = New(Options{})

// websocket implements protocol.Protocol, Bytes, BinaryEncoder, Opener,
// Handshaker, Holder, Sharer, Quiescer, Closer, Farewell and CodeFarewell. The
// state of a connection is an *opening until the handshake is done, which a
// dialled one makes of its *Request, and a *session from then on.
type websocket struct {
	takeover     bool
	subprotocols []string
	deflate      *deflate // nil without compression
}

// session is what an open connection remembers. Idle connections are many, so
// it is kept small.
type session struct {
	kind       opcode // of the message whose fragments are collected, or none
	binary     bool   // the message decoded last is binary
	compressed bool   // the message being received is
	dialled    bool   // this side is the client: it masks
	closed     bool   // our close frame is out
	ended      bool   // the peer's close frame came: nothing may follow it

	fragments *fragments // nil between messages, and for those in one piece
	extension *extension // nil without compression
}

// The classes of connections that get the same bytes. Compressed ones follow by
// the bits of their window.
const (
	classAlone = iota
	classPlain
	classCompressed
)

// Input finds the end of the handshake, later the length of a frame. It
// refuses what RFC 6455 does not allow as soon as it is seen.
func (*websocket) Input(buf []byte, c protocol.Conn) (int, error) {
	if s, open := c.State().(*session); open {
		return s.input(buf, c.MaxPackage())
	}
	return openingOf(c).input(buf, c)
}

// Decode returns a message as bytes; see DecodeBytes.
func (p *websocket) Decode(frame []byte, c protocol.Conn) (any, error) {
	return p.DecodeBytes(frame, c)
}

// DecodeBytes returns the message that frame completes, unmasked in place or
// inflated into memory of its own. For the handshake, control frames and all
// fragments but the last it returns protocol.Skip and has done what they ask for.
// A large compressed message takes several calls, with protocol.Again in between.
func (p *websocket) DecodeBytes(frame []byte, c protocol.Conn) ([]byte, error) {
	if s, open := c.State().(*session); open {
		return s.decode(frame, c)
	}
	if c.Dialled() {
		return nil, p.finish(frame, c)
	}
	return nil, p.accept(frame, c)
}

// Opened says that the handshake is done.
func (*websocket) Opened(c protocol.Conn) bool {
	_, open := c.State().(*session)
	return open
}

// Held is what was sent before the handshake, in bytes.
func (*websocket) Held(c protocol.Conn) int {
	if o, opening := c.State().(*opening); opening {
		return len(o.early)
	}
	return 0
}

// Quiet says that no message has come in part: its fragments wait here and not
// in the connection.
func (*websocket) Quiet(c protocol.Conn) bool {
	s, open := c.State().(*session)
	return !open || s.kind == opContinuation
}

// Class is one for all plain connections, and one for all compressed ones
// whose windows are equal. Alone are those that mask or refer to what they sent
// before, and until the handshake is done, when frames are held back.
func (*websocket) Class(c protocol.Conn) int {
	s, open := c.State().(*session)
	switch {
	case !open || s.dialled:
		return classAlone
	case s.extension != nil:
		return s.extension.class
	}
	return classPlain
}

// Binary says whether the message that c delivers now, or delivered last, came
// as binary and not as text (trap T78).
func Binary(c protocol.Conn) bool {
	s, open := c.State().(*session)
	return open && s.binary
}
