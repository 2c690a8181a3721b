package jsonint

import (
	"testing"

	"github.com/workerman-go/wm/examples/protocoltest"
)

var testProtocol = Protocol[Message]{}

func TestReceives(t *testing.T) {
	all := Message{Type: "message", Content: "hello all"}
	const frame = "\x00\x00\x00\x2c" + `{"type":"message","content":"hello all"}`
	protocoltest.Run(t, testProtocol, 44, []protocoltest.Case{
		{Name: "one", In: frame, Want: []any{all}},
		{Name: "two", In: frame + frame, Want: []any{all, all}},
		{Name: "line feed inside", In: "\x00\x00\x00\x07{\n}", Want: []any{Message{}}},
		{Name: "unfinished header", In: "\x00\x00\x00"},
		{Name: "unfinished", In: frame[:len(frame)-1]},
		{Name: "length 0", In: "\x00\x00\x00\x00{}", Bad: true},
		{Name: "length inside the header", In: "\x00\x00\x00\x03{}", Bad: true},
		{Name: "nothing behind the header", In: "\x00\x00\x00\x04", Bad: true},
		{Name: "length of the limit", In: "\x00\x00\x00\x2c"},
		{Name: "length above the limit", In: "\x00\x00\x00\x2d", Bad: true},
		{Name: "negative length", In: "\xff\xff\xff\xff", Bad: true},
		{Name: "length without the header", In: frame + "\x00\x00\x00\x28" + frame[4:],
			Want: []any{all}, Bad: true},
	})
}

func TestEncode(t *testing.T) {
	got, err := testProtocol.Encode([]byte("before "), Message{"message", "hello all"}, nil)
	want := "before \x00\x00\x00\x2c" + `{"type":"message","content":"hello all"}`
	if err != nil || string(got) != want {
		t.Errorf("Encode = %q, %v, want %q", got, err, want)
	}
	if got, err := testProtocol.Encode([]byte("x"), make(chan int), nil); err == nil {
		t.Errorf("Encode of a channel = %q, want an error", got)
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x2c"+`{"type":"message","content":"hello all"}`), 3)
	f.Add([]byte("\x00\x00\x00\x06{}\x00\x00\x00\x03"), 1)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		protocoltest.Fuzz(t, testProtocol, in, size)
	})
}
