package frame

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// conn is a connection without a socket.
type conn struct {
	state any
	max   int
}

func (c *conn) Dialled() bool { return false }

func (*conn) Event(any) bool         { return false }
func (c *conn) MaxPackage() int      { return c.max }
func (c *conn) State() any           { return c.state }
func (c *conn) SetState(v any)       { c.state = v }
func (c *conn) SendRaw([]byte) error { return nil }
func (c *conn) Close(...any)         {}

// receive gives the pieces to Protocol as a connection does and returns the
// messages before the first error.
func receive(c *conn, pieces ...[]byte) (messages []string, err error) {
	p := Protocol.(interface {
		protocol.Protocol
		protocol.Bytes
	})
	var buf []byte
	for _, piece := range pieces {
		buf = append(bytes.Clone(buf), piece...)
		for len(buf) > 0 {
			n, err := p.Input(buf, c)
			if err != nil {
				return messages, err
			}
			if n == 0 || n > len(buf) {
				break
			}
			m, err := p.DecodeBytes(buf[:n], c)
			if err != nil {
				return messages, err
			}
			messages = append(messages, string(m))
			buf = buf[n:]
		}
	}
	return messages, nil
}

func TestReceivesFrames(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want []string
		bad  bool
	}{
		{"one", "\x00\x00\x00\x09hello", []string{"hello"}, false},
		{"two in one read", "\x00\x00\x00\x05a\x00\x00\x00\x05b", []string{"a", "b"}, false},
		{"empty", "\x00\x00\x00\x04", []string{""}, false},
		{"any bytes", "\x00\x00\x00\x07\n\x00\xff", []string{"\n\x00\xff"}, false},
		{"unfinished header", "\x00\x00\x00", nil, false},
		{"unfinished message", "\x00\x00\x00\x09hell", nil, false},
		{"length 0", "\x00\x00\x00\x00", nil, true},
		{"length inside the header", "\x00\x00\x00\x03abc", nil, true},
		{"length of the limit", "\x00\x00\x00\x10", nil, false},
		{"length above the limit", "\x00\x00\x00\x11", nil, true},
		{"length that is negative as int32", "\xff\xff\xff\xff", nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := receive(&conn{max: 16}, []byte(tt.in))
			if !slices.Equal(got, tt.want) {
				t.Errorf("messages %q, want %q", got, tt.want)
			}
			if errors.Is(err, protocol.ErrBad) != tt.bad {
				t.Errorf("error %v, want one: %t", err, tt.bad)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"string", "hello", "\x00\x00\x00\x09hello"},
		{"bytes", []byte{0, 0xff}, "\x00\x00\x00\x06\x00\xff"},
		{"empty", "", "\x00\x00\x00\x04"},
		{"number", -7, "\x00\x00\x00\x06-7"},
		{"json", []int{1}, "\x00\x00\x00\x07[1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Protocol.Encode([]byte("before"), tt.v, &conn{})
			if err != nil || string(got) != "before"+tt.want {
				t.Errorf("Encode = %q, %v, want %q", got, err, "before"+tt.want)
			}
		})
	}
	if got, err := Protocol.Encode([]byte("x"), make(chan int), &conn{}); err == nil {
		t.Errorf("Encode of a channel = %q, want an error", got)
	} else if string(got) != "x" {
		t.Errorf("a refused value left %q, want nothing added", got)
	}
}

func TestSharesAlways(t *testing.T) {
	if Protocol.(protocol.Sharer).Class(&conn{}) == 0 {
		t.Error("a broadcast would encode for every connection")
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x09hello\x00\x00\x00\x04\x00\x00\x00\x05b"), 3)
	f.Add([]byte("\x00\x00\x00\x05a\x00\x00\x00\x03"), 1)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		want, wantErr := receive(&conn{max: 32}, in)
		cut := slices.Collect(slices.Chunk(in, max(size, 1)))
		got, err := receive(&conn{max: 32}, cut...)
		if !slices.Equal(got, want) || !errors.Is(err, wantErr) {
			t.Errorf("cut by %d: %q, %v; whole: %q, %v", size, got, err, want, wantErr)
		}
	})
}

func TestEchoDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, echo(32)); n != 0 {
		t.Errorf("%v allocations per message, want 0", n)
	}
}

// echo returns one round of a message of size bytes.
func echo(size int) func() {
	p, c := frame{}, &conn{max: 1 << 20}
	in, _ := p.EncodeBytes(nil, bytes.Repeat([]byte{'x'}, size), c)
	out := make([]byte, 0, 2*len(in))
	return func() {
		n, _ := p.Input(in, c)
		m, _ := p.DecodeBytes(in[:n], c)
		out, _ = p.EncodeBytes(out[:0], m, c)
	}
}

func BenchmarkEcho(b *testing.B) {
	for name, size := range map[string]int{"32B": 32, "4KB": 4 << 10} {
		b.Run(name, func(b *testing.B) {
			round := echo(size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				round()
			}
		})
	}
}
