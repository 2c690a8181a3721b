package gateway

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// echoing answers each message.
func echoing(b *BusinessWorker) {
	b.OnMessage = func(e *Event, message []byte) {
		if err := e.Send("re: " + string(message)); err != nil {
			worker.Log("Send: %v", err)
		}
	}
}

func TestLinkSaysWhoItIsFirst(t *testing.T) {
	g := newRigGateway(t, true)
	runBusiness(t, func(b *BusinessWorker) {
		echoing(b)
		b.Name, b.SecretKey = "chat", "s3"
	}, g)
	l := g.link()
	if l.hello.Command != wire.WorkerConnect || l.hello.Flag != wire.Scalar ||
		string(l.hello.Body) != `{"worker_key":"chat:0","secret_key":"s3","wm":1}` {
		t.Errorf("hello: %d %q", l.hello.Command, l.hello.Body)
	}
	l.event(wire.OnMessage, 7, "hi")
	l.expect(wire.SendToOne, 7, "re: hi")
}

func TestEveryNamedGatewayIsLinkedOnce(t *testing.T) {
	a, b := newRigGateway(t, true), newRigGateway(t, false)
	r := runBusiness(t, echoing, a)
	a.link()
	r.name(a, b)
	r.name(a, b)
	b.link()
	r.until("both are linked", func() bool {
		named, linked := r.b.run.links.gateways()
		return len(named) == 2 && len(linked) == 2
	})
	if len(a.links)+len(b.links) > 0 {
		t.Error("a Gateway was dialled twice")
	}
}

func TestLinkComesBackWhileItIsNamed(t *testing.T) {
	g := newRigGateway(t, true)
	r := runBusiness(t, echoing, g)
	first := g.link()
	first.conn.Close()
	r.until("the link is gone", func() bool {
		_, linked := r.b.run.links.gateways()
		return len(linked) == 0
	})
	rigErr(t, r.b.run.links.send(g.address(), make([]byte, wire.HeaderBytes)), ErrOffline)
	r.Advance(redial)
	second := g.link()
	second.event(wire.OnMessage, 1, "again")
	second.expect(wire.SendToOne, 1, "re: again")
}

func TestUnnamedLinkStaysButIsNotDialledAgain(t *testing.T) {
	g := newRigGateway(t, true)
	r := runBusiness(t, echoing, g)
	l := g.link()
	r.name()
	l.event(wire.OnMessage, 1, "still")
	l.expect(wire.SendToOne, 1, "re: still")
	l.conn.Close()
	r.until("it is forgotten", func() bool { return len(r.b.run.links.links) == 0 })
	r.Advance(10 * redial)
	if len(g.links) > 0 {
		t.Error("a Gateway that nobody names was dialled")
	}
	r.name(g)
	g.link()
}

func TestGatewayThatIsGoneIsNotDialled(t *testing.T) {
	g := newRigGateway(t, true)
	r := runBusiness(t, echoing, g)
	g.link()
	g.close()
	r.until("the link is gone", func() bool {
		l := r.b.run.links.links[g.address()]
		return l != nil && !l.standing
	})
	r.name() // while it waits to dial again
	r.until("it is forgotten", func() bool { return len(r.b.run.links.links) == 0 })
}

func TestAGatewayThatRefusesIsToldOfOnce(t *testing.T) {
	g := newRigGateway(t, true)
	g.deaf.Store(true)
	r := runBusiness(t, func(b *BusinessWorker) { echoing(b) }, g)
	l := func() *uplink { return r.b.run.links.links[g.address()] }
	lives := func(n int) {
		r.until(fmt.Sprintf("life %d has ended", n), func() bool {
			return l().short >= n && !l().standing
		})
	}
	var said []time.Time // when there was a line
	for n := 1; n < 5; n++ {
		lives(n)
		r.loop(func() {
			last := time.Time{}
			for _, at := range r.b.run.links.said.last {
				last = at
			}
			said = append(said, last)
		})
		r.Advance(redial)
	}
	if !said[0].IsZero() || said[1].IsZero() || said[2] != said[1] || said[3] != said[1] {
		t.Errorf("lines at %v, want one for the second time and no more", said)
	}
}

func TestTooLargePacketsAreRefusedAtTheSender(t *testing.T) {
	g := newRigGateway(t, true)
	errs := make(chan error, 2)
	runBusiness(t, func(b *BusinessWorker) {
		b.OnMessage = func(e *Event, message []byte) {
			errs <- e.Send(strings.Repeat("x", wire.MaxPacketBytes-wire.HeaderBytes+1))
			errs <- e.Send(strings.Repeat("x", wire.MaxPacketBytes-wire.HeaderBytes))
		}
	}, g)
	l := g.link()
	l.event(wire.OnMessage, 1, "")
	rigErr(t, rigGet(t, errs, "result"), ErrTooLarge)
	rigErr(t, rigGet(t, errs, "result"), nil)
	if pk := l.next(); pk.Len() != wire.MaxPacketBytes {
		t.Errorf("got %d bytes", pk.Len())
	}
}

// stuffed fills the buffer for a Gateway that does not read.
func stuffed(t *testing.T, r *rig, address string) (sent int) {
	t.Helper()
	packet := (&wire.Packet{Command: wire.SendToAll, Flag: wire.Scalar,
		Body: make([]byte, 100<<10)}).Append(nil)
	for {
		err := r.b.run.links.send(address, packet)
		if err != nil {
			rigErr(t, err, worker.ErrBufferFull)
			return sent
		}
		if sent++; sent > 10_000 {
			t.Fatal("the buffer has no end")
		}
	}
}

// silentGateway accepts, and reads what it is told to.
func silentGateway(t *testing.T, r *rig) (conn net.Conn, address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	address = ln.Addr().String()
	r.loop(func() { r.b.run.links.changed([]string{address}) })
	if conn, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r.until("it is linked", func() bool {
		_, linked := r.b.run.links.gateways()
		return len(linked) == 1
	})
	return conn, address
}

// rigFlush flushes the link to one Gateway.
func rigFlush(r *rig, address string, within time.Duration) (err error) {
	r.b.run.links.flush([]string{address}, time.Now().Add(within),
		func(_ int, late error) { err = late })
	return err
}

func TestAGatewayThatReadsNothingIsTheOnlyOneMissing(t *testing.T) {
	for _, where := range []string{"loop", "goroutine"} {
		t.Run(where, func(t *testing.T) {
			g := newAPIGateway(t)
			g.on(wire.GetClientCountByGroup, "i:2;")
			r := runBusiness(t, func(b *BusinessWorker) {
				echoing(b)
				b.SendToGatewayBuffer = 1 << 20
			})
			_, frozen := silentGateway(t, r)
			ask := func() {
				c := r.b.run.cluster
				c.Timeout = apiShort
				n, err := c.AllClientCount(context.Background())
				if n != 2 {
					t.Errorf("%d clients", n)
				}
				apiMissing(t, err, ErrTimeout, frozen)
			}
			r.loop(func() {
				links := r.b.run.links
				links.mu.Lock()
				links.named = []string{frozen, g.address} // the latter has no link yet
				links.mu.Unlock()
				stuffed(t, r, frozen)
				if where == "loop" {
					ask()
				}
			})
			if where == "goroutine" {
				ask()
			}
		})
	}
}

func TestAFullBufferIsAnErrorAndGoesOnLater(t *testing.T) {
	for _, where := range []string{"loop", "goroutine"} {
		t.Run(where, func(t *testing.T) {
			r := runBusiness(t, func(b *BusinessWorker) {
				echoing(b)
				b.SendToGatewayBuffer = 1 << 20
			})
			conn, address := silentGateway(t, r)
			sent := 0
			if where == "loop" {
				r.loop(func() { sent = stuffed(t, r, address) })
				rigErr(t, rigFlush(r, address, time.Millisecond), ErrTimeout)
			} else { // the kernel may have room for what waits for the loop
				sent = stuffed(t, r, address)
			}
			got := make(chan int)
			go func() { // ends with conn
				n := 0
				for {
					if _, err := rigRead(conn); err != nil {
						got <- n
						return
					}
					n++
				}
			}()
			rigErr(t, rigFlush(r, address, rigPatience), nil)
			rigErr(t, r.b.run.links.send(address,
				(&wire.Packet{Command: wire.SendToAll}).Append(nil)), nil)
			rigErr(t, rigFlush(r, address, rigPatience), nil)
			r.loop(func() { r.b.run.links.links[address].conn.Close() })
			if n := rigGet(t, got, "count"); n != sent+2 { // and the hello
				t.Errorf("%d packets arrived of %d", n, sent+2)
			}
		})
	}
}

func TestFlushOnTheLoopGetsABacklogThrough(t *testing.T) {
	r := runBusiness(t, func(b *BusinessWorker) {
		echoing(b)
		b.SendToGatewayBuffer = 1 << 20
	})
	conn, address := silentGateway(t, r)
	go func() { // ends with conn
		for {
			if _, err := rigRead(conn); err != nil {
				return
			}
		}
	}()
	r.loop(func() {
		packet := (&wire.Packet{Command: wire.SendToAll, Body: make([]byte, 8<<20)}).Append(nil)
		rigErr(t, r.b.run.links.send(address, packet), nil)
		rigErr(t, rigFlush(r, address, rigPatience), nil)
		if n := r.b.run.links.links[address].conn.SendQueueSize(); n > 0 {
			t.Errorf("%d bytes wait", n)
		}
	})
}

func TestFlushEndsWithTheLink(t *testing.T) {
	r := runBusiness(t, func(b *BusinessWorker) {
		echoing(b)
		b.SendToGatewayBuffer = 1 << 20
	})
	conn, address := silentGateway(t, r)
	r.loop(func() { stuffed(t, r, address) })
	done := make(chan error, 1)
	go func() { done <- rigFlush(r, address, rigPatience) }() // ends with the link
	r.until("it waits", func() bool { return len(r.b.run.links.links[address].flushed) > 0 })
	conn.Close()
	rigErr(t, rigGet(t, done, "end of flush"), nil)
}

func TestSendsOfOneGoroutineKeepTheirOrder(t *testing.T) {
	const goroutines, each = 8, 500
	g := newRigGateway(t, true)
	r := runBusiness(t, echoing, g)
	l := g.link()
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() {
			for n := range each {
				pk := wire.Packet{Command: wire.SendToOne, ConnectionID: uint32(i),
					Body: fmt.Appendf(nil, "%d", n)}
				if err := r.b.run.links.send(g.address(), pk.Append(nil)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	next := make([]int, goroutines)
	for range goroutines * each {
		pk := l.next()
		if want := fmt.Sprint(next[pk.ConnectionID]); string(pk.Body) != want {
			t.Fatalf("goroutine %d: got %s, want %s", pk.ConnectionID, pk.Body, want)
		}
		next[pk.ConnectionID]++
	}
}

func TestAMalformedPacketEndsThatLinkOnly(t *testing.T) {
	bad, good := newRigGateway(t, true), newRigGateway(t, true)
	r := runBusiness(t, echoing, bad, good)
	l, other := bad.link(), good.link()
	l.raw([]byte{0, 0, 0, 28, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9, 9})
	l.expectEnd()
	other.event(wire.OnMessage, 1, "x")
	other.expect(wire.SendToOne, 1, "re: x")
	r.Advance(redial)
	again := bad.link()
	again.raw([]byte{0, 0, 0, 3})
	again.expectEnd()
}

func TestReadyWhenAllNamedGatewaysAreLinked(t *testing.T) {
	a, b := newRigGateway(t, true), newRigGateway(t, false)
	released := make(chan bool, 1)
	r := runBusiness(t, echoing)
	r.loop(func() {
		r.b.run.ready = func() { released <- true }
		timer.After(time.Hour, func() {}) // so that Advance has something to do
	})
	r.name(a, b)
	a.link()
	b.link()
	r.until("a has welcomed", func() bool { return r.b.run.links.links[a.address()].settled })
	if len(released) > 0 {
		t.Fatal("ready before it is known whether b is of PHP")
	}
	r.Advance(welcomeWait)
	rigGet(t, released, "ready")
}

func TestReadyAfterReadyWait(t *testing.T) {
	b := NewBusinessWorker()
	if b.ReadyWait != 5*time.Second {
		t.Errorf("ReadyWait is %v", b.ReadyWait)
	}
	// Run returns when it is ready.
	runBusiness(t, func(b *BusinessWorker) {
		echoing(b)
		b.ReadyWait = 10 * time.Millisecond
	})
}
