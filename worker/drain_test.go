package worker_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
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
		if got := s.p.Waiting(); got != "1 connection (oldest 0 s)" {
			t.Errorf("waiting for %q", got)
		}
	})
	partial.send(" but now\n")
	partial.expect("not yet but now\n")
	partial.expectEnd()
	await(t, s.gone, "gone")
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

func TestDrainTellsKeepAliveClients(t *testing.T) {
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send("hello") }
	s := start(t, w)
	c := s.dial()
	get := func() *http.Response {
		t.Helper()
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		r, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, _ := bufio.NewReader(r.Body).ReadString(0)
		if body != "hello" {
			t.Errorf("body %q", body)
		}
		return r
	}
	if get().Close {
		t.Error("closed before the drain")
	}
	s.drain(false)
	if !get().Close {
		t.Error("not told to close")
	}
	c.expectEnd()
	await(t, s.gone, "gone")
}

func TestDrainClosesSilentKeepAliveClients(t *testing.T) {
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send("hello") }
	s := start(t, w)
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if r, err := http.ReadResponse(c.r, nil); err != nil {
		t.Fatal(err)
	} else {
		bufio.NewReader(r.Body).ReadString(0)
		r.Body.Close()
	}
	s.drain(false)
	c.expectEnd()
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
