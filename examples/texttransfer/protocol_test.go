package texttransfer

import (
	"testing"

	"github.com/workerman-go/wm/examples/protocoltest"
	"github.com/workerman-go/wm/examples/upload"
)

func TestReceives(t *testing.T) {
	logo := upload.File{Name: "logo.png", Data: []byte("\x89\n\x00")}
	const line = `{"file_name":"logo.png","file_data":"iQoA"}` + "\n"
	protocoltest.Run(t, Protocol{}, 44, []protocoltest.Case{
		{Name: "one", In: line, Want: []any{logo}},
		{Name: "two in one read", In: line + line, Want: []any{logo, logo}},
		{Name: "two lines and a half", In: line + line + line[:9], Want: []any{logo, logo}},
		{Name: "empty file", In: `{"file_name":"a","file_data":""}` + "\r\n",
			Want: []any{upload.File{Name: "a", Data: []byte{}}}},
		{Name: "unfinished", In: line[:len(line)-1]},
		{Name: "no end at the limit", In: line[:len(line)-1] + " ", Bad: true},
		{Name: "no JSON", In: line + "hello\n", Want: []any{logo}, Bad: true},
		{Name: "no base64", In: `{"file_name":"a","file_data":"%"}` + "\n", Bad: true},
	})
}

func TestEncode(t *testing.T) {
	for _, tt := range []struct {
		name string
		v    any
		want string
	}{
		{"file", upload.File{Name: "logo.png", Data: []byte("\x89\n\x00")},
			`{"file_name":"logo.png","file_data":"iQoA"}` + "\n"},
		{"text", "upload success", "upload success"},
	} {
		got, err := Protocol{}.Encode([]byte("before "), tt.v, nil)
		if err != nil || string(got) != "before "+tt.want {
			t.Errorf("%s: Encode = %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte(`{"file_name":"logo.png","file_data":"iQoA"}`+"\n{}\n"), 3)
	f.Add([]byte("{}\r\n\n"), 1)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		protocoltest.Fuzz(t, Protocol{}, in, size)
	})
}
