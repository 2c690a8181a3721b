package gateway

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
)

// holdLines are n numbered messages of a text client.
func holdLines(from, n int) []byte {
	var b []byte
	for i := range n {
		b = append(strconv.AppendInt(b, int64(from+i), 10), '\n')
	}
	return b
}

// holdExpect waits for numbered messages.
func (p *linkPeer) holdExpect(from, n int) {
	p.t.Helper()
	for i := range n {
		p.expect(wire.OnMessage, strconv.Itoa(from+i))
	}
}

// holdAccepting is a Gateway whose clients come in without a BusinessWorker: it had
// one, which has gone.
func holdAccepting(t *testing.T, change func(g *Gateway)) *linkService {
	t.Helper()
	s := linkServe(t, change)
	l := s.link("first:0")
	l.Close()
	s.do(func(p *process) {
		if p.links.usable() || !p.accepting {
			t.Error("the link is still there, or nobody is accepted")
		}
	})
	return s
}

// holdBytes is how much is held; it has to be none at the end.
func (s *linkService) holdBytes() (n, clients int) {
	s.t.Helper()
	s.do(func(p *process) { n, clients = p.holding.bytes, len(p.holding.of) })
	return n, clients
}

func (s *linkService) holdNone() {
	s.t.Helper()
	s.Advance(time.Second)
	s.do(func(p *process) {
		t := &p.holding
		if t.bytes != 0 || len(t.of) != 0 || len(t.queue) != 0 || t.timer != 0 || t.stopped {
			s.t.Errorf("still holding %d bytes of %d clients, %d in the queue, stopped %v",
				t.bytes, len(t.of), len(t.queue), t.stopped)
		}
	})
}

func TestWhatClientsSendWaitsForABusinessWorker(t *testing.T) {
	s := holdAccepting(t, nil)
	c := linkDial(t, s.Addr("Gateway"))
	c.sendRaw(holdLines(0, 100))
	s.Advance(9 * time.Second)
	if n, clients := s.holdBytes(); clients != 1 || n < 100 {
		t.Fatalf("%d bytes of %d clients are held", n, clients)
	}
	l := s.linkNow("BW:0")
	l.expect(wire.OnConnect, "")
	l.holdExpect(0, 100)
	c.sendRaw(holdLines(100, 10))
	l.holdExpect(100, 10)
	s.holdNone()
}

// holdOrder checks that the numbered messages of each client come in order.
type holdOrder map[uint32]int // the number that may come next, by client

// check takes what a link has brought; it returns what the number was.
func (o holdOrder) check(t *testing.T, pk wire.Packet) int {
	t.Helper()
	if pk.Command != wire.OnMessage {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(pk.Body)))
	if err != nil || n < o[pk.ConnectionID] {
		t.Fatalf("client %d: %q behind %d", pk.ConnectionID, pk.Body, o[pk.ConnectionID]-1)
	}
	o[pk.ConnectionID] = n + 1
	return n
}

func TestOrderPerClientOverTheLossOfALink(t *testing.T) {
	const messages, clients = 5000, 4
	padding := append(bytes.Repeat([]byte(" "), 1000), '\n') // more than kernels keep
	s := linkServe(t, func(g *Gateway) { g.SendToWorkerBuffer = 64 << 10 })
	dying := s.link("BW:0")
	var conns []*linkPeer
	for range clients {
		conns = append(conns, linkDial(t, s.Addr("Gateway")))
		dying.expect(wire.OnConnect, "")
	}
	var sent sync.WaitGroup
	for _, c := range conns {
		sent.Go(func() { // ends when all is sent
			for n := 0; n < messages; n += 100 {
				c.Write(bytes.ReplaceAll(holdLines(n, 100), []byte("\n"), padding))
			}
		})
	}
	order, handed := holdOrder{}, holdOrder{}
	for range messages {
		order.check(t, dying.must())
	}
	for held := 0; held < clients; { // the link is full, and nobody reads
		_, held = s.holdBytes()
	}
	s.do(func(p *process) { // all that is not held was handed to the link
		for c, h := range p.holding.of {
			handed.check(t, wire.Packet{Command: wire.OnMessage, ConnectionID: c.id,
				Body: h.events[0].body})
		}
		p.links.list[0].conn.Destroy()
	})
	for pk, err := dying.receive(); err == nil; pk, err = dying.receive() {
		order.check(t, pk)
	}
	l := s.linkNow("BW:1")
	for done := 0; done < clients; {
		pk := l.must()
		before, first := order[pk.ConnectionID], handed[pk.ConnectionID]
		if first > 0 {
			before = first - 1
			delete(handed, pk.ConnectionID)
		}
		if n := order.check(t, pk); n != before {
			t.Fatalf("client %d: %d came, %d is missing", pk.ConnectionID, n, before)
		} else if n == messages-1 {
			done++
		}
	}
	sent.Wait()
	s.holdNone()
}

func TestHoldingIsBoundedPerClient(t *testing.T) {
	s := holdAccepting(t, func(g *Gateway) { g.HoldPerClient = 4096 })
	c := linkDial(t, s.Addr("Gateway"))
	line := append(bytes.Repeat([]byte("x"), 99), '\n')
	go func() { // ends when all is sent, or with the test
		for range 200 << 10 {
			if _, err := c.Write(line); err != nil {
				return
			}
		}
	}()
	s.Advance(time.Second)
	n, _ := s.holdBytes()
	for range 5 {
		s.Advance(time.Second)
		if now, _ := s.holdBytes(); now != n || now < 4096 || now > 4096+164 {
			t.Fatalf("%d bytes are held, and %d before, want a little above 4096", now, n)
		}
	}
	l := s.linkNow("BW:0")
	l.expect(wire.OnConnect, "")
	for range 10000 {
		l.expect(wire.OnMessage, string(line[:99]))
	}
}

func TestHeartbeatSparesClientsThatAreNotRead(t *testing.T) {
	for name, bounds := range map[string][2]int{
		"its own bound": {64, 0}, "that of all": {0, 64},
	} {
		t.Run(name, func(t *testing.T) {
			s := holdAccepting(t, func(g *Gateway) {
				g.HoldPerClient, g.HoldBytes = bounds[0], bounds[1]
				g.BusinessWait = time.Minute
				g.PingInterval, g.PingNotResponseLimit = time.Second, 1
			})
			c := linkDial(t, s.Addr("Gateway"))
			s.Advance(30 * time.Second)
			c.sendRaw(holdLines(0, 1))
			l := s.linkNow("BW:0")
			l.expect(wire.OnConnect, "")
			l.holdExpect(0, 1)
			s.Advance(5 * time.Second) // now it is read
			l.expect(wire.OnClose, "")
		})
	}
}

func TestHoldingIsBoundedForAll(t *testing.T) {
	const bound, clients = 64 << 10, 20
	s := holdAccepting(t, func(g *Gateway) { g.HoldBytes = bound })
	var conns []*linkPeer
	line := append(bytes.Repeat([]byte("x"), 9999), '\n')
	for range clients {
		conns = append(conns, linkDial(t, s.Addr("Gateway")))
		conns[len(conns)-1].sendRaw(line)
	}
	s.ExpectLog("nothing is read of clients until half of it is free")
	if n, _ := s.holdBytes(); n < bound || n > bound+11000 {
		t.Errorf("%d bytes are held", n)
	}
	l := s.linkNow("BW:0")
	for messages := 0; messages < clients; {
		if l.must().Command == wire.OnMessage {
			messages++
		}
	}
	s.holdNone()
	for _, c := range conns {
		c.sendRaw([]byte("again\n"))
		l.expect(wire.OnMessage, "again")
	}
}

func TestClientsAreClosedWhenNobodyComes(t *testing.T) {
	s := linkServeAt(t, "websocket://127.0.0.1:7272", nil)
	l := s.link("BW:0")
	silent, talking := s.Dial("Gateway"), s.Dial("Gateway")
	for range 2 * 2 {
		l.must()
	}
	l.Close()
	s.Advance(time.Minute) // who says nothing may stay
	talking.Send("hello")
	s.Advance(9500 * time.Millisecond)
	s.do(func(p *process) {
		if len(p.of) != 2 {
			t.Errorf("%d clients, want 2", len(p.of))
		}
	})
	s.Advance(time.Second)
	talking.ExpectClose()
	l = s.linkNow("BW:0")
	l.expect(wire.OnClose, "") // it was known; what it has said is dropped
	silent.Send("I am still here")
	l.expect(wire.OnMessage, "I am still here")
	s.holdNone()
}

func TestWhatSomebodyHasSentWhoLeftIsNotLost(t *testing.T) {
	s := holdAccepting(t, nil)
	c := linkDial(t, s.Addr("Gateway"))
	c.sendRaw([]byte("measured: 5\n"))
	c.Close()
	linkDial(t, s.Addr("Gateway")).Close() // nobody wants to know of this one
	s.Advance(time.Minute)
	if n, clients := s.holdBytes(); clients != 1 || n < goneBytes {
		t.Errorf("%d bytes of %d clients, want 1 that counts as one that is kept", n, clients)
	}
	s.do(func(p *process) {
		if len(p.of) != 0 || p.clients.len() != 0 {
			t.Errorf("%d clients", len(p.of))
		}
	})
	l := s.linkNow("BW:0")
	l.expect(wire.OnConnect, "")
	l.expect(wire.OnMessage, "measured: 5")
	l.expect(wire.OnClose, "")
	s.do(func(p *process) {
		if n := p.links.list[0].clients; n != 0 {
			t.Errorf("the link has %d clients", n)
		}
	})
	s.holdNone()
}

func TestDrainedLinkGivesItsClientsBackInOrder(t *testing.T) {
	s := linkServe(t, nil)
	old := s.linkWM("BW:0")
	c := linkDial(t, s.Addr("Gateway"))
	leaver := linkDial(t, s.Addr("Gateway"))
	old.expect(wire.OnConnect, "")
	old.expect(wire.OnConnect, "")
	c.sendRaw(holdLines(0, 10))
	old.holdExpect(0, 10)
	next := s.linkWM("BW:0.1")
	old.send(wire.Packet{Command: wire.Drain})
	old.expect(wire.Drain, "")
	old.send(wire.Packet{Command: wire.Drain}) // once is enough
	c.sendRaw(holdLines(10, 10))
	leaver.sendRaw([]byte("bye\n"))
	leaver.Close()
	if n, clients := s.holdBytes(); clients != 2 {
		t.Fatalf("%d bytes of %d clients are held", n, clients)
	}
	other := linkDial(t, s.Addr("Gateway"))
	other.sendRaw([]byte("new\n"))
	next.expect(wire.OnConnect, "")
	next.expect(wire.OnMessage, "new")
	s.Advance(30 * time.Second) // a handler may take long
	old.send(wire.Packet{Command: wire.Drained})
	got := map[uint32]string{}
	for range 12 {
		pk := next.must()
		got[pk.ConnectionID] += fmt.Sprint(pk.Command, string(pk.Body), " ")
	}
	if text := fmt.Sprint(got); !strings.Contains(text, "310 311 312 313 314 315 316 317 318 319 ") ||
		!strings.Contains(text, "3bye 4 ") {
		t.Errorf("got %s", text)
	}
	old.CloseWrite()
	old.expectEnd() // nothing came behind Drain
	s.holdNone()
}

func TestClientsOfTheLastBusinessWorkerWaitUntilItHasFinished(t *testing.T) {
	s := linkServe(t, nil)
	old := s.linkWM("BW:0")
	c := linkDial(t, s.Addr("Gateway"))
	old.expect(wire.OnConnect, "")
	old.send(wire.Packet{Command: wire.Drain})
	old.expect(wire.Drain, "")
	c.sendRaw(holdLines(0, 10))
	stranger := linkDial(t, s.Addr("Gateway"))
	s.Advance(15 * time.Second)
	stranger.expectEnd() // nobody knew of it
	old.send(wire.Packet{Command: wire.Drained})
	old.Close()
	s.Advance(9 * time.Second)
	next := s.linkNow("BW:0.1")
	next.holdExpect(0, 10)
	s.holdNone()
}

func TestALinkThatDoesNotReadHoldsItsClientsOnly(t *testing.T) {
	s := linkServe(t, func(g *Gateway) { g.SendToWorkerBuffer = 256 << 10 })
	stuck := s.link("BW:0")
	a := linkDial(t, s.Addr("Gateway"))
	stuck.expect(wire.OnConnect, "")
	quick := s.link("BW:1")
	b := linkDial(t, s.Addr("Gateway"))
	quick.expect(wire.OnConnect, "")
	const lines = 20000
	padding := append(bytes.Repeat([]byte(" "), 500), '\n')
	sent := make(chan error, 1)
	go func() { // ends when the Gateway has read all
		a.SetWriteDeadline(time.Now().Add(time.Minute))
		_, err := a.Write(bytes.ReplaceAll(holdLines(0, lines), []byte("\n"), padding))
		sent <- err
	}()
	for n := range 100 {
		b.sendRaw(holdLines(n, 1))
		quick.holdExpect(n, 1)
	}
	s.do(func(p *process) {
		if n := p.links.list[0].conn.SendQueueSize(); n > 1<<20 {
			t.Errorf("%d bytes wait for the link", n)
		}
	})
	for n := range lines {
		stuck.expect(wire.OnMessage, strconv.Itoa(n)+string(padding[:500]))
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	s.holdNone()
}
