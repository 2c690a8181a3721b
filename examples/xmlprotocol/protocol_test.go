package xmlprotocol

import (
	"encoding/xml"
	"testing"

	"github.com/workerman-go/wm/examples/protocoltest"
)

var testProtocol = Protocol[Request]{}

// sample is that of the manual with ten digits and the right sum.
const sample = `0000000125<?xml version="1.0" encoding="ISO-8859-1"?>
<request>
  <module>user</module>
  <action>getInfo</action>
</request>`

func request(module, action string) Request {
	return Request{XMLName: xml.Name{Local: "request"}, Module: module, Action: action}
}

func TestReceives(t *testing.T) {
	info, empty := request("user", "getInfo"), request("", "")
	protocoltest.Run(t, testProtocol, 130, []protocoltest.Case{
		{Name: "the manual's", In: sample, Want: []any{info}},
		{Name: "two", In: "0000000020<request/>0000000020<request/>", Want: []any{empty, empty}},
		{Name: "latin 1", In: "0000000096" + `<?xml version="1.0" encoding="iso-8859-1"?>` +
			"<request><module>caf\xe9</module></request>   ", Want: []any{request("café", "")}},
		{Name: "unfinished header", In: "000000013"},
		{Name: "unfinished", In: sample[:len(sample)-1]},
		{Name: "length 0", In: "0000000000<request/>", Bad: true},
		{Name: "length inside the header", In: "0000000009<request/>", Bad: true},
		{Name: "nothing behind the header", In: "0000000010", Bad: true},
		{Name: "length of the limit", In: "0000000130<"},
		{Name: "length above the limit", In: "0000000131<", Bad: true},
		{Name: "longest length", In: "9999999999", Bad: true},
		{Name: "sign", In: "+000000020<request/>", Bad: true},
		{Name: "negative", In: "-000000020<request/>", Bad: true},
		{Name: "spaces", In: "        20<request/>", Bad: true},
		{Name: "no digits", In: "<request/>", Bad: true},
		{Name: "no XML", In: "0000000015hello", Bad: true},
		{Name: "other root", In: "0000000018<answer>", Bad: true},
		{Name: "other encoding", In: "0000000066" + `<?xml version="1.0" encoding="koi8-r"?>` +
			"<request/>       ", Bad: true},
	})
}

func TestEncode(t *testing.T) {
	for _, tt := range []struct {
		name string
		v    any
		want string
	}{
		{"text", "<a/>", "0000000014<a/>"},
		{"bytes", []byte("<a/>"), "0000000014<a/>"},
		{"value", request("<", "b"),
			"0000000068<request><module>&lt;</module><action>b</action></request>"},
	} {
		got, err := testProtocol.Encode([]byte("before "), tt.v, nil)
		if err != nil || string(got) != "before "+tt.want {
			t.Errorf("%s: Encode = %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	if got, err := testProtocol.Encode([]byte("x"), make(chan int), nil); err == nil {
		t.Errorf("Encode of a channel = %q, want an error", got)
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte(sample), 3)
	f.Add([]byte("0000000020<request/>0000000009<request/>"), 1)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		protocoltest.Fuzz(t, testProtocol, in, size)
	})
}
