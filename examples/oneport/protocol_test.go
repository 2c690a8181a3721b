package oneport

import (
	"strings"
	"testing"

	"github.com/workerman-go/wm/examples/protocoltest"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/protocol/websocket"
)

const upgrade = "GET / HTTP/1.1\r\nHost: a\r\nconnection: upgrade\r\nupgrade: WebSocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

func TestRecognises(t *testing.T) {
	long := strings.Repeat("x", maxHeadBytes)
	for _, tt := range []struct {
		name, in string
		want     protocol.Protocol // nil: too early to tell
	}{
		{"line", "hello\n", text.Protocol},
		{"first byte of a line", "h", text.Protocol},
		{"byte that may become either", "G", nil},
		{"method", "GET ", nil},
		{"line like a method", "GE\n", text.Protocol},
		{"longer word than a method", "GETS", text.Protocol},
		{"request", "GET / HTTP/1.1\r\n\r\n", http1.Protocol},
		{"request with a body", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", http1.Protocol},
		{"unfinished head", "GET / HTTP/1.1\r\nHost: a\r\n", nil},
		{"upgrade", upgrade, websocket.Protocol},
		{"upgrade and a frame", upgrade + "\x81\x80", websocket.Protocol},
		{"upgrade to something else", strings.Replace(upgrade, "WebSocket", "h2c", 1), http1.Protocol},
		{"no request", "GET nonsense\r\n\r\n", http1.Protocol},
		{"head above the limit", "GET /" + long, http1.Protocol},
		{"upgrade with such a head", upgrade[:len(upgrade)-2] + "A: " + long + "\r\n\r\n",
			http1.Protocol},
		{"TLS", "\x16\x03\x01", text.Protocol},
	} {
		if got := recognise([]byte(tt.in)); got != tt.want {
			t.Errorf("%s: %T, want %T", tt.name, got, tt.want)
		}
	}
}

// conn is a connection that remembers the switch.
type conn struct {
	protocoltest.Conn
	now protocol.Protocol
}

func (c *conn) SetProtocol(p protocol.Protocol) { c.now = p }

func TestSwitchesOnceItKnows(t *testing.T) {
	c := &conn{}
	for at := range len(upgrade) {
		if n, err := (Protocol{}).Input([]byte(upgrade[:at+1]), c); n != 0 || err != nil {
			t.Fatalf("Input of %d bytes = %d, %v", at+1, n, err)
		}
		if known := at == len(upgrade)-1; (c.now != nil) != known {
			t.Fatalf("after %d of %d bytes: %T", at+1, len(upgrade), c.now)
		}
	}
	if c.now != websocket.Protocol {
		t.Errorf("switched to %T", c.now)
	}
}

func TestSendsNothingBeforeItKnows(t *testing.T) {
	if got, err := (Protocol{}).Encode([]byte("x"), "hello", nil); err == nil || string(got) != "x" {
		t.Errorf("Encode = %q, %v, want an error", got, err)
	}
}

// FuzzCut checks that more bytes never change what fewer have decided, and that
// a decision does not wait for ever.
func FuzzCut(f *testing.F) {
	f.Add([]byte(upgrade))
	f.Add([]byte("POST / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("hello\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		in = in[:min(len(in), 1<<10)]
		var first protocol.Protocol
		for at := range in {
			p := recognise(in[:at+1])
			if first != nil && p != first {
				t.Fatalf("%T of %q, and %T of %d bytes more", first, in[:at], p, 1)
			}
			first = p
		}
		if recognise(append(in, make([]byte, maxHeadBytes)...)) == nil {
			t.Errorf("%q is never decided", in)
		}
	})
}
