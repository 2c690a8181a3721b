package websocket

import (
	"errors"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

func TestCloseIsEchoed(t *testing.T) {
	tests := []struct {
		name  string
		frame []byte
		want  string
	}{
		{"without a code", masked(0x88, ""), "\x88\x02\x03\xe8"},
		{"normal", closeFrame(1000, "bye"), "\x88\x02\x03\xe8"},
		{"going away", closeFrame(1001, ""), "\x88\x02\x03\xe9"},
		{"of the app", closeFrame(4321, "é"), "\x88\x02\x10\xe1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := opened(1 << 20)
			messages, err := c.receive(join(masked(0x81, "a"), tt.frame, masked(0x81, "b")))
			if err != nil {
				t.Fatal(err)
			}
			wantMessages(t, messages, "a")
			wantSent(t, c, tt.want)
			if !c.closed {
				t.Error("the connection was not closed")
			}
			if got := plain.AppendFarewell(nil, protocol.Parting, c); len(got) != 0 {
				t.Errorf("a second close frame %q", got)
			}
		})
	}
}

func TestFarewell(t *testing.T) {
	tests := []struct {
		name string
		c    *conn
		why  protocol.Occasion
		want string
	}{
		{"open", opened(1), protocol.Parting, "last\x88\x02\x03\xe8"},
		{"the service stops", opened(1), protocol.Stopping, "last\x88\x02\x03\xe9"},
		{"the process is replaced", opened(1), protocol.Restarting, "last\x88\x02\x03\xf4"},
		{"before the handshake", &conn{}, protocol.Restarting, "last"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := plain.AppendFarewell([]byte("last"), tt.why, tt.c)
			if string(got) != tt.want {
				t.Errorf("farewell %q, want %q", got, tt.want)
			}
			if got := plain.AppendFarewell(nil, tt.why, tt.c); len(got) != 0 {
				t.Errorf("the second time %q, want nothing", got)
			}
		})
	}
}

func TestCloseIsAnEvent(t *testing.T) {
	tests := []struct {
		name  string
		frame []byte
		want  CloseReceived
	}{
		{"without a code", masked(0x88, ""), CloseReceived{Code: 1005}},
		{"with a reason", closeFrame(3000, "é"), CloseReceived{Code: 3000, Reason: "é"}},
		{"restart", closeFrame(1012, ""), CloseReceived{Code: 1012}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := opened(1 << 20)
			c.mustReceive(t, tt.frame)
			if e, ok := c.events[0].(*CloseReceived); !ok || *e != tt.want {
				t.Errorf("event %#v, want %#v", c.events[0], tt.want)
			}
		})
	}
}

// Trap T77: whoever takes the event answers and closes.
func TestCloseThatIsTakenIsTheAuthorsToAnswer(t *testing.T) {
	c := opened(1 << 20)
	c.take = func(e any) bool { _, ok := e.(*CloseReceived); return ok }
	messages := c.mustReceive(t, closeFrame(4000, ""), masked(0x81, "late"), closeFrame(4001, ""),
		[]byte("garbage"))
	wantMessages(t, messages)
	wantSent(t, c, "")
	if c.closed || len(c.events) != 1 {
		t.Errorf("closed %t, %d events; want one event and no end", c.closed, len(c.events))
	}
	c.Close()
	wantSent(t, c, "\x88\x02\x03\xe8")
}

func TestCloseInTheCallbackThatDoesNotTakeIt(t *testing.T) {
	c := opened(1 << 20)
	c.take = func(any) bool { c.Close(); return false }
	c.mustReceive(t, closeFrame(4000, ""))
	wantSent(t, c, "\x88\x02\x03\xe8")
}

func TestCloseBehindOursEndsQuietly(t *testing.T) {
	c := opened(1 << 20)
	out := plain.AppendFarewell(nil, protocol.Parting, c)
	if string(out) != "\x88\x02\x03\xe8" {
		t.Fatalf("farewell %q", out)
	}
	messages := c.mustReceive(t, join(masked(0x89, "p"), masked(0x81, "under way"), masked(0x88, "")))
	wantMessages(t, messages, "under way")
	wantSent(t, c, "")
	if !c.closed {
		t.Error("the connection was not closed")
	}
}

func TestViolationBehindOurCloseIsNotAnswered(t *testing.T) {
	c := opened(1 << 20)
	plain.AppendFarewell(nil, protocol.Parting, c)
	if _, err := c.receive([]byte("garbage")); !errors.Is(err, protocol.ErrBad) {
		t.Errorf("error %v, want a bad packet", err)
	}
	wantSent(t, c, "")
}

func TestClientClosesMasked(t *testing.T) {
	tests := []struct {
		name string
		do   func(c *conn)
		want string
	}{
		{"farewell", func(c *conn) { c.Close() }, "\x03\xe8"},
		{"echo", func(c *conn) { _, _ = c.receive(bare(0x88, "\x03\xe9bye")) }, "\x03\xe9"},
		{"violation", func(c *conn) { _, _ = c.receive(masked(0x81, "hi")) }, "\x03\xea"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dialled(1 << 20)
			tt.do(c)
			first, payload, rest := unframe(t, c.sent)
			if first != 0x88 || payload != tt.want || len(rest) != 0 || c.sent[1] != 0x82 {
				t.Errorf("sent %q, want a masked close frame with %q", c.sent, tt.want)
			}
		})
	}
}

func TestAppendCode(t *testing.T) {
	long := strings.Repeat("r", 124)
	tests := []struct {
		code   int
		reason string
		want   string
		err    error
	}{
		{1000, "", "\x88\x02\x03\xe8", nil},
		{1001, "bye", "\x88\x05\x03\xe9bye", nil},
		{4999, long[:123], "\x88\x7d\x13\x87" + long[:123], nil},
		{1013, "é", "\x88\x04\x03\xf5é", nil},
		{1000, long, "", errReason},
		{1000, "\xff", "", errReason},
		{999, "", "", errCode}, {1004, "", "", errCode}, {1005, "", "", errCode},
		{1006, "", "", errCode}, {1015, "", "", errCode}, {2999, "", "", errCode},
		{5000, "", "", errCode}, {0, "", "", errCode}, {-1, "", "", errCode},
		{1 << 16, "", "", errCode}, {1<<16 + 1000, "", "", errCode},
	}
	for _, tt := range tests {
		c := opened(1 << 20)
		got, err := plain.AppendCode([]byte("last"), tt.code, tt.reason, c)
		if string(got) != "last"+tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%d %.9q: %q, %v, want %q, %v", tt.code, tt.reason, got, err, tt.want, tt.err)
		}
		if more := plain.AppendFarewell(nil, protocol.Parting, c); (len(more) == 0) != (tt.err == nil) {
			t.Errorf("%d: farewell %q behind it", tt.code, more)
		}
	}
	if got, err := plain.AppendCode(nil, 1000, "", &conn{}); len(got) != 0 || err != nil {
		t.Errorf("before the handshake: %q, %v, want nothing", got, err)
	}
}
