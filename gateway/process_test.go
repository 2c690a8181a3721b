package gateway

import (
	"bytes"
	"strings"
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

func TestAClientThatOnConnectRefusesIsNeverTold(t *testing.T) {
	for name, refuse := range map[string]func(c *worker.Connection){
		"Close":   func(c *worker.Connection) { c.Close() },
		"Destroy": func(c *worker.Connection) { c.Destroy() },
	} {
		t.Run(name, func(t *testing.T) {
			refused, closed := true, 0
			s := linkServe(t, func(g *Gateway) {
				g.OnConnect = func(c *worker.Connection) {
					if refused {
						refuse(c)
					}
				}
				g.OnClose = func(c *worker.Connection) { closed++ }
			})
			l := s.link("BW:0")
			linkDial(t, s.Addr("Gateway")).expectEnd()
			s.do(func(p *process) {
				if len(p.of) != 0 || p.clients.len() != 0 || closed != 1 {
					t.Errorf("%d clients, OnClose was called %d times", len(p.of), closed)
				}
				refused = false
			})
			s.Dial("Gateway").Send("hello")
			l.expect(wire.OnConnect, "")
			l.expect(wire.OnMessage, "hello")
		})
	}
}

func TestCallbacksOfOnWorkerStartCount(t *testing.T) {
	s := linkServe(t, func(g *Gateway) {
		g.OnWorkerStart = func(w *worker.Worker) error {
			w.OnConnect = func(c *worker.Connection) {
				c.Send("welcome " + ClientID(c))
				c.OnClose = func(*worker.Connection) { worker.Log("the author's OnClose") }
			}
			return nil
		}
	})
	l := s.link("BW:0")
	c := s.Dial("Gateway")
	pk := l.expect(wire.OnConnect, "")
	id := wire.ClientID{IP: pk.LocalIP, Port: pk.LocalPort, Connection: pk.ConnectionID}
	c.Expect("welcome " + id.String())
	c.Close()
	l.expect(wire.OnClose, "")
	s.ExpectLog("the author's OnClose")
}

func TestOnCloseIsCalledWhenTheClientIsOffEveryList(t *testing.T) {
	var s *linkService
	known, connected := true, false
	s = linkServe(t, func(g *Gateway) {
		g.OnConnect = func(c *worker.Connection) { connected = ClientID(c) != "" }
		g.OnClose = func(c *worker.Connection) { known = ClientID(c) != "" }
	})
	l := s.link("BW:0")
	c := s.Dial("Gateway")
	id := l.expect(wire.OnConnect, "").ConnectionID
	if !l.ask(id) {
		t.Error("the client is not online")
	}
	c.Close()
	l.expect(wire.OnClose, "")
	if l.ask(id) {
		t.Error("a question behind OnClose finds the client")
	}
	s.do(func(*process) {
		if known || !connected {
			t.Errorf("in OnClose it is a client: %v; in OnConnect: %v", known, connected)
		}
	})
}

// linkWords is text whose messages are lists of words, or a number.
type linkWords struct{ protocol.Protocol }

func (w linkWords) Decode(frame []byte, _ protocol.Conn) (any, error) {
	switch line := strings.TrimSpace(string(frame)); line {
	case "number":
		return 1.5, nil
	case "yes":
		return true, nil
	default:
		return strings.Split(line, " "), nil
	}
}

func (w linkWords) Encode(dst []byte, v any, _ protocol.Conn) ([]byte, error) {
	return protocol.AppendText(dst, v)
}

func TestMessagesThatAreNoBytes(t *testing.T) {
	s := linkServeAt(t, "tcp://127.0.0.1:7272", func(g *Gateway) {
		g.Protocol = linkWords{text.Protocol}
	})
	l := s.link("BW:0")
	c := linkDial(t, s.Addr("Gateway"))
	l.expect(wire.OnConnect, "")
	c.sendRaw([]byte("two words\nnumber\nyes\n"))
	if pk := l.expect(wire.OnMessage, `a:2:{i:0;s:3:"two";i:1;s:5:"words";}`); pk.Flag != 0 {
		t.Errorf("flag %#x of an array", pk.Flag)
	}
	for _, want := range []string{"1.5", "1"} {
		if pk := l.expect(wire.OnMessage, want); pk.Flag != wire.Scalar {
			t.Errorf("flag %#x of %s", pk.Flag, want)
		}
	}
}

func TestBusinessWorkersHearOfClientsThatAStopCloses(t *testing.T) {
	var l *linkPeer
	t.Run("a Gateway that ends", func(inner *testing.T) {
		s := linkServe(inner, nil)
		l = linkDial(t, s.inner())
		l.hello(wire.WorkerHello{Key: "BW:0"})
		l.ask(1)
		for range 3 {
			linkDial(t, s.Addr("Gateway"))
			l.expect(wire.OnConnect, "")
		}
	})
	for range 3 {
		l.expect(wire.OnClose, "")
	}
	l.expectEnd()
}

func TestALeavingProcessKeepsItsLinksForItsClients(t *testing.T) {
	s := linkServe(t, nil)
	l := s.link("BW:0")
	c := s.Dial("Gateway")
	id := l.expect(wire.OnConnect, "").ConnectionID
	s.do(func(p *process) { p.leave() })
	c.Send("hello")
	l.expect(wire.OnMessage, "hello")
	l.send(linkSendTo(id, "hello"))
	c.Expect("hello")
	c.Close()
	l.expect(wire.OnClose, "")
	if s.Advance(patienceWithLinks / 2); l.ask(id) {
		t.Error("the client is still online")
	}
	s.Advance(patienceWithLinks)
	l.expectEnd()
}

func TestClientsOfALeavingProcessDoNotWaitForABusinessWorker(t *testing.T) {
	s := linkServe(t, nil)
	l := s.link("BW:0")
	waiting, talking := linkDial(t, s.Addr("Gateway")), linkDial(t, s.Addr("Gateway"))
	l.expect(wire.OnConnect, "")
	l.expect(wire.OnConnect, "")
	l.Close()
	s.do(func(*process) {})
	waiting.sendRaw(holdLines(0, 1))
	s.do(func(p *process) { p.leave() })
	s.Advance(holdSweep)
	waiting.expectEnd()
	talking.sendRaw(holdLines(0, 1))
	talking.expectEnd()
}

func TestALeavingProcessWaitsForItsLinksOnly(t *testing.T) {
	s := linkServe(t, nil)
	l, asker := s.link("BW:0"), s.peer()
	asker.ask(1)
	s.do(func(p *process) { p.leave() })
	asker.ask(1)
	l.Close()
	asker.expectEnd()
}

func TestWebSocketClientsAreToldToTryLater(t *testing.T) {
	s := linkServeAt(t, "websocket://127.0.0.1:7272", nil)
	l := s.link("BW:0")
	c := linkDial(t, s.Addr("Gateway"))
	c.sendRaw([]byte("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"))
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = c.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	s.do(func(*process) {})
	c.sendRaw([]byte{0x81, 0x82, 0, 0, 0, 0, 'h', 'i'})
	s.Advance(11e9)
	want := append([]byte{0x88, 17, 0x03, 0xf5}, "try again later"...)
	got := make([]byte, len(want))
	if _, err := c.r.Read(got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
}

func TestGatewayIsKnownToItsRegisters(t *testing.T) {

	s := wmtest.Run(t, func() {
		NewRegister("text://127.0.0.1:1236")
		New("text://127.0.0.1:7272")
	})
	p := linkDial(t, s.Addr("Register"))
	p.sendRaw([]byte(`{"event":"worker_connect","secret_key":""}` + "\n"))
	address := s.Addr("Gateway inner")
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, address) {
			break
		}
	}
}
