package worker_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/workerman-go/wm/worker"
)

// recorded is a Worker whose connections report their life.
func recorded(address string, events events) *worker.Worker {
	w := worker.New(address)
	w.OnConnect = func(c *worker.Connection) { events.add("connect %d", c.ID) }
	w.OnMessage = func(c *worker.Connection, data []byte) { events.add("message %s", data) }
	w.OnClose = func(c *worker.Connection) { events.add("close %d %v", c.ID, c.Status()) }
	w.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
		events.add("error %d %v", code, err)
	}
	return w
}

func TestPeerEndCloses(t *testing.T) {
	events := newEvents()
	s := start(t, recorded("text://127.0.0.1:0", events))
	c := s.dial()
	c.send("one\ntwo\npartial")
	c.CloseWrite()
	events.expect(t, "connect 1", "message one", "message two", "close 1 CLOSED")
	c.expectEnd()
}

func TestAnswerReachesAPeerThatHasClosedItsSide(t *testing.T) {
	s := start(t, echo("text://127.0.0.1:0"))
	c := s.dial()
	c.send("last words\n")
	c.CloseWrite()
	c.expect("last words\n")
	c.expectEnd()
}

func TestPeerResetCloses(t *testing.T) {
	events := newEvents()
	s := start(t, recorded("tcp://127.0.0.1:0", events))
	c := s.dial()
	events.expect(t, "connect 1")
	c.SetLinger(0)
	c.Close()
	events.expect(t, "close 1 CLOSED")
}

func TestCloseSendsWhatIsQueuedFirst(t *testing.T) {
	const size = 4 << 20
	events := newEvents()
	w := recorded("tcp://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.Write(pattern(size))
		c.Close("bye")
		c.Close("not this")
		events.add("%v", c.Status())
	}
	s := start(t, w)
	c := s.dialNarrow()
	c.send("go")
	events.expect(t, "connect 1", "CLOSING")
	c.discard(size)
	c.expect("bye")
	c.expectEnd()
	events.expect(t, "close 1 CLOSED")
}

func TestNoMessageAfterClose(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) {
		events.add("message %s", data)
		c.Close()
	}
	s := start(t, w)
	c := s.dial()
	c.send("one\ntwo\n")
	events.expect(t, "connect 1", "message one", "close 1 CLOSED")
	events.none(t)
}

func TestDestroyIsAtOnceAndOnce(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.Send("offered once")
		c.Destroy()
		events.add("destroyed")
		c.Destroy()
		c.Close()
		c.End()
	}
	s := start(t, w)
	c := s.dial()
	c.send("a\nb\n")
	events.expect(t, "connect 1", "close 1 CLOSED", "destroyed")
	events.none(t)
	c.expect("offered once\n")
}

func TestDestroyDropsABacklog(t *testing.T) {
	s := newSending(t, 100<<10)
	s.do(func() {
		s.conn.Write(pattern(1 << 20))
		if s.conn.SendQueueSize() == 0 {
			t.Error("no backlog")
		}
		s.conn.Destroy()
	})
	s.events.expect(t, "full", "close")
	if n, _ := io.Copy(io.Discard, s.client.r); n == 1<<20 {
		t.Error("the backlog was sent")
	}
}

func TestEndHalfClosesAndWaitsForThePeer(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.End("the end")
		events.add("%v", c.Status())
	}
	s := start(t, w)
	c := s.dial()
	c.send("go\nnever seen\n")
	c.expect("the end\n")
	c.expectEnd()
	events.expect(t, "connect 1", "ENDING")
	c.send(strings.Repeat("thrown away\n", 1000))
	events.none(t)
	c.Close()
	events.expect(t, "close 1 CLOSED")
}

func TestEndDoesNotWaitForEver(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) { c.End() }
	s := start(t, w)
	c := s.dial()
	c.send("go\n")
	c.expectEnd()
	events.expect(t, "connect 1", "close 1 CLOSED") // the peer keeps its side open
}

func TestCloseEndsALingeringConnection(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	s := start(t, w)
	c := s.dial()
	events.expect(t, "connect 1")
	s.do(func() {
		conn := w.Connection(1)
		conn.End("x")
		conn.Close()
	})
	c.expect("x\n")
	events.expect(t, "close 1 CLOSED")
}

func TestConnectionIsKnownInOnCloseAndGoneAfter(t *testing.T) {
	events := newEvents()
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Destroy() }
	w.OnClose = func(c *worker.Connection) {
		events.add("known %v", w.Connection(c.ID) == c)
		events.add("send %v", c.Send("x"))
		w.Broadcast("x")
	}
	s := start(t, w)
	c := s.dial()
	c.send("go\n")
	events.expect(t, "known true", "send worker: connection closed")
	s.do(func() {
		if w.Connection(1) != nil || worker.Stats().Connections != 0 {
			t.Error("still there")
		}
	})
}

func TestAddressesOfAConnection(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	var conn *worker.Connection
	closed := make(chan struct{})
	w.OnConnect = func(c *worker.Connection) { conn = c; c.Close("hi") }
	w.OnClose = func(c *worker.Connection) { close(closed) }
	s := start(t, w)
	c := s.dial()
	c.expect("hi\n")
	await(t, closed, "close")
	s.do(func() {
		if got, want := conn.RemoteAddr().String(), c.LocalAddr().String(); got != want {
			t.Errorf("remote %s, want %s", got, want)
		}
		if got := conn.RemoteIP(); got != "127.0.0.1" {
			t.Errorf("ip %s", got)
		}
		if got, want := conn.RemotePort(), c.LocalAddr().(*net.TCPAddr).Port; got != want {
			t.Errorf("port %d, want %d", got, want)
		}
		if got := conn.LocalAddr().String(); got != s.addr {
			t.Errorf("local %s, want %s", got, s.addr)
		}
	})
}

func TestContextEndsWithTheConnection(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	accepted := conns(w)
	s := start(t, w)
	c := s.dial()
	conn := await(t, accepted, "connection")
	var done <-chan struct{}
	s.do(func() { done = conn.Context().Done() })
	select {
	case <-done:
		t.Fatal("already cancelled")
	default:
	}
	c.Close()
	await(t, done, "cancellation")
	s.do(func() {
		if conn.Context().Err() == nil {
			t.Error("not cancelled")
		}
	})
}
