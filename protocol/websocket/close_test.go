package websocket

import "testing"

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
			if got := plain.AppendFarewell(nil, false, c); len(got) != 0 {
				t.Errorf("a second close frame %q", got)
			}
		})
	}
}

func TestFarewell(t *testing.T) {
	tests := []struct {
		name    string
		c       *conn
		leaving bool
		want    string
	}{
		{"open", opened(1), false, "last\x88\x02\x03\xe8"},
		{"process leaves", opened(1), true, "last\x88\x02\x03\xe9"},
		{"before the handshake", &conn{}, false, "last"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := plain.AppendFarewell([]byte("last"), tt.leaving, tt.c)
			if string(got) != tt.want {
				t.Errorf("farewell %q, want %q", got, tt.want)
			}
			if got := plain.AppendFarewell(nil, tt.leaving, tt.c); len(got) != 0 {
				t.Errorf("the second time %q, want nothing", got)
			}
		})
	}
}
