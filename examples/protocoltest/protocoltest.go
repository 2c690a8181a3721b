// Package protocoltest gives bytes to a Protocol as a connection does, cut into
// pieces of any size, without a socket. The tests of the examples are made of
// it.
package protocoltest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// Conn is a connection without a socket. Max is its MaxPackage.
type Conn struct {
	Max   int
	state any
}

var _ protocol.Conn = (*Conn)(nil)

// MaxPackage returns Max.
func (c *Conn) MaxPackage() int { return c.Max }

// State returns what SetState kept.
func (c *Conn) State() any { return c.state }

// SetState keeps v for the protocol.
func (c *Conn) SetState(v any) { c.state = v }

// Dialled is false: the connection is a server's.
func (c *Conn) Dialled() bool { return false }

// Event has nobody to tell.
func (c *Conn) Event(any) bool { return false }

// SendRaw throws away what it is given.
func (c *Conn) SendRaw([]byte) error { return nil }

// Close does nothing.
func (c *Conn) Close(...any) {}

// Receive gives the pieces to p, one read after another, on a connection that
// takes frames of limit bytes. It returns the messages before the first error.
// The bytes of each frame are spoiled after Decode, as after a callback, so
// that a value which points into them shows. It panics when p waits for more
// than the limit.
func Receive(p protocol.Protocol, limit int, pieces ...[]byte) (messages []any, err error) {
	c := &Conn{Max: limit}
	var unread []byte
	for _, piece := range pieces {
		unread = append(unread, piece...)
		for len(unread) > 0 {
			n, err := p.Input(unread, c)
			if err != nil {
				return messages, err
			}
			if n > limit || n == 0 && len(unread) > limit {
				panic(fmt.Sprintf("Input = %d for %d bytes, the limit is %d", n, len(unread), limit))
			}
			if n == 0 || n > len(unread) {
				break
			}
			m, err := decode(p, unread[:n], c)
			if err != nil {
				return messages, err
			}
			messages = append(messages, m)
			unread = unread[n:]
		}
	}
	return messages, nil
}

// decode spoils the frame behind Decode. A message of bytes may point into it.
func decode(p protocol.Protocol, frame []byte, c protocol.Conn) (any, error) {
	frame = bytes.Clone(frame)
	m, err := p.Decode(frame, c)
	if data, ok := m.([]byte); ok {
		m = bytes.Clone(data)
	}
	for i := range frame {
		frame[i] = 0xDB
	}
	return m, err
}

// Case is some input and what comes of it.
type Case struct {
	Name string
	In   string
	Want []any // messages before the error
	Bad  bool  // the connection is closed
}

// Run checks the cases on connections that take frames of limit bytes, each in
// one piece, cut in two at every point, and byte by byte.
func Run(t *testing.T, p protocol.Protocol, limit int, cases []Case) {
	for _, tt := range cases {
		t.Run(tt.Name, func(t *testing.T) {
			in := []byte(tt.In)
			want(t, p, limit, tt, in)
			for at := range in {
				want(t, p, limit, tt, in[:at], in[at:])
			}
			want(t, p, limit, tt, slices.Collect(slices.Chunk(in, 1))...)
		})
	}
}

func want(t *testing.T, p protocol.Protocol, limit int, tt Case, pieces ...[]byte) {
	t.Helper()
	got, err := Receive(p, limit, pieces...)
	if !reflect.DeepEqual(got, tt.Want) {
		t.Fatalf("in pieces %q: messages %#v, want %#v", pieces, got, tt.Want)
	}
	if errors.Is(err, protocol.ErrBad) != tt.Bad || err != nil && !tt.Bad {
		t.Fatalf("in pieces %q: error %v, want one: %t", pieces, err, tt.Bad)
	}
}

// Fuzz checks what every protocol must keep: the same messages and the same
// error however the bytes are cut, and that what it encodes of a message is
// that message again. in is cut into pieces of size bytes.
func Fuzz(t *testing.T, p protocol.Protocol, in []byte, size int) {
	const limit = 512
	whole, wantErr := Receive(p, limit, in)
	got, err := Receive(p, limit, slices.Collect(slices.Chunk(in, max(size, 1)))...)
	if !reflect.DeepEqual(got, whole) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Errorf("cut by %d: %#v, %v; whole: %#v, %v", size, got, err, whole, wantErr)
	}
	for _, m := range whole {
		frame, err := p.Encode(nil, m, &Conn{Max: limit})
		if err != nil {
			t.Fatalf("Encode(%#v): %v", m, err)
		}
		// What it encodes may be longer than what it has read: <a/> is <a></a>.
		if back, err := Receive(p, 16*limit, frame); err != nil || len(back) != 1 ||
			!reflect.DeepEqual(back[0], m) {
			t.Errorf("%#v is %q and then %#v, %v", m, frame, back, err)
		}
	}
}
