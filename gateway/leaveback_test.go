package gateway

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// drainNow answers Drain as a Gateway that has others.
func (l *rigLink) drainNow() {
	l.expect(wire.Drain, 0, "")
	l.write(wire.Packet{Command: wire.Drain, Flag: wire.Scalar | wire.TakesBack})
}

func TestLeavingGivesBackWhatHasNotBegun(t *testing.T) {
	g := newRigGateway(t, true)
	const atOnce = 4
	var handled atomic.Int64
	stopped := make(chan int64, 1)
	began, hold := make(chan struct{}, leaveEvents), make(chan struct{})
	r := runBusiness(t, func(b *BusinessWorker) {
		leaver(atOnce, &handled, stopped)(b)
		b.QueueBytes = 64 << 10 // more waits in the connection
		echo := b.OnMessage
		b.OnMessage = func(e *Event, m []byte) {
			began <- struct{}{}
			<-hold
			echo(e, m)
		}
	}, g)
	l := g.link()
	var sent sync.WaitGroup
	sent.Go(func() {
		for n := range leaveEvents {
			l.leaveEvent(n)
		}
	})
	for range atOnce {
		rigGet(t, began, "a handler")
	}
	r.until("reading has stopped", func() bool { return r.b.run.queue.paused })
	r.stop()
	sent.Wait()
	l.drainNow()
	next := [leaveClients]int{}
	for c := range next {
		if next[c] = c; c < atOnce {
			next[c] += leaveClients // is being handled
		}
	}
	for range leaveEvents - atOnce { // although the handlers do not end
		pk := l.next()
		c := pk.ConnectionID - 1
		if want := fmt.Sprint(next[c]); pk.Command != wire.Return || string(pk.Body) != want ||
			pk.GatewayPort != uint16(wire.OnMessage) || pk.Flag != wire.Scalar ||
			pk.ClientIP != 0x0a000007 || pk.ClientPort != 54321 {
			t.Fatalf("client %d: got %+v with %s, want %s", c+1, pk, pk.Body, want)
		}
		next[c] += leaveClients
	}
	close(hold)
	for range atOnce {
		if pk := l.next(); pk.Command != wire.SendToOne {
			t.Errorf("got command %d", pk.Command)
		}
	}
	l.expect(wire.Drained, 0, "")
	l.expect(wire.SendToAll, 0, "leaving")
	l.expectEnd()
	if n := rigGet(t, stopped, "OnWorkerStop"); n != atOnce {
		t.Errorf("OnWorkerStop was called after %d events", n)
	}
	for c := range uint32(atOnce) {
		if s := g.session(c + 1); s != ser("last", fmt.Sprint(c)) {
			t.Errorf("client %d: the session is %s", c+1, s)
		}
	}
}

func TestLeavingGivesBackWhatComesUntilDrainIsAnswered(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		g := newRigGateway(t, true)
		g.still.Store(true) // no answers to probes
		r := runBusiness(t, func(b *BusinessWorker) {
			b.Concurrency = n
			b.OnMessage = func(e *Event, m []byte) {
				e.Session.Set("last", string(m))
				rigErr(t, e.Send(m), nil)
			}
		}, g)
		l := g.link()
		l.event(wire.OnMessage, 1, "first")
		session := ser("last", "first")
		for _, what := range []wire.Command{wire.SendToOne, wire.SetSession} {
			if pk := l.next(); pk.Command != what {
				t.Fatalf("got command %d, want %d", pk.Command, what)
			}
		}
		if pk := l.next(); pk.Command != wire.IsOnline && pk.Command != wire.GetSessionByClientID {
			t.Fatalf("got command %d, want a question", pk.Command)
		}
		r.stop()
		l.expect(wire.Drain, 0, "")
		l.event(wire.OnMessage, 1, "second") // without the session of the first
		l.event(wire.OnClose, 1, "")         // although there is no callback for it
		l.event(wire.OnConnect, 2, "")
		l.write(wire.Packet{Command: wire.Drain, Flag: wire.Scalar | wire.TakesBack})
		for _, want := range []struct {
			what    wire.Command
			client  uint32
			session string
			body    string
		}{
			{wire.OnMessage, 1, session, "second"}, {wire.OnClose, 1, session, ""},
			{wire.OnConnect, 2, "", ""},
		} {
			pk := l.expect(wire.Return, want.client, want.body)
			if pk.GatewayPort != uint16(want.what) || string(pk.Ext) != want.session {
				t.Errorf("returned %d with session %q, want %+v", pk.GatewayPort, pk.Ext, want)
			}
		}
		l.expect(wire.Drained, 0, "")
		l.write(wire.Packet{Command: wire.Drained, Flag: wire.Scalar}) // it has taken them
		l.expectEnd()
	})
}

func TestLeavingGivesBackTheRestWhenTimeIsOver(t *testing.T) {
	g := newRigGateway(t, true)
	began, hold := make(chan struct{}), make(chan struct{})
	defer close(hold)
	r := runBusiness(t, func(b *BusinessWorker) {
		b.Concurrency = 2
		b.Life.StopTimeout = 2 * rigPatience
		b.OnMessage = func(*Event, []byte) {
			close(began)
			<-hold
		}
	}, g)
	l := g.link()
	l.event(wire.OnMessage, 1, "at work")
	l.event(wire.OnMessage, 1, "waits")
	rigWait(t, began)
	r.until("the second waits", func() bool { return r.b.run.links.links[g.address()].under == 2 })
	r.stop()
	l.expect(wire.Drain, 0, "")
	l.write(wire.Packet{Command: wire.Drain, Flag: wire.Scalar}) // nobody else is there
	r.until("Drain was read", func() bool {
		return r.b.run.links.links[g.address()].farewell.stage == told
	})
	r.Advance(2 * rigPatience * leaveShare / 100)
	l.expect(wire.Return, 1, "waits")
	l.expectEnd()
	r.ExpectLog("1 events are not handled; 1 have gone back to their Gateways")
}

// Callbacks on the loop go on for turnTime, and not for all that was read at once.
func TestLeavingIsNoticedBetweenCallbacks(t *testing.T) {
	g := newRigGateway(t, true)
	var handled atomic.Int64
	stopped := make(chan int64, 1)
	r := runBusiness(t, func(b *BusinessWorker) {
		leaver(1, &handled, stopped)(b)
		echo := b.OnMessage
		b.OnMessage = func(e *Event, m []byte) {
			echo(e, m)
			worker.StopAll(0, "the test is over")
		}
	}, g)
	l := g.link()
	r.loop(func() { r.b.run.turn = 1 })
	var all []byte
	for n := range leaveClients {
		pk := g.packet(wire.OnMessage, uint32(n+1), "", fmt.Sprint(n))
		all = pk.Append(all)
	}
	l.raw(all)
	l.expect(wire.SendToOne, 1, "0")
	l.drainNow()
	for n := 1; n < leaveClients; n++ {
		l.expect(wire.Return, uint32(n+1), fmt.Sprint(n))
	}
	l.expect(wire.Drained, 0, "")
	if n := rigGet(t, stopped, "OnWorkerStop"); n != 1 {
		t.Errorf("%d events were handled", n)
	}
}

// All that could have handled what went back leave too.
func TestLeavingHandlesWhatIsHandedBack(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		g := newRigGateway(t, true)
		var handled atomic.Int64
		stopped := make(chan int64, 1)
		r := runBusiness(t, leaver(n, &handled, stopped), g)
		l := g.link()
		l.refuses.Store(true)
		r.stop()
		l.expect(wire.Drain, 0, "")
		for n := range leaveClients {
			l.leaveEvent(n)
		}
		l.write(wire.Packet{Command: wire.Drain, Flag: wire.Scalar | wire.TakesBack})
		for n := range leaveClients {
			l.expect(wire.Return, uint32(n+1), fmt.Sprint(n))
		}
		l.expect(wire.Drained, 0, "")
		for n := range leaveClients {
			l.leaveEvent(n)
		}
		l.write(wire.Packet{Command: wire.Drain, Flag: wire.Scalar})
		for range leaveClients {
			if pk := l.next(); pk.Command != wire.SendToOne {
				t.Errorf("got command %d", pk.Command)
			}
		}
		l.expect(wire.Drained, 0, "")
		if n := rigGet(t, stopped, "OnWorkerStop"); n != leaveClients {
			t.Errorf("%d events were handled", n)
		}
	})
}

func TestEventsThatWaitToLeaveShareTheirSession(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		g := newRigGateway(t, true)
		g.still.Store(true) // no answers to probes
		r := runBusiness(t, func(b *BusinessWorker) {
			b.Concurrency = n
			b.OnMessage = func(e *Event, _ []byte) { e.Session.Set("n", e.Session.Int("n")+1) }
		}, g)
		l := g.link()
		r.stop()
		l.expect(wire.Drain, 0, "")
		for range 3 {
			l.event(wire.OnMessage, 1, "count") // each with the session of before
		}
		l.write(wire.Packet{Command: wire.Drain, Flag: wire.Scalar}) // nobody else is there
		for n := range 3 {
			pk := l.next()
			if want := ser("n", n+1); pk.Command != wire.SetSession || string(pk.Ext) != want {
				t.Errorf("event %d: got command %d with %s, want %s", n, pk.Command, pk.Ext, want)
			}
		}
		l.expect(wire.Drained, 0, "")
	})
}
