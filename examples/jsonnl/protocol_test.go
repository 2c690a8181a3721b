package jsonnl

import (
	"testing"

	"github.com/workerman-go/wm/examples/protocoltest"
)

var testProtocol = Protocol[Message]{}

func TestReceives(t *testing.T) {
	hello := Message{Type: "message", Content: "hello"}
	const line = `{"type":"message","content":"hello"}`
	protocoltest.Run(t, testProtocol, 40, []protocoltest.Case{
		{Name: "one", In: line + "\n", Want: []any{hello}},
		{Name: "two", In: line + "\n" + line + "\n", Want: []any{hello, hello}},
		{Name: "carriage return", In: line + "\r\n", Want: []any{hello}},
		{Name: "other fields", In: `{"content":"a","b":1}` + "\n", Want: []any{Message{Content: "a"}}},
		{Name: "unfinished", In: line},
		{Name: "line of the limit", In: line + "   \n", Want: []any{hello}},
		{Name: "line above the limit", In: line + "    \n", Bad: true},
		{Name: "no end below the limit", In: line + "   "},
		{Name: "no end at the limit", In: line + "    ", Bad: true},
		{Name: "no JSON", In: line + "\nhello\n", Want: []any{hello}, Bad: true},
		{Name: "other JSON", In: "[1]\n", Bad: true},
		{Name: "empty line", In: "\n", Bad: true},
	})
}

func TestEncode(t *testing.T) {
	got, err := testProtocol.Encode([]byte("before "), Message{"message", "two\nlines"}, nil)
	want := `before {"type":"message","content":"two\nlines"}` + "\n"
	if err != nil || string(got) != want {
		t.Errorf("Encode = %q, %v, want %q", got, err, want)
	}
	if got, err := testProtocol.Encode([]byte("x"), make(chan int), nil); err == nil {
		t.Errorf("Encode of a channel = %q, want an error", got)
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte(`{"type":"message","content":"hello"}`+"\n{}\n"), 3)
	f.Add([]byte(`{"type":"\ud800","content":"<é>"}`+"\r\n\n"), 1)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		protocoltest.Fuzz(t, testProtocol, in, size)
	})
}
