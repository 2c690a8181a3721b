package websocket

import (
	"strings"
	"testing"
)

func TestOffersAreAnswered(t *testing.T) {
	const none = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	tests := []struct {
		name, offer, answer string
		takeover            string // the answer with ContextTakeover
	}{
		{"plain", "permessage-deflate", none, "permessage-deflate"},
		{"a browser's", "permessage-deflate; client_max_window_bits", none, "permessage-deflate"},
		{"upper case", "Permessage-Deflate; Client_Max_Window_Bits", none, "permessage-deflate"},
		{"no context of ours", "permessage-deflate; server_no_context_takeover", none,
			"permessage-deflate; server_no_context_takeover"},
		{"no context of the client", "permessage-deflate;client_no_context_takeover", none,
			"permessage-deflate; client_no_context_takeover"},
		{"our window", "permessage-deflate; server_max_window_bits=10",
			none + "; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10"},
		{"our smallest window", "permessage-deflate; server_max_window_bits=8",
			none + "; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=8"},
		{"our largest window", "permessage-deflate; server_max_window_bits=15",
			none + "; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15"},
		{"window of the client", "permessage-deflate; client_max_window_bits=9",
			none + "; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=9"},
		{"quoted", `permessage-deflate ; server_max_window_bits = "12"`,
			none + "; server_max_window_bits=12", "permessage-deflate; server_max_window_bits=12"},
		{"second offer", "permessage-deflate; server_max_window_bits=99, permessage-deflate",
			none, "permessage-deflate"},
		{"behind others", `x-mux; a="b"; c,, permessage-deflate`, none, "permessage-deflate"},
		{"other extension", "x-webkit-deflate-frame", "", ""},
		{"unknown parameter", "permessage-deflate; mem_level=1", "", ""},
		{"parameter twice", "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
			"", ""},
		{"flag with a value", "permessage-deflate; server_no_context_takeover=1", "", ""},
		{"other flag with a value", "permessage-deflate; client_no_context_takeover=1", "", ""},
		{"our window without a size", "permessage-deflate; server_max_window_bits", "", ""},
		{"window too small", "permessage-deflate; server_max_window_bits=7", "", ""},
		{"window too large", "permessage-deflate; client_max_window_bits=16", "", ""},
		{"leading zero", "permessage-deflate; client_max_window_bits=09", "", ""},
		{"sign", "permessage-deflate; client_max_window_bits=+9", "", ""},
		{"no number", "permessage-deflate; client_max_window_bits=x", "", ""},
		{"empty value", "permessage-deflate; client_max_window_bits=", "", ""},
		{"open quote", `permessage-deflate; client_max_window_bits="9`, "", ""},
		{"empty parameter", "permessage-deflate; ", "", ""},
		{"no name", "; a", "", ""},
		{"garbage behind", "permessage-deflate x", "", ""},
		{"nothing", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, takeover := range []bool{false, true} {
				c := &conn{p: with(Options{Compress: true, ContextTakeover: takeover}), max: 1 << 20}
				c.mustReceive(t, offering("Sec-WebSocket-Extensions: "+tt.offer))
				want := tt.answer
				if takeover {
					want = tt.takeover
				}
				if want != "" {
					want = "Sec-WebSocket-Extensions: " + want + "\r\n"
				}
				wantSent(t, c, answered(want))
			}
		})
	}
}

func TestOffersInSeveralLinesAreOneList(t *testing.T) {
	c := &conn{p: with(Options{Compress: true}), max: 1 << 20}
	c.mustReceive(t, offering("Sec-WebSocket-Extensions: x-mux\r\n"+
		"Sec-WebSocket-Extensions: permessage-deflate"))
	if !strings.Contains(string(c.sent), "\r\nSec-WebSocket-Extensions: permessage-deflate;") {
		t.Errorf("reply %q does not agree", c.sent)
	}
}

// Trap T83: nothing is agreed to, and nothing compressed accepted, by itself.
func TestOffersAreIgnoredWithoutCompress(t *testing.T) {
	c := &conn{max: 1 << 20}
	c.mustReceive(t, offering("Sec-WebSocket-Extensions: permessage-deflate"))
	wantSent(t, c, switching)
	if _, err := c.receive(masked(0xc1, "\x00")); err == nil {
		t.Error("a compressed frame was accepted")
	}
}

func TestAnswersOfServers(t *testing.T) {
	tests := []struct {
		name, parameters string
		takeover         bool // what the client would like
		bits             int
		sent, received   bool // the windows that are kept
	}{
		{"resets all", "; server_no_context_takeover; client_no_context_takeover", true, 15,
			false, false},
		{"keeps all", "", true, 15, true, true},
		{"keeps all unasked", "", false, 15, false, true},
		{"keeps its own", "; client_no_context_takeover", true, 15, false, true},
		{"keeps ours", "; server_no_context_takeover", true, 15, true, false},
		{"bounds ours", "; client_max_window_bits=9", true, 9, true, true},
		{"bounds its own", "; server_max_window_bits=9", true, 15, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := with(Options{Compress: true, ContextTakeover: tt.takeover})
			c := dialling(p, &Request{})
			c.mustReceive(t, []byte(answered("Sec-WebSocket-Extensions: permessage-deflate"+
				tt.parameters+"\r\n")))
			x := c.state.(*session).extension
			if x.bits != tt.bits || (x.sent != nil) != tt.sent || (x.received != nil) != tt.received {
				t.Errorf("%d bits, sent %v, received %v", x.bits, x.sent, x.received)
			}
		})
	}
}

func TestServerMayNotAgree(t *testing.T) {
	c := dialling(with(Options{Compress: true}), &Request{})
	c.mustReceive(t, []byte(switching))
	if c.state.(*session).extension != nil {
		t.Error("compresses although the server does not")
	}
}
