package worker_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// waiting is a Worker that answers when the test says so.
func waiting(t testing.TB, o over, events events) (*worker.Worker, chan *worker.Connection) {
	t.Helper()
	w := o.worker(t, "http")
	asked := make(chan *worker.Connection, 8)
	w.OnRequest = func(c *worker.Connection, r *http1.Request) { asked <- c }
	w.OnClose = func(c *worker.Connection) { events.add("close") }
	return w, asked
}

// Long polling: OnClose tells that nobody waits any more.
func TestClientLeavesBeforeItsAnswer(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		for _, half := range []bool{false, true} {
			events := newEvents()
			w, asked := waiting(t, o, events)
			s := start(t, w)
			c := o.open(s)
			c.send(fmt.Sprintf(get, "/"))
			conn := await(t, asked, "request")
			if half {
				c.closeWrite()
			} else {
				c.Close()
			}
			events.expect(t, "close")
			s.do(func() {
				if err := conn.Send("late"); err != worker.ErrClosed {
					t.Errorf("Send to one that has left: %v", err)
				}
			})
		}
	})
}

// A client that has said all it has to say gets all its answers.
func TestPipelinedRequestsBeforeTheEnd(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w, asked := waiting(t, o, events)
		s := start(t, w)
		c := o.open(s)
		c.send(strings.Repeat(fmt.Sprintf(get, "/"), 2))
		conn := await(t, asked, "request")
		c.closeWrite()
		s.do(func() {}) // two turns in which the end may be met
		s.do(func() {})
		s.do(func() { conn.Send("first") })
		expectAnswer(t, c.r, http.StatusOK, "first")
		await(t, asked, "the second request")
		c.Close()
		events.expect(t, "close")
	})
}

// What is read ahead of an answer is bounded; the rest waits in the kernel.
func TestReadingAheadIsBounded(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		const requests = 1000
		events := newEvents()
		w, asked := waiting(t, o, events)
		s := start(t, w)
		c := o.open(s)
		request := fmt.Sprintf(get, "/"+strings.Repeat("x", 1000))
		go func() { // ends when all is written or c is closed
			for range requests {
				if _, err := c.Write([]byte(request)); err != nil {
					return
				}
			}
		}()
		conn := await(t, asked, "request")
		for n := range requests {
			s.do(func() {
				if n := conn.RecvQueueSize(); n > 128<<10 {
					t.Errorf("%d bytes were read ahead", n)
				}
				conn.Send("answer")
			})
			expectAnswer(t, c.r, http.StatusOK, "answer")
			if n < requests-1 {
				await(t, asked, "request")
			}
		}
	})
}

// A drain waits for the answer that is still to come.
func TestDrainWaitsForALateAnswer(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		waiting := make(chan *worker.Connection, 1)
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) { waiting <- c }
		s := start(t, w)
		c := o.open(s)
		c.send(fmt.Sprintf(get, "/"))
		conn := await(t, waiting, "request")
		s.do(func() { s.p.Drain(false) })
		s.do(func() { conn.Send("late") })
		expectAnswer(t, c.r, http.StatusOK, "late")
		c.expectEnd()
	})
}
