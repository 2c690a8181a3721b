package websocket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// conn is a connection without a socket.
type conn struct {
	p       *websocket // nil is Protocol
	dialled bool
	state   any
	max     int
	sent    []byte
	closed  bool
	full    bool             // SendRaw has no room
	events  []any            // what came beside messages
	take    func(e any) bool // what the callback for it returns
}

var errFull = errors.New("no room")

// plain is the protocol without options.
var plain = Protocol.(*websocket)

func (c *conn) Dialled() bool   { return c.dialled }
func (c *conn) MaxPackage() int { return c.max }
func (c *conn) State() any      { return c.state }
func (c *conn) SetState(v any)  { c.state = v }

func (c *conn) speaks() *websocket {
	if c.p == nil {
		return plain
	}
	return c.p
}

func (c *conn) Close(...any) {
	if !c.closed {
		c.closed = true
		c.sent = c.speaks().AppendFarewell(c.sent, protocol.Parting, c)
	}
}

func (c *conn) Event(e any) bool {
	taken := c.take != nil && c.take(e)
	switch e := e.(type) { // bytes are only valid during the call
	case *Ping:
		e.Data = bytes.Clone(e.Data)
	case *Pong:
		e.Data = bytes.Clone(e.Data)
	case *Connecting:
		e.Request = bytes.Clone(e.Request)
	}
	c.events = append(c.events, e)
	return taken
}

func (c *conn) SendRaw(p []byte) error {
	if c.full {
		return errFull
	}
	c.sent = append(c.sent, p...)
	return nil
}

// opened is an accepted connection behind its handshake, dialled one that was
// dialled.
func opened(limit int) *conn { return &conn{max: limit, state: &session{}} }

func dialled(limit int) *conn {
	return &conn{max: limit, dialled: true, state: &session{dialled: true}}
}

// receive gives the pieces to Protocol as a connection does, and returns the
// messages before the connection was closed. The reply of a Reject is sent.
func (c *conn) receive(pieces ...[]byte) (messages []string, err error) {
	var buf []byte
	for _, piece := range pieces {
		buf = append(bytes.Clone(buf), piece...)
		for len(buf) > 0 && !c.closed {
			m, n, err := c.step(buf)
			var reject *protocol.Reject
			if errors.As(err, &reject) {
				c.sent = append(c.sent, reject.Reply...)
			}
			if err != nil && !errors.Is(err, protocol.Skip) {
				return messages, err
			}
			if n == 0 {
				break
			}
			if err == nil {
				messages = append(messages, string(m))
			}
			buf = buf[n:]
		}
	}
	return messages, nil
}

func (c *conn) step(buf []byte) ([]byte, int, error) {
	n, err := c.speaks().Input(buf, c)
	if err != nil || n == 0 || n > len(buf) {
		return nil, 0, err
	}
	m, err := c.speaks().DecodeBytes(buf[:n:n], c)
	for errors.Is(err, protocol.Again) {
		moved := bytes.Clone(buf[:n]) // as connections do
		m, err = c.speaks().DecodeBytes(moved, c)
	}
	return m, n, err
}

// masked is a frame as clients send it; first holds FIN, RSV and the opcode.
func masked(first byte, payload string) []byte {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b := appendHeader(nil, first, bitMask, len(payload))
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

// bare is a frame as servers send it.
func bare(first byte, payload string) []byte {
	return append(appendHeader(nil, first, 0, len(payload)), payload...)
}

func closeFrame(code uint16, reason string) []byte {
	return masked(0x88, string(binary.BigEndian.AppendUint16(nil, code))+reason)
}

// unframe takes the first frame off what was sent, unmasked.
func unframe(t *testing.T, sent []byte) (first byte, payload string, rest []byte) {
	t.Helper()
	s := session{dialled: len(sent) > 1 && sent[1]&bitMask == 0}
	s.extension = &extension{}
	if len(sent) > 0 && sent[0]&bitsOpcode == 0 {
		s.kind = opText
	}
	n, err := s.input(sent, 1<<30)
	if err != nil || n == 0 || n > len(sent) {
		t.Fatalf("sent %.60q: no whole frame, %v", sent, err)
	}
	frame := bytes.Clone(sent[:n])
	return frame[0], string(unmask(frame)), sent[n:]
}

// pair is a client and a server behind their handshake with each other.
func pair(t *testing.T, client, server *websocket) (c, s *conn) {
	t.Helper()
	c = &conn{p: client, dialled: true, max: 1 << 20, state: &Request{Host: "example.com:2346"}}
	s = &conn{p: server, max: 1 << 20}
	client.OnConnect(c)
	s.mustReceive(t, c.flush())
	c.mustReceive(t, s.flush())
	if !client.Opened(c) || !server.Opened(s) {
		t.Fatal("the handshake did not open both ends")
	}
	return c, s
}

// flush returns what was sent since the last time.
func (c *conn) flush() []byte {
	sent := c.sent
	c.sent = nil
	return sent
}

func (c *conn) mustReceive(t *testing.T, pieces ...[]byte) []string {
	t.Helper()
	messages, err := c.receive(pieces...)
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

// send sends a text message.
func (c *conn) send(t *testing.T, message string) {
	t.Helper()
	out, err := c.speaks().EncodeBytes(c.sent, []byte(message), c)
	if err != nil {
		t.Fatal(err)
	}
	c.sent = out
}

func with(o Options) *websocket { return New(o).(*websocket) }

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

func wantMessages(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("messages %q, want %q", got, want)
	}
}

func wantSent(t *testing.T, c *conn, want string) {
	t.Helper()
	if got := string(c.sent); got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}
