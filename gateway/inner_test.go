package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
)

func linkSecret(g *Gateway) { g.SecretKey = "the secret" }

func TestUnauthorisedPeersGetNothing(t *testing.T) {
	hello := func(command wire.Command, flag wire.Flag, body string) string {
		return string((&wire.Packet{Command: command, Flag: flag, Body: []byte(body)}).Append(nil))
	}
	secret := `"secret_key":"the secret"`
	tests := []struct{ name, bytes string }{
		{"a command first", string((&wire.Packet{Command: wire.SendToAll}).Append(nil))},
		{"a question first", string((&wire.Packet{Command: wire.IsOnline}).Append(nil))},
		{"an unknown command", string((&wire.Packet{Command: 99}).Append(nil))},
		{"the wrong key", hello(wire.WorkerConnect, wire.Scalar,
			`{"worker_key":"BW:0","secret_key":"the Secret"}`)},
		{"a longer key", hello(wire.GatewayClientConnect, wire.Scalar,
			`{"secret_key":"the secret "}`)},
		{"no key", hello(wire.GatewayClientConnect, wire.Scalar, `{}`)},
		{"null", hello(wire.GatewayClientConnect, wire.Scalar, `{"secret_key":null}`)},
		{"a number", hello(wire.GatewayClientConnect, wire.Scalar, `{"secret_key":0}`)},
		{"a list", hello(wire.GatewayClientConnect, wire.Scalar, `[`+secret[13:]+`]`)},
		{"no JSON", hello(wire.GatewayClientConnect, wire.Scalar, `{`+secret)},
		{"a serialised body", hello(wire.GatewayClientConnect, 0, `a:0:{}`)},
		{"the key without the flag", hello(wire.GatewayClientConnect, 0, `{`+secret+`}`)},
		{"no name", hello(wire.WorkerConnect, wire.Scalar, `{`+secret+`}`)},
		{"a name without an end", hello(wire.WorkerConnect, wire.Scalar,
			`{"worker_key":"`+strings.Repeat("x", 256)+`",`+secret+`}`)},
		{"a name of two lines", hello(wire.WorkerConnect, wire.Scalar,
			`{"worker_key":"a\nb",`+secret+`}`)},
		{"too much", hello(wire.WorkerConnect, wire.Scalar, strings.Repeat(" ", 4096))},
		{"a length beyond all", "\xff\xff\xff\xff"},
		{"HTTP", "GET / HTTP/1.1\r\n\r\n"},
	}
	s := linkServe(t, linkSecret)
	other := s.link("other:0")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := s.peer()
			p.sendRaw([]byte(tt.bytes))
			p.expectEnd()
		})
	}
	s.ExpectLog("closed: it has not said the secret first")
	if other.ask(1) {
		t.Error("an unknown client is online")
	}
	p := s.peer()
	p.send(wire.Packet{Command: wire.GatewayClientConnect, Flag: wire.Scalar,
		Body: wire.ClientHello{Secret: "the secret"}.Append(nil)})
	p.ask(1)
	s.do(func(p *process) {
		if n := len(p.links.list); n != 1 {
			t.Errorf("%d links, want 1", n)
		}
	})
}

func TestNothingButTheSecretLiftsTheDeadline(t *testing.T) {
	s := linkServe(t, linkSecret)
	silent, slow, known := s.peer(), s.peer(), s.link("BW:0")
	hello := wire.Packet{Command: wire.WorkerConnect, Flag: wire.Scalar,
		Body: wire.WorkerHello{Key: "BW:1", Secret: "the secret"}.Append(nil)}
	slow.sendRaw(hello.Append(nil)[:40])
	s.Advance(9 * time.Second)
	slow.sendRaw(hello.Append(nil)[40:50])
	s.Advance(1100 * time.Millisecond)
	silent.expectEnd()
	slow.expectEnd()
	s.Advance(time.Hour)
	known.ask(1)
}

func TestMalformedPacketsEndTheirLinkOnly(t *testing.T) {
	long := (&wire.Packet{Command: wire.SendToAll, Ext: []byte("{}")}).Append(nil)
	long[27] = 3 // ext_len beyond the end
	tests := []struct{ name, bytes string }{
		{"length 0", "\x00\x00\x00\x00"},
		{"length 27", "\x00\x00\x00\x1b"},
		{"length above 10 MiB", "\x00\xa0\x00\x01"},
		{"ext beyond the end", string(long)},
	}
	s := linkServe(t, nil)
	l := s.link("BW:0")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := s.link("bad:0")
			p.sendRaw([]byte(tt.bytes))
			p.expectEnd()
		})
	}
	s.ExpectLog("inner connection of 127.0.0.1")
	l.ask(1)
}

func TestUnknownCommandsAreIgnored(t *testing.T) {
	s := linkServe(t, nil)
	l := s.link("BW:0")
	l.send(wire.Packet{Command: 99}, wire.Packet{Command: wire.Ping},
		wire.Packet{Command: wire.Drained}, wire.Packet{Command: wire.Drain})
	if l.ask(1) {
		t.Error("an unknown client is online")
	}
	s.Dial("Gateway")
	l.expect(wire.OnConnect, "")
}

func TestLargePacketsAfterTheHello(t *testing.T) {
	s := linkServe(t, linkSecret)
	l := s.link("BW:0")
	c := s.Dial("Gateway")
	id := l.expect(wire.OnConnect, "").ConnectionID
	big := strings.Repeat("x", 900<<10)
	l.send(linkSendTo(id, big))
	c.Expect(big)
}
