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
	state  any
	max    int
	sent   []byte
	closed bool
	full   bool // SendRaw has no room
}

var errFull = errors.New("no room")

func (c *conn) Dialled() bool   { return false }
func (c *conn) MaxPackage() int { return c.max }
func (c *conn) State() any      { return c.state }
func (c *conn) SetState(v any)  { c.state = v }
func (c *conn) Close(...any)    { c.closed = true }

func (c *conn) Event(any) bool { return false }

func (c *conn) SendRaw(p []byte) error {
	if c.full {
		return errFull
	}
	c.sent = append(c.sent, p...)
	return nil
}

// opened is a connection behind its handshake.
func opened(limit int) *conn { return &conn{max: limit, state: &session{}} }

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
	n, err := plain.Input(buf, c)
	if err != nil || n == 0 || n > len(buf) {
		return nil, 0, err
	}
	m, err := plain.DecodeBytes(buf[:n], c)
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

func closeFrame(code uint16, reason string) []byte {
	return masked(0x88, string(binary.BigEndian.AppendUint16(nil, code))+reason)
}

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

var plain = Protocol.(*websocket)
