package worker_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

// drained begins a drain the way the harness does.
func (s *service) drain(graceful bool) {
	s.t.Helper()
	s.do(func() {
		s.p.Leave()
		s.p.Drain(graceful)
	})
}

func TestDrainOfNothingIsGoneAtOnce(t *testing.T) {
	events := newEvents()
	w := echo("text://127.0.0.1:0")
	w.OnWorkerStop = func(w *worker.Worker) { events.add("stop %v", w.Context().Err()) }
	s := start(t, w)
	s.drain(false)
	await(t, s.gone, "gone")
	events.expect(t, "stop <nil>")
	s.drain(false)
	events.none(t)
	if w.Context().Err() == nil {
		t.Error("context not cancelled")
	}
}

func TestDrainClosesIdleConnectionsAndWaitsForOthers(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	s := start(t, w)
	idle, partial := s.dial(), s.dial()
	partial.send("not yet")
	eventually(t, "partial message", func() (there bool) {
		s.do(func() { c := w.Connection(2); there = c != nil && c.BytesRead > 0 })
		return there
	})
	s.drain(false)
	idle.expectEnd()
	events.expect(t, "connect 1", "connect 2", "close 1 CLOSED")
	s.do(func() {
		wantWaiting(t, s.p, "1 connection")
	})
	partial.send(" but now\n")
	partial.expect("not yet but now\n")
	partial.expectEnd()
	await(t, s.gone, "gone")
}

// wantWaiting compares on whom a process waits, but for the seconds.
func wantWaiting(t *testing.T, p *worker.Process, want string) {
	t.Helper()
	who, age, _ := strings.Cut(p.Waiting(), " (oldest ")
	if _, err := strconv.Atoi(strings.TrimSuffix(age, " s)")); who != want || err != nil {
		t.Errorf("waiting for %q, want %q and how old the oldest is", p.Waiting(), want)
	}
}

func TestDrainServesWhatHasArrived(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	s := start(t, w)
	c := s.dial()
	events.expect(t, "connect 1")
	s.do(func() {
		c.send("just in time\n") // in the kernel, and no event yet
		s.p.Leave()
		s.p.Drain(false)
	})
	c.expect("just in time\n")
	c.expectEnd()
	await(t, s.gone, "gone")
}

func TestDrainWaitsForABacklogAndForWhoPauses(t *testing.T) {
	const size = 4 << 20
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) {
		if string(data) == "pause" {
			c.PauseRecv()
		} else {
			c.SendRaw(pattern(size))
		}
		events.add("%s", data)
	}
	s := start(t, w)
	slow, paused := s.dialNarrow(), s.dial()
	events.expect(t, "connect 1", "connect 2")
	slow.send("big\n")
	events.expect(t, "big")
	paused.send("pause\n")
	events.expect(t, "pause")
	s.drain(false)
	slow.discard(size)
	slow.expectEnd()
	events.expect(t, "close 1 CLOSED")
	s.do(func() {
		c := w.Connection(2)
		c.Send("done")
		c.ResumeRecv()
	})
	paused.expect("done\n")
	paused.expectEnd()
	await(t, s.gone, "gone")
}

func TestGracefulDrainWaitsForTheClients(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	s := start(t, w)
	first, second := s.dial(), s.dial()
	events.expect(t, "connect 1", "connect 2")
	s.drain(true)
	for range 3 {
		first.send("still here\n")
		first.expect("still here\n")
	}
	first.Close()
	events.expect(t, "close 1 CLOSED")
	if len(s.gone) > 0 {
		t.Error("gone too early")
	}
	s.drain(false) // stop after stop -g
	second.expectEnd()
	await(t, s.gone, "gone")
}

// bothDrains runs test with an ordinary and with a graceful drain.
func bothDrains(t *testing.T, test func(t *testing.T, graceful bool)) {
	for name, graceful := range map[string]bool{"ordinary": false, "graceful": true} {
		t.Run(name, func(t *testing.T) { test(t, graceful) })
	}
}

func TestDrainTellsKeepAliveClients(t *testing.T) {
	bothDrains(t, func(t *testing.T, graceful bool) {
		w := worker.New("http://127.0.0.1:0")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send("hello") }
		s := start(t, w)
		c := s.dial()
		c.send(anyRequest)
		if c.whole().Close {
			t.Error("closed before the drain")
		}
		s.drain(graceful)
		c.send(anyRequest)
		if !c.whole().Close {
			t.Error("not told to close")
		}
		c.expectEnd()
		await(t, s.gone, "gone")
	})
}

func TestDrainClosesSilentKeepAliveClients(t *testing.T) {
	bothDrains(t, func(t *testing.T, graceful bool) {
		w := worker.New("http://127.0.0.1:0")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send("hello") }
		s := start(t, w)
		used, fresh := s.dial(), s.dial()
		used.send(anyRequest)
		used.whole()
		s.drain(graceful)
		used.expectEnd()
		fresh.expectEnd()
		await(t, s.gone, "gone")
	})
}

// A graceful drain gives requests all the time they need, and websockets.
func TestGracefulDrainWaitsForRequestsAndWebsockets(t *testing.T) {
	asked := make(chan *worker.Connection, 1)
	w := worker.New("http://127.0.0.1:0")
	w.OnConnect = func(c *worker.Connection) {
		if c.ID == 1 {
			c.SetProtocol(websocket.Protocol)
		}
	}
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		if r.Path() == "/slow" {
			asked <- c
			return
		}
		c.Send("hello")
	}
	s := start(t, w)
	socket, idle, slow := handshaken(t, s), s.dial(), s.dial()
	slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	conn := await(t, asked, "request")
	s.drain(true)
	idle.expectEnd() // so long have the others been silent too
	s.do(func() { conn.Send("late") })
	if r := slow.whole(); !r.Close || r.StatusCode != http.StatusOK {
		t.Errorf("answer %+v", r)
	}
	slow.expectEnd()
	if len(s.gone) > 0 {
		t.Error("gone too early")
	}
	socket.Close()
	await(t, s.gone, "gone")
}

func TestDrainWaitsForWork(t *testing.T) {
	w := worker.New("")
	s := start(t, w)
	finish := make(chan struct{})
	events := newEvents()
	worker.Go(context.Background(), func(context.Context) (int, error) {
		<-finish
		return 1, nil
	}, func(int, error) { events.add("done") })
	s.drain(false)
	s.do(func() {
		if got := s.p.Waiting(); got != "1 worker.Go" {
			t.Errorf("waiting for %q", got)
		}
	})
	if len(s.gone) > 0 {
		t.Error("gone too early")
	}
	close(finish)
	await(t, s.gone, "gone")
	events.expect(t, "done")
}

func TestLeavingServesThoseWhoWait(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	s := start(t, w)
	const n = 40 // more than one round of accept
	clients := make([]*client, n)
	s.do(func() {
		for i := range clients { // while the loop is busy
			clients[i] = s.dial()
		}
		s.p.Leave()
		for range clients {
			if got := <-events; !strings.HasPrefix(got, "connect ") {
				t.Errorf("got %s", got)
			}
		}
	})
	for i, c := range clients {
		c.send(fmt.Sprintf("%d\n", i))
		c.expect(fmt.Sprintf("%d\n", i))
	}
}
