package websocket

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// sampleKey is that of RFC 6455 section 1.3, which switching answers.
const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// dialling is a client behind its request, which had the sample key.
func dialling(p *websocket, r *Request) *conn {
	c := &conn{p: p, dialled: true, max: 1 << 20, state: r}
	c.speaks().OnConnect(c)
	c.state.(*opening).key = sampleKey
	c.sent = nil
	return c
}

func TestRequest(t *testing.T) {
	const end = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: KEY\r\n"
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	tests := []struct {
		name string
		o    Options
		r    *Request
		want string
	}{
		{"nothing asked", Options{}, nil, "GET / HTTP/1.1\r\n" + upgrade + end},
		{"port and path", Options{}, &Request{Host: "h:2346", Path: "/chat?a=b"},
			"GET /chat?a=b HTTP/1.1\r\nHost: h:2346\r\n" + upgrade + end},
		{"port 80", Options{}, &Request{Host: "h:80"},
			"GET / HTTP/1.1\r\nHost: h\r\n" + upgrade + end},
		{"port 443 of an IPv6 address", Options{}, &Request{Host: "[::1]:443"},
			"GET / HTTP/1.1\r\nHost: [::1]\r\n" + upgrade + end},
		{"port 8080", Options{}, &Request{Host: "h:8080"},
			"GET / HTTP/1.1\r\nHost: h:8080\r\n" + upgrade + end},
		{"everything", Options{}, &Request{Host: "h", Path: "q", Subprotocols: []string{"a", "b"},
			Header: http.Header{"Origin": {"http://o"}, "host": {"other:80"}, "Cookie": {"c=d"},
				"Authorization": {"Basic x"}}},
			"GET /q HTTP/1.1\r\nHost: other:80\r\n" + upgrade + "Origin: http://o\r\n" +
				"Sec-WebSocket-Protocol: a, b\r\n" + end + "Authorization: Basic x\r\nCookie: c=d\r\n"},
		{"subprotocols as a header", Options{},
			&Request{Header: http.Header{"Sec-WebSocket-Protocol": {"a,b", "c"}}},
			"GET / HTTP/1.1\r\n" + upgrade + "Sec-WebSocket-Protocol: a, b, c\r\n" + end},
		{"what would end a line", Options{}, &Request{Host: "h\r\nX: 1", Path: "/a b\r\n\r\nc",
			Header: http.Header{"X-A": {"1\r\n2"}, "X\n": {"1"}, "Sec-Websocket-Key": {"mine"}}},
			"GET /a%20b%0D%0A%0D%0Ac HTTP/1.1\r\n" + upgrade + end},
		{"compression", Options{Compress: true}, &Request{Host: "h"},
			"GET / HTTP/1.1\r\nHost: h\r\n" + upgrade + end + "Sec-WebSocket-Extensions: " +
				"permessage-deflate; server_no_context_takeover; client_no_context_takeover; " +
				"client_max_window_bits\r\n"},
		{"compression with context takeover", Options{Compress: true, ContextTakeover: true},
			&Request{Host: "h"}, "GET / HTTP/1.1\r\nHost: h\r\n" + upgrade + end +
				"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"},
	}
	key := regexp.MustCompile(`Key: [0-9A-Za-z+/]{22}==\r`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &conn{p: with(tt.o), dialled: true, max: 1 << 20}
			if tt.r != nil {
				c.state = tt.r
			}
			c.p.OnConnect(c)
			if got := key.ReplaceAllString(string(c.sent), "Key: KEY\r"); got != tt.want+"\r\n" {
				t.Errorf("request\n%q, want\n%q", got, tt.want+"\r\n")
			}
		})
	}
}

func TestKeysAreNew(t *testing.T) {
	if a, b := newKey(), newKey(); a == b {
		t.Errorf("the key %s twice", a)
	}
}

func TestAcceptedConnectionsDoNotSpeakFirst(t *testing.T) {
	c := &conn{max: 1 << 20}
	plain.OnConnect(c)
	wantSent(t, c, "")
}

func TestReply(t *testing.T) {
	c := dialling(plain, &Request{Host: "h", Subprotocols: []string{"v1", "v2"}})
	if plain.Opened(c) {
		t.Error("opened before the reply")
	}
	c.take = func(any) bool { c.send(t, "first"); return true }
	c.mustReceive(t, []byte(answered("Sec-WebSocket-Protocol: v2\r\nSet-Cookie: a\r\n")))
	e, ok := c.events[0].(*Connected)
	if !ok || e.Header.Get("Sec-WebSocket-Protocol") != "v2" || e.Header.Get("Set-Cookie") != "a" {
		t.Errorf("event %v, want the header of the reply", c.events[0])
	}
	if first, payload, _ := unframe(t, c.sent); first != 0x81 || payload != "first" {
		t.Errorf("sent %q, want a frame", c.sent)
	}
	if !plain.Opened(c) || plain.Class(c) != 0 {
		t.Errorf("opened %t, class %d, want an open one of its own", plain.Opened(c), plain.Class(c))
	}
}

// Trap T80: frames that arrive with the reply are messages at once.
func TestFramesThatComeWithTheReply(t *testing.T) {
	c := dialling(plain, &Request{})
	messages := c.mustReceive(t, join([]byte(switching), bare(0x81, "a"), bare(0x82, "b")))
	wantMessages(t, messages, "a", "b")
}

func TestClientSendsBeforeTheHandshake(t *testing.T) {
	c := &conn{dialled: true, max: 1 << 20, state: &Request{Host: "h"}}
	c.send(t, "of OnConnect") // the author's comes before the protocol's
	wantSent(t, c, "")
	plain.OnConnect(c)
	if got := string(c.flush()); !strings.HasPrefix(got, "GET / HTTP/1.1\r\nHost: h\r\n") {
		t.Fatalf("request %q", got)
	}
	c.send(t, "of a timer")
	wantSent(t, c, "")
	c.state.(*opening).key = sampleKey
	c.take = func(any) bool { c.send(t, "of Connected"); return true }
	c.mustReceive(t, []byte(switching))
	rest := c.sent
	for _, want := range []string{"of OnConnect", "of a timer", "of Connected"} {
		var payload string
		if _, payload, rest = unframe(t, rest); payload != want {
			t.Errorf("sent %q, want %q", payload, want)
		}
	}
}

func TestReconnectBeginsAnew(t *testing.T) {
	r := &Request{Host: "h", Path: "/again"}
	c := dialling(plain, r)
	c.mustReceive(t, join([]byte(switching), bare(0x01, "half a mess")))
	c.state = r
	plain.OnConnect(c)
	if got := string(c.flush()); !strings.HasPrefix(got, "GET /again HTTP/1.1\r\n") {
		t.Fatalf("request %q", got)
	}
	c.state.(*opening).key = sampleKey
	wantMessages(t, c.mustReceive(t, []byte(switching), bare(0x81, "whole")), "whole")
}

func TestReplyRefused(t *testing.T) {
	instead := func(old, new string) string { return strings.Replace(switching, old, new, 1) }
	deflate := with(Options{Compress: true})
	tests := []struct {
		name  string
		p     *websocket
		reply string
		want  string
	}{
		{"no http", plain, "\x15\x03\x01", "not HTTP"},
		{"first byte", plain, "h", "not HTTP"},
		{"http 1.0", plain, instead("HTTP/1.1", "HTTP/1.0"), "not HTTP"},
		{"status 200", plain, instead("101 Switching Protocol", "200 OK"), "200 OK"},
		{"status 403", plain, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403"},
		{"status 1010", plain, instead("101 ", "1010 "), "1010"},
		{"no upgrade", plain, instead("Upgrade: websocket\r\n", ""), "does not upgrade"},
		{"other upgrade", plain, instead("websocket", "h2c"), "does not upgrade"},
		{"no connection", plain, instead("Connection: Upgrade", "Connection: close"), "not upgrade"},
		{"no accept", plain, instead("Sec-WebSocket-Accept: ", "X: "), "Accept"},
		{"other accept", plain, instead("s3pP", "S3pP"), "Accept"},
		{"two accepts", plain, answered("Sec-WebSocket-Accept: x\r\n"), "Accept"},
		{"folded line", plain, answered(" folded\r\n"), "malformed"},
		{"subprotocol nobody offered", plain, answered("Sec-WebSocket-Protocol: v3\r\n"), "subprotocol"},
		{"two subprotocols", plain,
			answered("Sec-WebSocket-Protocol: v1\r\nSec-WebSocket-Protocol: v1\r\n"), "subprotocol"},
		{"extension nobody offered", plain,
			answered("Sec-WebSocket-Extensions: permessage-deflate\r\n"), "extension"},
		{"other extension", deflate, answered("Sec-WebSocket-Extensions: x-mux\r\n"), "extension"},
		{"extension twice", deflate, answered("Sec-WebSocket-Extensions: permessage-deflate, " +
			"permessage-deflate\r\n"), "extension"},
		{"unknown parameter", deflate,
			answered("Sec-WebSocket-Extensions: permessage-deflate; x\r\n"), "extension"},
		{"window without a size", deflate, answered("Sec-WebSocket-Extensions: " +
			"permessage-deflate; client_max_window_bits\r\n"), "extension"},
		{"malformed extension", deflate, answered("Sec-WebSocket-Extensions: =\r\n"), "extension"},
		{"no end", plain, "HTTP/1.1 101 x\r\nX: " + strings.Repeat("x", 16<<10), "16 KiB"},
		{"end too late", plain, answered("X: " + strings.Repeat("x", 16<<10) + "\r\n"), "16 KiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dialling(tt.p, &Request{Subprotocols: []string{"v1"}})
			_, err := c.receive([]byte(tt.reply))
			if !errors.Is(err, protocol.ErrBad) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want a bad packet about %q", err, tt.want)
			}
			if wantSent(t, c, ""); len(c.events) != 0 || plain.Opened(c) {
				t.Errorf("events %v, want none", c.events)
			}
		})
	}
}

func TestReplyWithoutARequestIsRefused(t *testing.T) {
	c := &conn{dialled: true, max: 1 << 20}
	if _, err := c.receive([]byte(switching)); !errors.Is(err, errAccept) {
		t.Errorf("error %v, want %v", err, errAccept)
	}
}

func TestClientRefusesFrames(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"masked", masked(0x81, "hi"), "\x03\xea"},
		{"masked ping", masked(0x89, ""), "\x03\xea"},
		{"reserved bit", bare(0xc1, "hi"), "\x03\xea"},
		{"continuation of nothing", bare(0x80, "hi"), "\x03\xea"},
		{"no text", bare(0x81, "\xff"), "\x03\xef"},
		{"too long", bare(0x82, strings.Repeat("x", 200)), "\x03\xf1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dialled(128)
			if _, err := c.receive(tt.in); !errors.Is(err, protocol.ErrBad) {
				t.Fatalf("error %v, want a bad packet", err)
			}
			if first, payload, _ := unframe(t, c.sent); first != 0x88 || payload != tt.want {
				t.Errorf("sent %#x %q, want a close frame with %q", first, payload, tt.want)
			}
		})
	}
}

func TestClientTakesMessagesUpToTheLimit(t *testing.T) {
	c := dialled(130)
	largest := strings.Repeat("x", 126) // behind a header of four bytes
	wantMessages(t, c.mustReceive(t, bare(0x81, largest)), largest)
	if _, err := c.receive(bare(0x81, largest+"x")); err == nil {
		t.Error("a frame of 131 bytes was taken")
	}
}

func TestClientMasksWithNewKeys(t *testing.T) {
	c := dialled(1 << 20)
	seen := map[string]bool{}
	for range 8 {
		c.send(t, "hello")
		sent := c.flush()
		if _, payload, _ := unframe(t, sent); payload != "hello" || sent[1] != 0x85 {
			t.Fatalf("sent %q, want a masked hello", sent)
		}
		seen[string(sent[2:6])] = true
	}
	if len(seen) < 7 { // two equal ones in 2^32 would be luck
		t.Errorf("%d keys in 8 frames", len(seen))
	}
}

func TestPairTalks(t *testing.T) {
	c, s := pair(t, plain, plain)
	for _, size := range []int{0, 1, 125, 126, 65535, 65536} {
		want := strings.Repeat("m", size)
		c.send(t, want)
		wantMessages(t, s.mustReceive(t, c.flush()), want)
		s.send(t, want)
		wantMessages(t, c.mustReceive(t, s.flush()), want)
	}
	out, err := plain.EncodeBinary(nil, []byte("\xff"), c)
	if err != nil {
		t.Fatal(err)
	}
	wantMessages(t, s.mustReceive(t, out), "\xff")
	if !Binary(s) {
		t.Error("the message was not binary")
	}
}
