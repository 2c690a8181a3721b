package text

import (
	"bytes"
	"errors"
	"slices"
	"strings"
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

func TestReceivesLines(t *testing.T) {
	long := strings.Repeat("x", 20)
	tests := []struct {
		name string
		in   string
		want []string
		bad  bool
	}{
		{"one", "hello\n", []string{"hello"}, false},
		{"two in one read", "a\nb\n", []string{"a", "b"}, false},
		{"unfinished", "a\nb", []string{"a"}, false},
		{"empty line", "\n", []string{""}, false},
		{"all line ends go", "a\r\r\n", []string{"a"}, false},
		{"inner carriage return stays", "a\rb\r\n", []string{"a\rb"}, false},
		{"other white space stays", " a\t \n", []string{" a\t "}, false},
		{"many short lines above the limit", "abc\nabc\nabc\nabc\nabc\n",
			[]string{"abc", "abc", "abc", "abc", "abc"}, false},
		{"line of the limit", long[:15] + "\n", []string{long[:15]}, false},
		{"line above the limit", "a\n" + long[:16] + "\n", []string{"a"}, true},
		{"unfinished below the limit", long[:15], nil, false},
		{"unfinished at the limit", long[:16], nil, true},
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

func TestLongLineIsSearchedOnce(t *testing.T) {
	c := &conn{max: 100}
	if n, err := Protocol.Input([]byte("abc"), c); n != 0 || err != nil {
		t.Fatalf("Input = %d, %v, want to wait", n, err)
	}
	if got := c.state.(*searched).upTo; got != 3 {
		t.Errorf("searched up to %d, want 3", got)
	}
	if n, err := Protocol.Input([]byte("abcd\n"), c); n != 5 || err != nil {
		t.Fatalf("Input = %d, %v, want 5", n, err)
	}
	if got := c.state.(*searched).upTo; got != 0 {
		t.Errorf("the next line begins at %d, want 0", got)
	}
}

func TestEncode(t *testing.T) {
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"string", "hello", "hello\n"},
		{"bytes", []byte("hello"), "hello\n"},
		{"empty", "", "\n"},
		{"number", 1.5, "1.5\n"},
		{"json", map[string]int{"a": 1}, `{"a":1}` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Protocol.Encode([]byte("before "), tt.v, &conn{})
			if err != nil || string(got) != "before "+tt.want {
				t.Errorf("Encode = %q, %v, want %q", got, err, "before "+tt.want)
			}
		})
	}
	if got, err := Protocol.Encode([]byte("x"), make(chan int), &conn{}); err == nil {
		t.Errorf("Encode of a channel = %q, want an error", got)
	}
}

func TestSharesAlways(t *testing.T) {
	if Protocol.(protocol.Sharer).Class(&conn{}) == 0 {
		t.Error("a broadcast would encode for every connection")
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte("hello\nworld\r\n"), 3)
	f.Add([]byte("\n\n\r\n0123456789012345678901234567890123456789"), 1)
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
	p, c := text{}, &conn{max: 1 << 20}
	in := append(bytes.Repeat([]byte{'x'}, size), '\n')
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
