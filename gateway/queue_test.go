package gateway

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
)

func TestOrderPerClientOnGoroutines(t *testing.T) {
	const clients, each = 100, 100
	g := newRigGateway(t, true)
	var running, most atomic.Int64
	r := runBusiness(t, func(b *BusinessWorker) {
		b.Concurrency = 8
		b.OnMessage = func(e *Event, m []byte) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			n := e.Session.Int("n")
			e.Session.Set("n", n+1)
			rigErr(t, e.Send(fmt.Sprintf("%s %d", m, n)), nil)
		}
	}, g)
	l := g.link()
	go func() { // ends when all are sent
		for n := range each {
			for c := range clients {
				l.event(wire.OnMessage, uint32(c+1), fmt.Sprint(n))
			}
		}
	}()
	var next [clients]int
	for range clients * each {
		pk := l.next()
		c := pk.ConnectionID - 1
		if want := fmt.Sprintf("%d %d", next[c], next[c]); string(pk.Body) != want {
			t.Fatalf("client %d: got %s, want %s", c+1, pk.Body, want)
		}
		next[c]++
	}
	if n := most.Load(); n < 2 || n > 8 {
		t.Errorf("%d handlers ran at once", n)
	}
	for c := range uint32(clients) {
		rigEventually(t, "the last session is stored", func() bool {
			return g.session(c+1) == ser("n", each)
		})
	}
	r.until("nothing is left", func() bool { return len(r.b.run.links.links[g.address()].seats) == 0 })
}

func TestSlowClientsDoNotHoldUpOthers(t *testing.T) {
	g := newRigGateway(t, true)
	hold := make(chan struct{})
	runBusiness(t, func(b *BusinessWorker) {
		b.Concurrency = 2
		b.OnMessage = func(e *Event, m []byte) {
			if string(m) == "slow" {
				<-hold
			}
			rigErr(t, e.Send(m), nil)
		}
	}, g)
	l := g.link()
	l.event(wire.OnMessage, 1, "slow")
	l.event(wire.OnMessage, 1, "behind")
	for range 10 {
		l.event(wire.OnMessage, 2, "quick")
		l.expect(wire.SendToOne, 2, "quick")
	}
	close(hold)
	l.expect(wire.SendToOne, 1, "slow")
	l.expect(wire.SendToOne, 1, "behind")
}

func TestTheBacklogOfEventsIsBounded(t *testing.T) {
	const events, size, bound = 400, 10_000, 100_000
	g := newRigGateway(t, true)
	hold := make(chan struct{})
	r := runBusiness(t, func(b *BusinessWorker) {
		b.Concurrency, b.QueueBytes = 2, bound
		b.OnMessage = func(e *Event, m []byte) {
			<-hold
			rigErr(t, e.Send(m[:4]), nil)
		}
	}, g)
	l := g.link()
	var sent sync.WaitGroup
	sent.Go(func() {
		for n := range events {
			l.event(wire.OnMessage, uint32(n%3+1), fmt.Sprintf("%04d%s", n, strings.Repeat("x", size)))
		}
	})
	r.until("reading has stopped", func() bool { return r.b.run.queue.paused })
	r.until("what was read waits", func() bool { return r.b.run.queue.bytes >= bound })
	r.loop(func() {
		// One more than fits may have come; the rest stays with the connection and
		// the kernel.
		if n := r.b.run.queue.bytes; n > bound+size+arrivalBytes {
			t.Errorf("%d bytes wait, at most %d", n, bound)
		}
	})
	close(hold)
	next := [3]int{0, 1, 2}
	for range events {
		pk := l.next()
		c := pk.ConnectionID - 1
		if want := fmt.Sprintf("%04d", next[c]); string(pk.Body) != want {
			t.Fatalf("client %d: got %s, want %s", c+1, pk.Body, want)
		}
		next[c] += 3
	}
	sent.Wait()
}

func TestALinkThatComesBackWhilePausedIsPaused(t *testing.T) {
	g := newRigGateway(t, true)
	hold := make(chan struct{})
	r := runBusiness(t, func(b *BusinessWorker) {
		b.Concurrency, b.QueueBytes = 2, 1
		b.OnMessage = func(e *Event, m []byte) {
			<-hold
			_ = e.Send(m) // the first link is gone by then
		}
	}, g)
	l := g.link()
	for n := range 4 {
		l.event(wire.OnMessage, 1, fmt.Sprint(n))
	}
	r.until("reading has stopped", func() bool { return r.b.run.queue.paused })
	l.conn.Close()
	r.until("the link is gone", func() bool {
		r.b.run.links.links[g.address()].conn.Destroy() // nobody reads its end
		return !r.b.run.links.links[g.address()].standing
	})
	r.Advance(redial)
	l = g.link()
	l.event(wire.OnMessage, 1, "again")
	r.until("it stands", func() bool { return r.b.run.links.links[g.address()].standing })
	close(hold)
	for {
		if string(l.next().Body) == "again" {
			return
		}
	}
}
