package worker_test

import (
	"strings"
	"testing"

	"github.com/workerman-go/wm/worker"
)

func TestReadNowBringsWhatHasArrived(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	came := 0
	w.OnMessage = func(c *worker.Connection, data []byte) { came += len(data) }
	s := start(t, w)
	const line, lines = 4096, 1000 // more than one turn delivers
	text := strings.Repeat("x", line-1) + "\n"
	sender := s.dial()
	eventually(t, "the connection", func() (there bool) {
		s.do(func() { there = w.Connection(1) != nil })
		return there
	})
	s.do(func() { // the loop is kept here while all of it is sent
		sent := make(chan struct{})
		go func() { // ends when the kernel has all
			defer close(sent)
			sender.send(strings.Repeat(text, lines))
		}()
		for done := false; !done; {
			w.Connection(1).ReadNow(1 << 20)
			select {
			case <-sent:
				done = true
			default:
			}
		}
		for w.Connection(1).ReadNow(100) > 0 {
		}
		if want := lines * (line - 1); came != want {
			t.Errorf("%d bytes of messages were delivered, want %d", came, want)
		}
		sender.send("half")
		if n := w.Connection(1).ReadNow(1 << 20); n != 4 || came != lines*(line-1) {
			t.Errorf("half a message: read %d bytes", n)
		}
	})
	sender.send("-full\n")
	eventually(t, "the rest", func() (all bool) {
		s.do(func() { all = came == lines*(line-1)+len("half-full") })
		return all
	})
}

func TestReadNowMeetsTheEnd(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	s := start(t, w)
	c := s.dial()
	events.expect(t, "connect 1")
	s.do(func() {
		c.send("last\n")
		c.Close()
		conn := w.Connection(1)
		if n := conn.ReadNow(1 << 20); n != 5 {
			t.Errorf("read %d bytes, want 5", n)
		}
		if conn.Status() != worker.Closed || conn.ReadNow(1<<20) != 0 {
			t.Errorf("status %v after the end", conn.Status())
		}
	})
	events.expect(t, "message last", "close 1 CLOSED")
}

func TestReadNowLeavesAPauseAlone(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	s := start(t, w)
	c := s.dial()
	events.expect(t, "connect 1")
	s.do(func() {
		w.Connection(1).PauseRecv()
		c.send("one\n")
		if n := w.Connection(1).ReadNow(1 << 20); n != 0 {
			t.Errorf("read %d bytes of a connection that pauses", n)
		}
		w.Connection(1).ResumeRecv()
	})
	events.expect(t, "message one")
}
