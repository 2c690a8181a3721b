package mytextprotocol

import (
	"strings"
	"testing"

	"github.com/workerman-go/wm/examples/protocoltest"
)

func TestReceives(t *testing.T) {
	protocoltest.Run(t, Protocol{}, 16, []protocoltest.Case{
		{Name: "one", In: "hello\n", Want: []any{[]byte("hello")}},
		{Name: "two", In: "a\nb\r\n", Want: []any{[]byte("a"), []byte("b")}},
		{Name: "white space", In: " \t a b \n", Want: []any{[]byte("a b")}},
		{Name: "unfinished", In: "a\nb", Want: []any{[]byte("a")}},
		{Name: "many short ones above the limit", In: strings.Repeat("abc\n", 5),
			Want: []any{[]byte("abc"), []byte("abc"), []byte("abc"), []byte("abc"), []byte("abc")}},
		{Name: "line of the limit", In: strings.Repeat("x", 15) + "\n",
			Want: []any{[]byte(strings.Repeat("x", 15))}},
		{Name: "line above the limit", In: strings.Repeat("x", 16) + "\n", Bad: true},
		{Name: "no end below the limit", In: strings.Repeat("x", 15)},
		{Name: "no end at the limit", In: strings.Repeat("x", 16), Bad: true},
	})
}

func TestLinesHaveALimitOfTheirOwn(t *testing.T) {
	line := []byte(strings.Repeat("x", maxLine))
	if _, err := protocoltest.Receive(Protocol{}, 10*maxLine, line[1:]); err != nil {
		t.Errorf("below the limit: %v", err)
	}
	if _, err := protocoltest.Receive(Protocol{}, 10*maxLine, line); err == nil {
		t.Error("a line of the limit without an end was not refused")
	}
}

func TestEncode(t *testing.T) {
	got, err := Protocol{}.Encode([]byte("before "), "hello", nil)
	if err != nil || string(got) != "before hello\n" {
		t.Errorf("Encode = %q, %v", got, err)
	}
	if got, err := (Protocol{}).Encode([]byte("x"), make(chan int), nil); err == nil {
		t.Errorf("Encode of a channel = %q, want an error", got)
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte("hello\n world \r\n\n"), 3)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		protocoltest.Fuzz(t, Protocol{}, in, size)
	})
}
