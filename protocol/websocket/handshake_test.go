package websocket

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// request is a browser's, with the key of RFC 6455 section 1.3.
const request = "GET /chat?room=1 HTTP/1.1\r\n" +
	"Host: server.example.com\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: keep-alive, Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Version: 13\r\n\r\n"

const switching = "HTTP/1.1 101 Switching Protocol\r\n" +
	"Upgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

func TestHandshake(t *testing.T) {
	c := &conn{max: 1 << 20}
	messages, err := c.receive([]byte(request), masked(0x81, "hello"))
	if err != nil {
		t.Fatal(err)
	}
	wantMessages(t, messages, "hello")
	wantSent(t, c, switching)
}

func TestHandshakeWithFramesInTheSameRead(t *testing.T) {
	c := &conn{max: 1 << 20}
	messages, err := c.receive(join([]byte(request), masked(0x81, "a"), masked(0x82, "b")))
	if err != nil {
		t.Fatal(err)
	}
	wantMessages(t, messages, "a", "b")
	wantSent(t, c, switching)
}

// A request made by net/http, whose header names and order are its own.
func TestHandshakeOfNetHTTP(t *testing.T) {
	r, err := http.NewRequest("GET", "http://127.0.0.1:2346/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "WebSocket")
	r.Header.Set("Sec-Websocket-Version", "13")
	r.Header.Set("Sec-Websocket-Key", "x")
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	c := &conn{max: 1 << 20}
	if _, err := c.receive(wire.Bytes()); err != nil {
		t.Fatal(err)
	}
	reply, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(c.sent)), r)
	if err != nil {
		t.Fatal(err)
	}
	if reply.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("status %d, want 101", reply.StatusCode)
	}
	if got := reply.Header.Get("Sec-Websocket-Accept"); got != "JVxkmtKFjDcI/Pm/AGPEKSN6wT8=" {
		t.Errorf("accept %q is wrong", got)
	}
}

func TestHandshakeRefused(t *testing.T) {
	without := func(part string) string { return strings.Replace(request, part, "", 1) }
	with := func(old, part string) string { return strings.Replace(request, old, part, 1) }
	tests := []struct {
		name, request, status string
	}{
		{"other method", "POST / HTTP/1.1\r\n", "400 Bad Request"},
		{"no http", "\x16\x03\x01\x02\x00", "400 Bad Request"},
		{"first byte", "P", "400 Bad Request"},
		{"plain request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 Bad Request"},
		{"no version", without("Sec-WebSocket-Version: 13\r\n"), "400 Bad Request"},
		{"version 8", with("13\r\n\r\n", "8\r\n\r\n"), "426 Upgrade Required"},
		{"no key", without("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), "400 Bad Request"},
		{"empty key", with("dGhlIHNhbXBsZSBub25jZQ==", " "), "400 Bad Request"},
		{"no upgrade", without("Upgrade: websocket\r\n"), "400 Bad Request"},
		{"other upgrade", with("Upgrade: websocket", "Upgrade: h2c"), "400 Bad Request"},
		{"no connection", with("keep-alive, Upgrade", "keep-alive"), "400 Bad Request"},
		{"http 1.0", with("HTTP/1.1", "HTTP/1.0"), "400 Bad Request"},
		{"no version of http", with(" HTTP/1.1", ""), "400 Bad Request"},
		{"folded line", with("Host: ", "Host:\r\n "), "400 Bad Request"},
		{"blank line too late", with("Host: ", "Cookie: "+strings.Repeat("x", 16<<10)+
			"\r\nHost: "), "431 Request Header Fields Too Large"},
		{"no end", "GET /" + strings.Repeat("x", 17<<10), "431 Request Header Fields Too Large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &conn{max: 1 << 20}
			_, err := c.receive([]byte(tt.request))
			if !errors.Is(err, protocol.ErrBad) {
				t.Fatalf("error %v, want a bad packet", err)
			}
			if got := string(c.sent); !strings.HasPrefix(got, "HTTP/1.1 "+tt.status+"\r\n") {
				t.Errorf("reply %q, want status %s", got, tt.status)
			}
		})
	}
}

func TestHandshakeRefusalNamesTheVersion(t *testing.T) {
	const want = "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\n" +
		"Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
	c := &conn{max: 1 << 20}
	if _, err := c.receive([]byte(strings.Replace(request, "13\r\n", "12\r\n", 1))); err == nil {
		t.Fatal("version 12 was accepted")
	}
	wantSent(t, c, want)
}

func TestHandshakeOfTheLargestSize(t *testing.T) {
	missing := maxHeadBytes - 1 - (len(request) - len("\r\n\r\n"))
	padded := strings.Replace(request, "?", "?"+strings.Repeat("x", missing), 1)
	for extra, ok := range map[string]bool{"": true, "x": false} {
		c := &conn{max: 1 << 20}
		_, err := c.receive([]byte(strings.Replace(padded, "?", "?"+extra, 1)))
		if (err == nil) != ok {
			t.Errorf("%d bytes more: error %v, want none: %t", len(extra), err, ok)
		}
	}
}

func TestSendBeforeTheHandshakeFollowsIt(t *testing.T) {
	c := &conn{max: 1 << 20}
	for _, v := range []any{"welcome", []byte("you"), 7} {
		out, err := Protocol.Encode(nil, v, c)
		if err != nil || len(out) != 0 {
			t.Fatalf("Encode(%v) = %q, %v, want nothing yet", v, out, err)
		}
	}
	if plain.Class(c) != 0 {
		t.Error("shares its bytes before the handshake")
	}
	if _, err := c.receive([]byte(request)); err != nil {
		t.Fatal(err)
	}
	wantSent(t, c, switching+"\x81\x07welcome\x81\x03you\x81\x017")
	if plain.Class(c) == 0 {
		t.Error("does not share its bytes after the handshake")
	}
}

func TestWhatIsHeldBackIsCounted(t *testing.T) {
	c := &conn{max: 10}
	for _, v := range []string{"12345678", "1"} {
		if _, err := Protocol.Encode(nil, v, c); err != nil {
			t.Fatal(err)
		}
	}
	if got := Protocol.(protocol.Holder).Held(c); got != 10+3 {
		t.Errorf("%d bytes held back, want 13", got)
	}
}
