package worker_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/worker"
)

func TestOutOfDescriptorsPausesAccept(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	s := start(t, w)
	s.do(w.PauseAccept)
	await(t, s.paused, "Paused")
	c := s.dial() // waits in the queue
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = 3 // below what is open: no new one
	s.do(func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
			t.Error(err)
		}
		w.ResumeAccept()
	})
	await(t, s.paused, "Paused")
	events.none(t)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	s.logged("accept: too many open files; trying again in 1s")
	events.expect(t, "connect 1")
	c.send("a\n")
	events.expect(t, "message a")
	if len(s.lines) != 1 {
		t.Errorf("%d log lines, want 1", len(s.lines))
	}
}

func TestKickAcceptsWithoutAnEvent(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	s := start(t, w)
	s.do(func() {
		s.dial()
		s.p.Kick()
		events.expect(t, "connect 1")
	})
}

func TestBurstIsServedInOrder(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	accepted := conns(w)
	s := start(t, w)
	const n = 100
	for range n {
		s.dial()
	}
	for i := range n {
		if c := await(t, accepted, "connection"); c.ID != uint64(i+1) {
			t.Fatalf("connection %d came as number %d", c.ID, i+1)
		}
	}
	s.do(func() {
		last := uint64(0)
		for c := range w.Connections() {
			if c.ID != last+1 {
				t.Errorf("connection %d after %d", c.ID, last)
			}
			last = c.ID
		}
		if last != n {
			t.Errorf("%d connections, want %d", last, n)
		}
	})
}
