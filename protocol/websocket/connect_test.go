package websocket

import (
	"net/http"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// offering is request with one more header line.
func offering(line string) []byte {
	return []byte(strings.TrimSuffix(request, "\r\n") + line + "\r\n\r\n")
}

// answered is the 101 with more lines.
func answered(lines string) string {
	return strings.TrimSuffix(switching, "\r\n") + lines + "\r\n"
}

func TestConnectingComesBeforeTheReplyAndConnectedAfter(t *testing.T) {
	c := &conn{max: 1 << 20}
	c.take = func(e any) bool {
		switch e := e.(type) {
		case *Connecting:
			if string(e.Request) != request {
				t.Errorf("request %q", e.Request)
			}
			wantSent(t, c, "")
			if plain.Opened(c) {
				t.Error("opened before the reply")
			}
		case *Connected:
			wantSent(t, c, switching)
			if e.Header != nil {
				t.Errorf("header %v on an accepted connection", e.Header)
			}
			c.send(t, "welcome")
		}
		return true
	}
	c.mustReceive(t, []byte(request))
	wantSent(t, c, switching+"\x81\x07welcome")
	if len(c.events) != 2 || !plain.Opened(c) {
		t.Errorf("events %v, want two, and an open connection", c.events)
	}
}

// Trap T79: no 101 and no Connected for who was refused.
func TestConnectingRefused(t *testing.T) {
	const forbidden = "HTTP/1.1 403 Forbidden\r\n\r\n"
	c := &conn{max: 1 << 20}
	c.take = func(e any) bool {
		c.send(t, "never seen")
		_ = c.SendRaw([]byte(forbidden))
		c.Close()
		e.(*Connecting).Refused = true
		return true
	}
	messages := c.mustReceive(t, join([]byte(request), masked(0x81, "hi")))
	wantMessages(t, messages)
	wantSent(t, c, forbidden)
	if len(c.events) != 1 || plain.Opened(c) {
		t.Errorf("events %v, want Connecting alone", c.events)
	}
}

func TestConnectingMaySwitchTheProtocol(t *testing.T) {
	c := &conn{max: 1 << 20}
	c.take = func(any) bool { c.state = "another protocol's"; return true }
	c.mustReceive(t, []byte(request))
	wantSent(t, c, "")
	if c.state != "another protocol's" {
		t.Errorf("state %v was replaced", c.state)
	}
}

func TestConnectingSetsHeaders(t *testing.T) {
	tests := []struct {
		name   string
		header http.Header
		want   string
	}{
		{"none", nil, ""},
		{"two, by name", http.Header{"X-B": {"2", "3"}, "X-A": {"1"}}, "X-A: 1\r\nX-B: 2\r\nX-B: 3\r\n"},
		{"lower case", http.Header{"set-cookie": {"a=b"}}, "Set-Cookie: a=b\r\n"},
		{"line ends", http.Header{"X-A": {"1\r\nX-Evil: 1", "1\n2"}, "X-B\r\nX-C": {"1"}}, ""},
		{"no name", http.Header{"": {"1"}, "a b": {"2"}, "a:": {"3"}}, ""},
		{"the handshake's own", http.Header{"Upgrade": {"h2c"}, "connection": {"close"},
			"Sec-WebSocket-Accept": {"x"}, "Sec-WebSocket-Extensions": {"permessage-deflate"}}, ""},
		{"subprotocol", http.Header{"Sec-WebSocket-Protocol": {"mine"}},
			"Sec-Websocket-Protocol: mine\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &conn{p: with(Options{Subprotocols: []string{"chat"}}), max: 1 << 20}
			c.take = func(e any) bool {
				if e, ok := e.(*Connecting); ok {
					e.Header = tt.header
				}
				return true
			}
			want := tt.want
			if tt.name != "subprotocol" {
				want = "Sec-WebSocket-Protocol: chat\r\n" + want
			}
			c.mustReceive(t, offering("Sec-WebSocket-Protocol: chat"))
			wantSent(t, c, answered(want))
		})
	}
}

func TestSubprotocolOfTheServer(t *testing.T) {
	tests := []struct {
		name  string
		ours  []string
		lines string
		want  string
	}{
		{"none of ours", nil, "Sec-WebSocket-Protocol: chat", ""},
		{"none offered", []string{"chat"}, "X: y", ""},
		{"none in common", []string{"chat"}, "Sec-WebSocket-Protocol: mqtt, Chat", ""},
		{"our first", []string{"v2", "v1"}, "Sec-WebSocket-Protocol: v1, v2", "v2"},
		{"only one", []string{"v2", "v1"}, "sec-websocket-protocol:v0 ,v1", "v1"},
		{"two lines", []string{"v2"}, "Sec-WebSocket-Protocol: v1\r\nSec-WebSocket-Protocol: v2", "v2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &conn{p: with(Options{Subprotocols: tt.ours}), max: 1 << 20}
			c.mustReceive(t, offering(tt.lines))
			want := switching
			if tt.want != "" {
				want = answered("Sec-WebSocket-Protocol: " + tt.want + "\r\n")
			}
			wantSent(t, c, want)
		})
	}
}

func TestImplementsWhatAConnectionAsksFor(t *testing.T) {
	var p any = Protocol
	for name, ok := range map[string]bool{
		"Bytes":         is[protocol.Bytes](p),
		"BinaryEncoder": is[protocol.BinaryEncoder](p),
		"Opener":        is[protocol.Opener](p),
		"Handshaker":    is[protocol.Handshaker](p),
		"Sharer":        is[protocol.Sharer](p),
		"Farewell":      is[protocol.Farewell](p),
		"CodeFarewell":  is[protocol.CodeFarewell](p),
	} {
		if !ok {
			t.Errorf("Protocol is no protocol.%s", name)
		}
	}
}

func is[T any](v any) bool { _, ok := v.(T); return ok }
