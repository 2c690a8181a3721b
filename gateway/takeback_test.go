package gateway

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// returned is a packet that its BusinessWorker gives back.
func returned(pk wire.Packet) wire.Packet {
	pk.GatewayPort, pk.Command = uint16(pk.Command), wire.Return
	return pk
}

// take are the next n packets.
func (p *linkPeer) take(n int) (all []wire.Packet) {
	p.t.Helper()
	for range n {
		all = append(all, p.must())
	}
	return all
}

func TestReturnedEventsComeInFrontOfWhatIsHeld(t *testing.T) {
	s := linkServe(t, nil)
	old := s.linkWM("BW:0")
	c := linkDial(t, s.Addr("Gateway"))
	id := old.expect(wire.OnConnect, "").ConnectionID
	c.sendRaw(holdLines(0, 10))
	events := old.take(10)
	next := s.linkWM("BW:0.1")
	old.send(wire.Packet{Command: wire.Drain})
	if pk := old.expect(wire.Drain, ""); pk.Flag != wire.Scalar|wire.TakesBack {
		t.Errorf("the flag is %x", pk.Flag)
	}
	c.sendRaw(holdLines(10, 5))
	for _, clients := s.holdBytes(); clients == 0; _, clients = s.holdBytes() {
	}
	for _, pk := range events[3:] {
		old.send(returned(pk))
	}
	old.send(wire.Packet{Command: wire.SetSession, ConnectionID: id, Ext: []byte(al1)})
	c.sendRaw(holdLines(15, 5))
	old.ask(id)
	next.ask(id) // nothing has come before
	old.send(wire.Packet{Command: wire.Drained})
	for n := 3; n < 20; n++ {
		if pk := next.expect(wire.OnMessage, strconv.Itoa(n)); string(pk.Ext) != al1 {
			t.Fatalf("the session is %q", pk.Ext)
		}
	}
	s.holdNone()
}

const al1 = `a:1:{s:4:"name";s:2:"Al";}`

// What a client that has gone has done comes with its address, and the session that
// the BusinessWorker which leaves knows; it is behind all else.
func TestReturnedEventsOfClientsThatHaveGone(t *testing.T) {
	for name, early := range map[string]bool{"before": true, "meanwhile": false} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			s := linkServe(t, func(g *Gateway) {
				g.Router = func(links []*Link, _ *worker.Connection) *Link {
					asked++
					return links[0]
				}
			})
			old := s.linkWM("BW:0")
			c := linkDial(t, s.Addr("Gateway"))
			events := old.take(1)
			id := events[0].ConnectionID
			c.sendRaw([]byte("hello\n"))
			events = append(events, old.must())
			end := func() {
				c.Close()
				s.do(func(*process) {})
				for old.ask(id) {
				}
			}
			if early {
				c.Close()
				events = append(events, old.expect(wire.OnClose, ""))
			}
			next := s.linkWM("BW:0.1")
			old.send(wire.Packet{Command: wire.Drain})
			old.expect(wire.Drain, "")
			if !early {
				end()
			}
			for _, pk := range events {
				pk.Ext = []byte("early session")
				old.send(returned(pk))
			}
			old.send(wire.Packet{Command: wire.SetSession, ConnectionID: id, Ext: []byte(al1)})
			old.send(wire.Packet{Command: wire.Drained})
			for i, want := range []string{"", "hello", ""} {
				pk := next.must()
				what := []wire.Command{wire.OnConnect, wire.OnMessage, wire.OnClose}[i]
				if pk.Command != what || string(pk.Body) != want || string(pk.Ext) != al1 ||
					pk.ConnectionID != id || pk.ClientPort != events[0].ClientPort ||
					pk.ClientIP != events[0].ClientIP {
					t.Errorf("got %+v, want %d %q", pk, what, want)
				}
			}
			s.do(func(p *process) {
				for _, l := range p.links.list {
					if l.clients != 0 {
						t.Errorf("%s has %d clients", l.Key, l.clients)
					}
				}
				if len(p.holding.gone) != 0 {
					t.Error("the client is still known")
				}
			})
			s.holdNone()
		})
	}
}

func TestReturnedBytesAreBoundButNotRefused(t *testing.T) {
	const size, n = 10_000, 20
	s := linkServe(t, func(g *Gateway) { g.HoldBytes, g.HoldPerClient = 64<<10, 32<<10 })
	old := s.linkWM("BW:0")
	c := linkDial(t, s.Addr("Gateway"))
	id := old.expect(wire.OnConnect, "").ConnectionID
	for i := range n {
		c.sendRaw([]byte(fmt.Sprint(i, strings.Repeat("x", size), "\n")))
	}
	events := old.take(n)
	next := s.linkWM("BW:0.1")
	old.send(wire.Packet{Command: wire.Drain})
	old.expect(wire.Drain, "")
	for _, pk := range events {
		old.send(returned(pk))
	}
	old.ask(id)
	s.do(func(p *process) {
		if h := p.holding; h.bytes < n*size || !h.stopped {
			t.Errorf("%d bytes are held, reading stopped %v", h.bytes, h.stopped)
		}
	})
	c.sendRaw([]byte("behind\n"))
	old.Close()
	for i := range n {
		next.expect(wire.OnMessage, fmt.Sprint(i, strings.Repeat("x", size)))
	}
	next.expect(wire.OnMessage, "behind")
	s.holdNone()
}

func TestNothingIsTakenBackFromOthers(t *testing.T) {
	s := linkServe(t, nil)
	old := s.linkWM("BW:0")
	c := linkDial(t, s.Addr("Gateway"))
	connect := old.expect(wire.OnConnect, "")
	next := s.linkWM("BW:0.1")
	old.send(returned(connect)) // it does not leave
	stranger := s.peer()
	stranger.send(returned(connect))
	next.send(wire.Packet{Command: wire.Drain})
	next.expect(wire.Drain, "")
	next.send(returned(connect)) // its client is not there
	next.send(wire.Packet{Command: wire.Return, GatewayPort: uint16(wire.Ping), ConnectionID: 9})
	next.ask(1)
	s.ExpectLog("returns an event that it cannot have")
	c.sendRaw([]byte("hello\n"))
	old.expect(wire.OnMessage, "hello")
	old.send(wire.Packet{Command: wire.Drain})
	if pk := old.expect(wire.Drain, ""); pk.Flag&wire.TakesBack != 0 {
		t.Error("it takes events back, and there is nobody for them")
	}
	s.holdNone()
}

// When everything is stopped at once, the BusinessWorker that was there for what is
// returned leaves too.
func TestReturnedEventsThatNobodyElseTakesGoBackAgain(t *testing.T) {
	s := linkServe(t, nil)
	old := s.linkWM("BW:0")
	clients := []*linkPeer{linkDial(t, s.Addr("Gateway")), linkDial(t, s.Addr("Gateway"))}
	events := old.take(2)
	for _, c := range clients {
		c.sendRaw(holdLines(0, 5))
	}
	events = append(events, old.take(10)...)
	clients[1].Close()
	events = append(events, old.expect(wire.OnClose, "")) // nothing is known of it any more
	next := s.linkWM("BW:1")
	for _, p := range []*linkPeer{old, next} {
		p.send(wire.Packet{Command: wire.Drain})
		p.expect(wire.Drain, "")
	}
	for _, pk := range events {
		old.send(returned(pk))
	}
	old.send(wire.Packet{Command: wire.Drained})
	got := map[uint32][]wire.Packet{}
	for _, pk := range old.take(len(events)) {
		got[pk.ConnectionID] = append(got[pk.ConnectionID], pk)
	}
	for _, want := range events {
		id := want.ConnectionID
		if pk := got[id][0]; pk.Command != want.Command || string(pk.Body) != string(want.Body) ||
			pk.ClientPort != want.ClientPort || pk.ClientIP != want.ClientIP {
			t.Errorf("got %+v, want %+v", pk, want)
		}
		got[id] = got[id][1:]
	}
	if pk := old.expect(wire.Drain, ""); pk.Flag != wire.Scalar {
		t.Errorf("the flag is %x", pk.Flag)
	}
	s.holdNone()
	old.send(wire.Packet{Command: wire.Drained})
	old.expect(wire.Drained, "")
	s.do(func(p *process) {
		if len(p.links.list) != 1 {
			t.Errorf("%d links are there", len(p.links.list))
		}
	})
}

// A Gateway ends while a BusinessWorker is still at work on what is in front of that.
func TestReturnedEventsGoBackAgainWhenTheGatewayEnds(t *testing.T) {
	s := linkServe(t, nil)
	old := s.linkWM("BW:0")
	c := linkDial(t, s.Addr("Gateway"))
	old.expect(wire.OnConnect, "")
	c.sendRaw(holdLines(0, 5))
	events := old.take(5)
	s.linkWM("BW:1")
	old.send(wire.Packet{Command: wire.Drain})
	old.expect(wire.Drain, "")
	for _, pk := range events[1:] {
		old.send(returned(pk))
	}
	old.ask(1) // behind them
	s.do(func(p *process) { p.end() })
	for n := 1; n < 5; n++ {
		old.expect(wire.OnMessage, strconv.Itoa(n))
	}
	if pk, err := old.receive(); err == nil {
		t.Errorf("got command %d behind them", pk.Command)
	}
}
