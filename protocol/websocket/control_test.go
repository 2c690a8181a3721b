package websocket

import (
	"strings"
	"testing"
)

func TestPingAndPongAreEvents(t *testing.T) {
	c := opened(1 << 20)
	messages := c.mustReceive(t, join(masked(0x89, "p"), masked(0x8a, "q"), masked(0x81, "a")))
	wantMessages(t, messages, "a")
	wantSent(t, c, "\x8a\x01p")
	if len(c.events) != 2 {
		t.Fatalf("events %v, want two", c.events)
	}
	if e, ok := c.events[0].(*Ping); !ok || string(e.Data) != "p" {
		t.Errorf("first event %#v, want the ping", c.events[0])
	}
	if e, ok := c.events[1].(*Pong); !ok || string(e.Data) != "q" {
		t.Errorf("second event %#v, want the pong", c.events[1])
	}
}

func TestPingThatIsTakenIsNotAnswered(t *testing.T) {
	c := opened(1 << 20)
	c.take = func(e any) bool {
		ping, ok := e.(*Ping)
		if ok {
			_ = c.SendRaw(AppendPong(nil, ping.Data, c))
		}
		return ok
	}
	c.mustReceive(t, masked(0x89, "once"))
	wantSent(t, c, "\x8a\x04once")
}

func TestClientAnswersPingsMasked(t *testing.T) {
	c := dialled(1 << 20)
	c.mustReceive(t, join(bare(0x89, "pp"), bare(0x89, "")))
	first, payload, rest := unframe(t, c.sent)
	if first != 0x8a || payload != "pp" || c.sent[1] != 0x82 {
		t.Errorf("pong %#x %q, want a masked one of the same payload", first, payload)
	}
	if first, payload, _ = unframe(t, rest); first != 0x8a || payload != "" {
		t.Errorf("pong %#x %q, want an empty one", first, payload)
	}
}

func TestAppendPing(t *testing.T) {
	closing := opened(1)
	closing.Close()
	long := strings.Repeat("p", 126)
	tests := []struct {
		name string
		c    *conn
		data string
		want string
	}{
		{"accepted", opened(1), "hi", "\x89\x02hi"},
		{"empty", opened(1), "", "\x89\x00"},
		{"too long", opened(1), long, "\x89\x7d" + long[:125]},
		{"before the handshake", &conn{}, "hi", ""},
		{"behind the close frame", closing, "hi", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := AppendPing([]byte("x"), []byte(tt.data), tt.c); string(got) != "x"+tt.want {
				t.Errorf("AppendPing = %q, want %q", got, "x"+tt.want)
			}
		})
	}
	sent := AppendPong(nil, []byte("hi"), dialled(1))
	if first, payload, _ := unframe(t, sent); first != 0x8a || payload != "hi" || len(sent) != 8 {
		t.Errorf("client's pong %q, want a masked one", sent)
	}
}
