package worker_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/worker"
)

// ends are the ways in which a connection may end: by the server, on the loop, by
// the client, or both. before has the events that come before OnClose.
var ends = []struct {
	name   string
	server func(t *testing.T, c *worker.Connection)
	client func(t *testing.T, c *wire)
	before []string
}{
	{name: "peer closes", client: func(t *testing.T, c *wire) { c.Close() }},
	{name: "peer ends its half", client: func(t *testing.T, c *wire) {
		c.closeWrite()
		c.expectEnd()
	}},
	{name: "Close", server: func(t *testing.T, c *worker.Connection) { c.Close(); c.Close() }},
	{name: "Close with a message", server: func(t *testing.T, c *worker.Connection) { c.Close("x") }},
	{name: "End", server: func(t *testing.T, c *worker.Connection) { c.End("x") },
		client: func(t *testing.T, c *wire) { c.expect("x\n"); c.expectEnd(); c.Close() }},
	{name: "End, then Destroy", server: func(t *testing.T, c *worker.Connection) {
		c.End("x")
		c.Destroy()
	}},
	{name: "Close, then Destroy", server: func(t *testing.T, c *worker.Connection) {
		c.Close("x")
		c.Destroy()
		c.Close()
	}},
	{name: "Destroy", server: func(t *testing.T, c *worker.Connection) { c.Destroy(); c.Destroy() }},
	{name: "message above the limit", client: func(t *testing.T, c *wire) {
		io.WriteString(c, strings.Repeat("x", 70<<10))
	}},
	{name: "write error", server: func(t *testing.T, c *worker.Connection) {
		if err := unix.Shutdown(c.Fd(), unix.SHUT_WR); err != nil {
			t.Error(err)
		}
		c.Send("x")
	}, before: []string{"error 2 broken pipe"}},
	{name: "panic while closing", server: func(t *testing.T, c *worker.Connection) {
		was := c.OnClose
		c.OnClose = func(c *worker.Connection) { was(c); panic("in OnClose") }
		c.Close()
	}},
}

func TestEveryEndHasOneOnClose(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		for _, end := range ends {
			t.Run(end.name, func(t *testing.T) {
				events := newEvents()
				w := o.recorded(t, "text", events)
				w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
				s := start(t, w)
				c := o.open(s)
				c.send("hello\n")
				c.expect("hello\n")
				events.expect(t, "connect 1")
				s.do(func() {
					c := w.Connection(1)
					c.MaxPackageSize = 64 << 10
					if end.server != nil {
						end.server(t, c)
					}
				})
				if end.client != nil {
					end.client(t, c)
				}
				events.expect(t, append(end.before, "close 1 CLOSED")...)
				s.do(func() {
					if n := worker.Stats().Connections; n != 0 || w.Connection(1) != nil {
						t.Errorf("%d connections left", n)
					}
				})
				events.none(t)
			})
		}
	})
}

func TestResetEndsTheConnection(t *testing.T) {
	for _, o := range []over{"tcp", "ssl"} {
		t.Run(string(o), func(t *testing.T) {
			events := newEvents()
			s := start(t, o.recorded(t, "text", events))
			socket := o.socket(s)
			defer socket.Close()
			events.expect(t, "connect 1")
			socket.(*net.TCPConn).SetLinger(0)
			socket.Close()
			events.expect(t, "close 1 CLOSED")
			events.none(t)
		})
	}
}

func TestCloseSendsABacklogFirstOverEveryTransport(t *testing.T) {
	const size = 4 << 20
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.recorded(t, "", events)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			narrow(t, c)
			c.MaxSendBufferSize = 2 * size // at the limit "bye" would be refused
			c.Write(pattern(size))
			c.Close("bye")
		}
		s := start(t, w)
		c := o.open(s)
		c.send("go")
		events.expect(t, "connect 1")
		c.expect(string(pattern(size)))
		c.expect("bye")
		c.expectEnd()
		events.expect(t, "drain", "close 1 CLOSED")
		events.none(t)
	})
}

func TestDestroyOffersPendingOnceOverEveryTransport(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.recorded(t, "text", events)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			c.Send("last")
			c.Destroy()
		}
		s := start(t, w)
		c := o.open(s)
		c.send("go\n")
		c.expect("last\n")
		c.expectEnd()
		events.expect(t, "connect 1", "close 1 CLOSED")
		s.do(func() {
			if n := worker.Stats().SendFail; n != 0 {
				t.Errorf("send_fail %d", n)
			}
		})
	})
}

func TestDestroyDropsABacklogOverEveryTransport(t *testing.T) {
	const size = 4 << 20
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.recorded(t, "", events)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			narrow(t, c)
			c.Write(pattern(size))
			c.Destroy()
			if n := c.SendQueueSize(); n != 0 {
				t.Errorf("%d bytes queued after Destroy", n)
			}
		}
		s := start(t, w)
		c := o.open(s)
		c.send("go")
		events.expect(t, "connect 1", "full", "close 1 CLOSED")
		if n, _ := io.Copy(io.Discard, c.r); n >= size {
			t.Error("the backlog was sent")
		}
		events.none(t)
	})
}

func TestEndLingersAndDiscardsOverEveryTransport(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.recorded(t, "text", events)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			events.add("message %s", data)
			c.End("the end")
		}
		s := start(t, w)
		c := o.open(s)
		c.send("go\nnever seen\n")
		c.expect("the end\n")
		c.expectEnd()
		c.send(strings.Repeat("thrown away\n", 10000))
		events.expect(t, "connect 1", "message go")
		events.none(t)
		c.Close()
		events.expect(t, "close 1 CLOSED")
	})
}

func TestAnswerAfterTheHalfOfThePeerHasEndedOverEveryTransport(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "text")
		w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
		s := start(t, w)
		c := o.open(s)
		c.send("last words\n")
		c.closeWrite()
		c.expect("last words\n")
		c.expectEnd()
	})
}

func TestBacklogRulesOverEveryTransport(t *testing.T) {
	const first = 2 << 20
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.recorded(t, "", events)
		s := start(t, w)
		c := o.open(s)
		events.expect(t, "connect 1")
		s.do(func() {
			conn := w.Connection(1)
			narrow(t, conn)
			conn.MaxSendBufferSize = 100 << 10
			if err := conn.SendRaw(pattern(first)); err != nil {
				t.Errorf("below the limit: %v", err)
			}
			events.expect(t, "full")
			for range 3 {
				if err := conn.Send("x"); !errors.Is(err, worker.ErrBufferFull) {
					t.Errorf("at the limit: %v", err)
				}
			}
			if n := worker.Stats().SendFail; n != 3 {
				t.Errorf("send_fail %d, want 3", n)
			}
		})
		const refused = "error 2 worker: send buffer full, message dropped"
		events.expect(t, refused, refused, refused)
		c.expect(string(pattern(first)))
		events.expect(t, "drain")
		s.do(func() { w.Connection(1).Send("again") })
		c.expect("again")
		events.none(t)
	})
}

func TestOnCloseMayBroadcastAndCloseOthers(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.recorded(t, "text", events)
		w.OnClose = func(c *worker.Connection) {
			n := 0
			for range w.Connections() {
				n++
			}
			events.add("close %d of %d", c.ID, n)
			w.Broadcast("one has left")
			if other := w.Connection(c.ID%2 + 1); other != nil {
				other.Destroy()
			}
		}
		s := start(t, w)
		one := o.open(s)
		two := o.open(s)
		two.send("it stands\n")
		events.expect(t, "connect 1", "connect 2", "message it stands")
		one.Close()
		two.expect("one has left\n")
		two.expectEnd()
		events.expect(t, "close 1 of 2", "close 2 of 2")
		s.do(func() {
			for range w.Connections() {
				t.Error("still there")
			}
		})
		events.none(t)
	})
}
