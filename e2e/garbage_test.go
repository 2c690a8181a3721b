package e2e

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// sendRaw sends bytes and returns everything that comes back until the server
// closes; closed is false when it does not.
func sendRaw(t *testing.T, address, text string) (answer string, closed bool) {
	t.Helper()
	conn := mustDial(t, address)
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	io.WriteString(conn, text)
	body, err := io.ReadAll(conn)
	return string(body), !errors.Is(err, os.ErrDeadlineExceeded)
}

// What is no request is answered with the right status and closed, and the
// process lives.
func TestGarbageIsRefused(t *testing.T) {
	t.Parallel()
	web, ws := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+web, "E2E_WS="+ws, "E2E_COUNT=1")
	s.start()
	before := s.snapshot()
	head := "GET / HTTP/1.1\r\nHost: e2e\r\n"
	post := "POST / HTTP/1.1\r\nHost: e2e\r\n"
	upgrade := head + "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	key := "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for _, c := range []struct{ name, address, text, status string }{
		{"no http", web, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"},
		{"unknown method", web, "BREW / HTTP/1.1\r\nHost: e2e\r\n\r\n", "400"},
		{"no host", web, "GET / HTTP/1.1\r\n\r\n", "400"},
		{"two lengths", web, post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "400"},
		{"length and chunks", web, post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
			"400"},
		{"endless header", web, head + "X: " + strings.Repeat("x", 20000), "431"},
		{"body too large", web, post + "Content-Length: 99999999\r\n\r\n", "413"},
		{"websocket: no http", ws, "\x00\x01\x02\x03\x04\x05\x06\x07\r\n\r\n", "400"},
		{"websocket: no upgrade", ws, head + "\r\n", "4"},
		{"websocket: post", ws, post + "\r\n", "4"},
		{"websocket: no key", ws, upgrade + "Sec-WebSocket-Version: 13\r\n\r\n", "400"},
		{"websocket: old version", ws, upgrade + key + "Sec-WebSocket-Version: 8\r\n\r\n", "426"},
	} {
		answer, closed := sendRaw(t, c.address, c.text)
		if !strings.HasPrefix(answer, "HTTP/1.1 "+c.status) {
			t.Errorf("%s: answer %.80q, want status %s", c.name, answer, c.status)
		}
		if !closed {
			t.Errorf("%s: the connection stays open", c.name)
		}
	}
	mustFetch(t, web, "/")
	if got, err := newWebsocket(t, ws).message("hi"); got != "hi" || err != nil {
		t.Errorf("websocket answer %q, %v", got, err)
	}
	s.snapshot().wantSame(t, before, "web", "echo-websocket")
}

// After the handshake a broken frame ends that connection with a close frame
// that says why.
func TestBrokenWebsocketFrames(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_WS="+address, "E2E_COUNT=1")
	s.start()
	other := newWebsocket(t, address)
	for _, c := range []struct {
		name, frame string
		code        string
	}{
		{"not masked", "\x81\x02hi", "\x03\xea"},
		{"unknown opcode", "\x83\x80\x00\x00\x00\x00", "\x03\xea"},
		{"reserved bit", "\xc1\x80\x00\x00\x00\x00", "\x03\xea"},
		{"no utf-8", "\x81\x81\x00\x00\x00\x00\xff", "\x03\xef"},
		{"too large", "\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00", "\x03\xf1"},
	} {
		ws := newWebsocket(t, address)
		ws.conn.SetDeadline(time.Now().Add(replyLimit))
		io.WriteString(ws.conn, c.frame)
		opcode, body, err := ws.frame()
		if err != nil || opcode != 8 || !strings.HasPrefix(string(body), c.code) {
			t.Errorf("%s: opcode %d, body %q, %v; want a close with %q", c.name, opcode, body, err, c.code)
			continue
		}
		if _, err := ws.in.ReadByte(); err == nil {
			t.Errorf("%s: more after the close frame", c.name)
		}
	}
	if got, err := other.message("still here"); got != "still here" || err != nil {
		t.Errorf("another connection: %q, %v", got, err)
	}
}
