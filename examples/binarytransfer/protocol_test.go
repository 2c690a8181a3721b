package binarytransfer

import (
	"strings"
	"testing"

	"github.com/workerman-go/wm/examples/protocoltest"
	"github.com/workerman-go/wm/examples/upload"
)

func TestReceives(t *testing.T) {
	logo := upload.File{Name: "logo.png", Data: []byte("\x89\n\x00")}
	const frame = "\x00\x00\x00\x10\x08logo.png\x89\n\x00"
	protocoltest.Run(t, Protocol{}, 16, []protocoltest.Case{
		{Name: "one", In: frame, Want: []any{logo}},
		{Name: "two", In: frame + frame, Want: []any{logo, logo}},
		{Name: "empty file", In: "\x00\x00\x00\x06\x01a",
			Want: []any{upload.File{Name: "a", Data: []byte{}}}},
		{Name: "no name", In: "\x00\x00\x00\x06\x00a", Want: []any{upload.File{Data: []byte("a")}}},
		{Name: "unfinished header", In: "\x00\x00\x00\x10"},
		{Name: "unfinished", In: frame[:len(frame)-1]},
		{Name: "length 0", In: "\x00\x00\x00\x00\x00", Bad: true},
		{Name: "length inside the header", In: "\x00\x00\x00\x04\x00", Bad: true},
		{Name: "length inside the name", In: "\x00\x00\x00\x0c\x08logo.png", Bad: true},
		{Name: "length above the limit", In: "\x00\x00\x00\x11\x08", Bad: true},
		{Name: "negative length", In: "\xff\xff\xff\xff\x08", Bad: true},
	})
}

func TestEncode(t *testing.T) {
	for _, tt := range []struct {
		name string
		v    any
		want string
	}{
		{"file", upload.File{Name: "ab", Data: []byte("\x00\n")}, "\x00\x00\x00\x09\x02ab\x00\n"},
		{"text", "upload success", "upload success"},
		{"longest name", upload.File{Name: strings.Repeat("x", 255)},
			"\x00\x00\x01\x04\xff" + strings.Repeat("x", 255)},
	} {
		got, err := Protocol{}.Encode([]byte("before "), tt.v, nil)
		if err != nil || string(got) != "before "+tt.want {
			t.Errorf("%s: Encode = %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	long := upload.File{Name: strings.Repeat("x", 256)}
	if got, err := (Protocol{}).Encode([]byte("x"), long, nil); err == nil || string(got) != "x" {
		t.Errorf("Encode of a name too long = %q, %v, want an error", got, err)
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x10\x08logo.png\x89\n\x00\x00\x00\x00\x06\x01a"), 3)
	f.Add([]byte("\x00\x00\x00\x06\x00a\x00\x00\x00\x06\x02a"), 1)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		protocoltest.Fuzz(t, Protocol{}, in, size)
	})
}
