package worker_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

func TestReadyComesAfterOnWorkerStartAndBeforeConnections(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnWorkerStart = func(w *worker.Worker) error {
		events.add("start %d", w.ID)
		return nil
	}
	s := start(t, w, func(e *worker.Env) {
		e.Slot = 3
		ready := e.Ready
		e.Ready = func() { events.add("ready"); ready() }
	})
	s.dial()
	events.expect(t, "start 3", "ready", "connect 1")
}

func TestFailedStartEndsTheProcess(t *testing.T) {
	tests := []struct {
		name string
		fn   func(*worker.Worker) error
		want string
	}{
		{"error", func(*worker.Worker) error { return errors.New("no database") },
			"OnWorkerStart: no database"},
		{"panic", func(*worker.Worker) error { panic("boom") }, "OnWorkerStart: panic: boom"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := echo("text://127.0.0.1:0")
			w.OnWorkerStart = tt.fn
			s := launch(t, w)
			if got := await(t, s.exits, "exit"); got != (exit{250, tt.want}) {
				t.Errorf("got %v, want %q", got, tt.want)
			}
			if len(s.ready) > 0 {
				t.Error("ready all the same")
			}
		})
	}
}

func TestHoldReady(t *testing.T) {
	var release []func()
	w := echo("text://127.0.0.1:0")
	w.OnWorkerStart = func(w *worker.Worker) error {
		release = append(release, w.HoldReady(), w.HoldReady())
		return nil
	}
	s := launch(t, w)
	s.do(func() {})
	release[0]()
	release[0]() // counts once
	s.do(func() {})
	s.do(func() {
		if len(s.ready) > 0 {
			t.Error("ready too early")
		}
	})
	release[1]()
	await(t, s.ready, "ready")
	c := s.dial()
	c.send("a\n")
	c.expect("a\n")
}

func TestStartTimersWaitForTheSeat(t *testing.T) {
	ticks := make(chan struct{}, 1000)
	w := worker.New("")
	w.OnWorkerStart = func(w *worker.Worker) error {
		timer.Add(time.Millisecond, func() { ticks <- struct{}{} })
		return nil
	}
	s := start(t, w, func(e *worker.Env) { e.Seated = false })
	later := make(chan struct{})
	s.do(func() { timer.After(5*time.Millisecond, func() { close(later) }) })
	await(t, later, "other timers")
	if len(ticks) > 0 {
		t.Error("ticked without the seat")
	}
	s.do(s.p.Seated)
	await(t, ticks, "tick")
	s.do(func() {
		s.p.Leave()
		for len(ticks) > 0 {
			<-ticks
		}
	})
	s.do(func() { timer.After(5*time.Millisecond, func() { ticks <- struct{}{}; close(ticks) }) })
	n := 0
	for range ticks {
		n++
	}
	if n != 1 {
		t.Errorf("%d ticks after leaving, want none", n-1)
	}
}

func TestPauseAndResumeAccept(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnWorkerStart = func(w *worker.Worker) error {
		w.PauseAccept()
		return nil
	}
	s := start(t, w)
	s.dial() // waits in the queue
	s.do(func() { s.p.Kick() })
	s.do(func() { events.none(t); w.ResumeAccept() })
	events.expect(t, "connect 1")
	s.do(w.PauseAccept)
	await(t, s.paused, "Paused")
	s.dial()
	s.do(func() {})
	s.do(func() { events.none(t); w.ResumeAccept() })
	events.expect(t, "connect 2")
}

func TestUnlistenKeepsConnections(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	s := start(t, w)
	c := s.dial()
	events.expect(t, "connect 1")
	s.do(func() {
		if got := w.Addr().String(); got != s.addr {
			t.Errorf("address %s, want %s", got, s.addr)
		}
		w.Unlisten()
		if w.Addr() != nil {
			t.Error("still has an address")
		}
	})
	c.send("a\n")
	events.expect(t, "message a")
}

func TestConnectionLimit(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.Limits.Connections = 2
	s := start(t, w)
	first := s.dial()
	s.dial()
	third := s.dial() // waits in the queue
	events.expect(t, "connect 1", "connect 2")
	await(t, s.paused, "Paused")
	s.do(func() { events.none(t) })
	first.Close()
	events.expect(t, "close 1 CLOSED", "connect 3")
	third.send("a\n")
	events.expect(t, "message a")
}

func TestListenInsideOnWorkerStart(t *testing.T) {
	events := newEvents()
	outer := recorded("text://127.0.0.1:0", events)
	inner := echo("frame://127.0.0.1:5000")
	outer.OnWorkerStart = func(*worker.Worker) error {
		if err := inner.Listen(); err != nil {
			return err
		}
		events.add("inner %d", inner.ID)
		events.add("again %v", inner.Listen() != nil)
		return nil
	}
	var addr, asked string
	s := start(t, outer, func(e *worker.Env) {
		e.Slot = 1
		e.Open = func(address string, _ bool) (fd int, err error) {
			asked = address
			fd, addr = listen(t)
			return fd, nil
		}
	})
	events.expect(t, "inner 1", "again true")
	if asked != "tcp://127.0.0.1:5000" {
		t.Errorf("asked for %q", asked)
	}
	c := dial(t, addr)
	c.send("\x00\x00\x00\x05x")
	c.expect("\x00\x00\x00\x05x")
	s.dial()
	events.expect(t, "connect 2") // one counter for the process
	s.do(s.p.Leave)
	s.do(func() {
		if inner.Addr() != nil || outer.Addr() != nil {
			t.Error("still listening")
		}
		for c := range inner.Connections() {
			c.Destroy()
		}
	})
}

func TestListenFails(t *testing.T) {
	if err := echo("text://127.0.0.1:5000").Listen(); err == nil {
		t.Error("listens without a process")
	}
	errs := make(chan error, 3)
	outer := worker.New("")
	outer.OnWorkerStart = func(*worker.Worker) error {
		errs <- echo("text://127.0.0.1:5000").Listen()
		errs <- echo("text//127.0.0.1:5000").Listen()
		errs <- worker.New("http://127.0.0.1:5000").Listen()
		return nil
	}
	start(t, outer, func(e *worker.Env) {
		e.Open = func(string, bool) (int, error) { return -1, errors.New("address already in use") }
	})
	for _, want := range []string{
		"listen text://127.0.0.1:5000: address already in use",
		"listen text//127.0.0.1:5000: no scheme",
		"listen http://127.0.0.1:5000: OnRequest is not set",
	} {
		if got := fmt.Sprint(<-errs); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestReloadRunsTheCallbackOnly(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnWorkerReload = func(*worker.Worker) { events.add("reload") }
	w.OnWorkerStop = func(*worker.Worker) { events.add("stop") }
	s := start(t, w)
	s.do(s.p.Reload)
	events.expect(t, "reload")
	s.dial()
	events.expect(t, "connect 1")
}

func TestStopAllLeavesInOrder(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnWorkerStop = func(*worker.Worker) { events.add("stop") }
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.Send("good bye")
		worker.StopAll(7, "had enough")
		worker.StopAll(8, "not this")
	}
	s := start(t, w)
	c := s.dial()
	c.send("go\n")
	c.expect("good bye\n")
	c.expectEnd()
	events.expect(t, "connect 1", "stop", "close 1 CLOSED")
	if got := await(t, s.exits, "exit"); got != (exit{7, "had enough"}) {
		t.Errorf("got %v", got)
	}
	if len(s.gone) > 0 {
		t.Error("said gone as well")
	}
}

func TestStopAllDoesNotWaitForEver(t *testing.T) {
	w := worker.New("tcp://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.PauseRecv()
		worker.StopAll(0, "")
	}
	w.Life.StopTimeout = 20 * time.Millisecond
	s := start(t, w)
	s.dial().send("go")
	if got := await(t, s.exits, "exit"); got != (exit{}) {
		t.Errorf("got %v", got)
	}
}

func TestStopAllInOnWorkerStart(t *testing.T) {
	w := echo("text://127.0.0.1:0")
	w.OnWorkerStart = func(*worker.Worker) error {
		worker.StopAll(3, "wrong machine")
		return nil
	}
	s := launch(t, w)
	if got := await(t, s.exits, "exit"); got != (exit{3, "wrong machine"}) {
		t.Errorf("got %v", got)
	}
	if len(s.ready) > 0 {
		t.Error("ready all the same")
	}
}

func TestFiguresFromAnyGoroutine(t *testing.T) {
	w := echo("text://127.0.0.1:0")
	block := make(chan struct{})
	w.OnMessage = func(c *worker.Connection, data []byte) {
		switch string(data) {
		case "block":
			<-block
		case "panic":
			panic("boom")
		}
		c.Send("ok")
	}
	w.OnWorkerStart = func(*worker.Worker) error {
		timer.Add(time.Hour, func() {})
		return nil
	}
	s := start(t, w)
	c := s.dial()
	c.send("a\npanic\nb\n")
	c.expect("ok\nok\n")
	eventually(t, "figures", func() bool {
		got := s.p.Figures()
		got.Busy = 0
		return got == worker.Figures{
			Connections: 1, TotalRequest: 3, ThrowException: 1, Timers: 1,
		}
	})
	c.send("block\n")
	eventually(t, "busy", func() bool { return s.p.Figures().Busy > 5*time.Millisecond })
	close(block)
	c.expect("ok\n")
	eventually(t, "idle", func() bool { return s.p.Figures().Busy == 0 })
}

func TestListOfConnections(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	s := start(t, w)
	const n = 300 // more than one slice
	clients := make([]*client, n)
	for i := range clients {
		clients[i] = s.dial()
		events.expect(t, fmt.Sprintf("connect %d", i+1))
	}
	clients[0].send("partial")
	s.do(func() { w.Connection(2).PauseRecv() })
	eventually(t, "partial message", func() (there bool) {
		s.do(func() { there = w.Connection(1).BytesRead > 0 })
		return there
	})
	rows := make(chan []worker.ConnectionInfo, 16)
	s.do(func() { s.p.List(func(r []worker.ConnectionInfo) bool { rows <- r; return true }) })
	var all []worker.ConnectionInfo
	for r := await(t, rows, "rows"); r != nil; r = await(t, rows, "rows") {
		all = append(all, r...)
	}
	if len(all) != n {
		t.Fatalf("%d rows, want %d", len(all), n)
	}
	want := worker.ConnectionInfo{
		Worker: w, ID: 1, Transport: "tcp", Protocol: "text", IPv4: true, RecvQ: 7, BytesR: 7,
		Status: "ESTABLISHED", Local: s.addr, Foreign: clients[0].LocalAddr().String(),
	}
	if all[0] != want {
		t.Errorf("got %+v, want %+v", all[0], want)
	}
	calls := 0
	s.do(func() { s.p.List(func(r []worker.ConnectionInfo) bool { calls++; return false }) })
	s.do(func() {})
	if calls != 1 {
		t.Errorf("called %d times after false, want 1", calls)
	}
}

func TestSelfAndItsKind(t *testing.T) {
	w := worker.New("")
	s := start(t, w, func(e *worker.Env) { e.Args = []string{"a", "b"} })
	s.do(func() {
		if worker.Self() != w || worker.Loop() != s.loop {
			t.Error("Self or Loop is another one")
		}
		if got := fmt.Sprint(worker.Args()); got != "[a b]" {
			t.Errorf("arguments %s", got)
		}
		worker.Log("a line with %d", 7)
		worker.Logger().Info("structured", "k", "v")
	})
	s.logged("a line with 7")
	s.logged(`level=INFO msg=structured worker=none slot=0 pid=`)
	if worker.CPUs(0.001) != 1 || worker.CPUs(2) < 2 {
		t.Error("wrong number of processors")
	}
}
