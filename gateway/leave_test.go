package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// leaver is a BusinessWorker that echoes and says when it has stopped.
func leaver(n int, handled *atomic.Int64, stopped chan int64) func(b *BusinessWorker) {
	return func(b *BusinessWorker) {
		b.Concurrency = n
		b.Life.StopTimeout = 2 * rigPatience
		b.OnMessage = func(e *Event, m []byte) {
			e.Session.Set("last", string(m))
			if err := e.Send(m); err != nil {
				worker.Log("Send: %v", err)
			}
			handled.Add(1)
		}
		b.OnWorkerStop = func(*worker.Worker) {
			stopped <- handled.Load()
			if err := SendToAll("leaving"); err != nil {
				worker.Log("SendToAll: %v", err)
			}
		}
	}
}

const leaveClients, leaveEvents = 50, 5000

// leaveEvent is the n-th of them.
func (l *rigLink) leaveEvent(n int) {
	l.event(wire.OnMessage, uint32(n%leaveClients+1), fmt.Sprint(n))
}

// leaveOrder checks that every client has got its answers in order.
type leaveOrder struct {
	t    *testing.T
	next [leaveClients]int
	n    int
}

func newLeaveOrder(t *testing.T) *leaveOrder {
	o := &leaveOrder{t: t}
	for c := range o.next {
		o.next[c] = c
	}
	return o
}

func (o *leaveOrder) got(pk wire.Packet) {
	o.t.Helper()
	c := pk.ConnectionID - 1
	if want := fmt.Sprint(o.next[c]); string(pk.Body) != want {
		o.t.Fatalf("client %d: got %q, want %s", c+1, pk.Body, want)
	}
	o.next[c] += leaveClients
	o.n++
}

func TestLeavingAGatewayOfWMLosesNothing(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		g := newRigGateway(t, true)
		var handled atomic.Int64
		stopped := make(chan int64, 1)
		r := runBusiness(t, leaver(n, &handled, stopped), g)
		l := g.link()
		go func() { // ends when all are sent
			for n := range leaveEvents {
				if n == leaveEvents/2 {
					r.stop()
				}
				l.leaveEvent(n)
			}
			l.write(wire.Packet{Command: wire.Drain, Flag: wire.Scalar})
		}()
		order, asked, drained := newLeaveOrder(t), false, false
		for pk := range l.packets {
			switch pk.Command {
			case wire.Drain:
				asked = true
			case wire.Drained:
				drained = true
			case wire.SendToOne:
				order.got(pk)
				if drained {
					t.Error("a result came behind Drained")
				}
			case wire.SendToAll:
				if !drained {
					t.Error("OnWorkerStop was called before the link was empty")
				}
			}
		}
		if order.n != leaveEvents || !asked || !drained {
			t.Errorf("%d results, Drain %v, Drained %v", order.n, asked, drained)
		}
		if n := rigGet(t, stopped, "OnWorkerStop"); n != leaveEvents {
			t.Errorf("OnWorkerStop was called after %d events", n)
		}
		for c := range uint32(leaveClients) {
			want := ser("last", fmt.Sprint(leaveEvents-leaveClients+int(c)))
			if s := g.session(c + 1); s != want {
				t.Errorf("client %d: the session is %s, want %s", c+1, s, want)
			}
		}
	})
}

func TestLeavingAGatewayOfPHPLosesNothing(t *testing.T) {
	eachConcurrency(t, func(t *testing.T, n int) {
		g := newRigGateway(t, false)
		g.lazy.Store(true)
		var handled atomic.Int64
		stopped := make(chan int64, 1)
		r := runBusiness(t, func(b *BusinessWorker) {
			leaver(n, &handled, stopped)(b)
			b.SecretKey = "s3"
		}, g)
		l := g.link()
		r.until("it is known to be PHP", func() bool {
			r.b.run.turn = 1 // each callback is followed by a rest
			r.b.run.links.links[g.address()].settle(false)
			return true
		})
		for n := range leaveEvents / 2 {
			l.leaveEvent(n)
		}
		r.stop()
		for n := leaveEvents / 2; n < leaveEvents; n++ { // until it reads the end
			l.leaveEvent(n)
		}
		order := newLeaveOrder(t)
		for pk := range l.packets {
			order.got(pk)
		}
		first := order.n
		l.conn.Close() // as PHP does then
		g.lazy.Store(false)
		if first == 0 {
			t.Error("no results came over the link")
		}
		aside := g.link()
		if aside.hello.Command != wire.GatewayClientConnect ||
			string(aside.hello.Body) != `{"secret_key":"s3"}` {
			t.Errorf("hello: %d %q", aside.hello.Command, aside.hello.Body)
		}
		for pk := range aside.packets {
			if pk.Command == wire.SendToOne {
				order.got(pk)
			}
		}
		if order.n != leaveEvents {
			t.Errorf("%d results, %d of them over the link, want %d", order.n, first, leaveEvents)
		}
		if n := rigGet(t, stopped, "OnWorkerStop"); n != leaveEvents {
			t.Errorf("OnWorkerStop was called after %d events", n)
		}
		if s := g.session(1); s != ser("last", fmt.Sprint(leaveEvents-leaveClients)) {
			t.Errorf("the session of client 1 is %s", s)
		}
	})
}

func TestLeavingWaitsForHandlers(t *testing.T) {
	for _, wm := range []bool{true, false} {
		t.Run(fmt.Sprintf("wm %v", wm), func(t *testing.T) {
			g := newRigGateway(t, wm)
			began, hold := make(chan struct{}), make(chan struct{})
			r := runBusiness(t, func(b *BusinessWorker) {
				b.Concurrency = 2
				b.Life.StopTimeout = 2 * rigPatience
				b.OnMessage = func(e *Event, m []byte) {
					close(began)
					<-hold
					rigErr(t, e.Send(m), nil)
					rigErr(t, e.Context().Err(), nil)
				}
			}, g)
			l := g.link()
			r.loop(func() { r.b.run.links.links[g.address()].settle(wm) })
			l.event(wire.OnMessage, 1, "work")
			rigWait(t, began)
			r.stop()
			if wm {
				l.expect(wire.Drain, 0, "")
				l.write(wire.Packet{Command: wire.Drain, Flag: wire.Scalar})
			}
			close(hold)
			l.expect(wire.SendToOne, 1, "work")
			if wm {
				l.expect(wire.Drained, 0, "")
			}
			l.expectEnd()
		})
	}
}

func rigWait(t *testing.T, done chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(rigPatience):
		t.Fatal("not in time")
	}
}

func TestLeavingEndsInTime(t *testing.T) {
	g := newRigGateway(t, true)
	began := make(chan struct{})
	stopped := make(chan bool, 1)
	r := runBusiness(t, func(b *BusinessWorker) {
		b.Concurrency = 2
		b.Life.StopTimeout = time.Hour
		b.OnMessage = func(e *Event, _ []byte) {
			ctx := e.Context()
			close(began)
			<-ctx.Done() // nothing else ends it
		}
		b.OnWorkerStop = func(*worker.Worker) { stopped <- true }
	}, g)
	l := g.link()
	l.event(wire.OnMessage, 1, "for ever")
	l.event(wire.OnMessage, 1, "never")
	rigWait(t, began)
	r.until("the second waits", func() bool { return r.b.run.links.links[g.address()].under == 2 })
	r.stop()
	l.expect(wire.Drain, 0, "") // and no answer
	r.Advance(time.Hour * leaveShare / 100)
	r.ExpectLog("1 events are not handled; 1 have gone back to their Gateways")
	l.expect(wire.Return, 1, "never")
	rigGet(t, stopped, "OnWorkerStop")
	l.expectEnd()
}

func TestLeavingWithoutLinksEndsAtOnce(t *testing.T) {
	nobody := newRigGateway(t, true)
	nobody.close()
	stopped := make(chan bool, 1)
	r := runBusiness(t, func(b *BusinessWorker) {
		echoing(b)
		b.OnWorkerStart = func(w *worker.Worker) error {
			w.OnWorkerStop = func(*worker.Worker) { stopped <- true } // set late
			return nil
		}
	}, nobody)
	r.stop()
	rigGet(t, stopped, "OnWorkerStop")
}

func TestLeavingWhenTheGatewayGoesFirst(t *testing.T) {
	g := newRigGateway(t, true)
	stopped := make(chan bool, 1)
	r := runBusiness(t, func(b *BusinessWorker) {
		echoing(b)
		b.OnWorkerStop = func(*worker.Worker) { stopped <- true }
	}, g)
	l := g.link()
	l.event(wire.OnMessage, 1, "x")
	l.expect(wire.SendToOne, 1, "re: x")
	r.stop()
	l.expect(wire.Drain, 0, "")
	g.close()
	rigGet(t, stopped, "OnWorkerStop")
}

func TestLeavingSendsABacklogFirst(t *testing.T) {
	const size = 8 << 20
	r := runBusiness(t, func(b *BusinessWorker) {
		echoing(b)
		b.Life.StopTimeout = 2 * rigPatience
		b.OnWorkerStop = func(*worker.Worker) {
			rigErr(t, SendToAll(strings.Repeat("x", size)), nil)
		}
	})
	conn, address := silentGateway(t, r)
	r.loop(func() { r.b.run.links.links[address].settle(true) })
	r.stop()
	rigErr(t, conn.SetDeadline(time.Now().Add(rigPatience)), nil)
	for {
		pk, err := rigRead(conn)
		if err != nil {
			t.Fatal(err)
		}
		if pk.Command == wire.Drain {
			_, _ = conn.Write(pk.Append(nil))
		}
		if pk.Command == wire.SendToAll {
			if len(pk.Body) != size {
				t.Errorf("%d bytes", len(pk.Body))
			}
			break
		}
	}
	if _, err := rigRead(conn); err == nil {
		t.Error("something follows")
	} else if _, late := err.(net.Error); late {
		t.Error("the link does not end")
	}
}

func TestNothingIsLeftOfTheClientOfAProcessThatHasLeft(t *testing.T) {
	g := newRigGateway(t, true)
	r := runBusiness(t, func(b *BusinessWorker) { b.OnMessage = func(*Event, []byte) {} }, g)
	g.link()
	r.stop()
	rigEventually(t, "the Client is closed", func() bool {
		return errors.Is(r.b.run.cluster.SendToAll(context.Background(), "x"), ErrClosed)
	})
}

// The Gateway answers a probe when it comes to it, which may be when this process has
// gone: the kernel must not throw away what it has not sent by then.
func TestLeavingIsNotCutShortByAnAnswer(t *testing.T) {
	const size = 8 << 20
	r := runBusiness(t, func(b *BusinessWorker) {
		echoing(b)
		b.Life.StopTimeout = 2 * rigPatience
		b.OnWorkerStop = func(*worker.Worker) {
			rigErr(t, SendToAll(strings.Repeat("x", size)), nil)
		}
	})
	conn, address := silentGateway(t, r)
	rigErr(t, conn.(*net.TCPConn).SetReadBuffer(64<<10), nil)
	r.loop(func() { r.b.run.links.links[address].settle(true) })
	r.stop()
	rigErr(t, conn.SetDeadline(time.Now().Add(rigPatience)), nil)
	for what := wire.Command(0); what != wire.Drained; {
		pk, err := rigRead(conn)
		if err != nil {
			t.Fatal(err)
		}
		if what = pk.Command; what == wire.Drain {
			_, _ = conn.Write(pk.Append(nil))
		}
	}
	for n, piece := 0, make([]byte, 16<<10); n < size+wire.HeaderBytes; {
		more, err := conn.Read(piece)
		if n += more; err != nil {
			t.Fatalf("%v behind %d bytes", err, n)
		}
		_, _ = conn.Write(wire.AppendReply(nil, []byte(answerOffline))) // refused at the end
	}
}
