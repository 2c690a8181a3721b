package worker_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// A client that has sent more requests than it gets answers for reads all of the
// last answer nevertheless: to close at once would reset it.
func TestLastAnswerReachesAClientThatGoesOnSending(t *testing.T) {
	const size = 4 << 20
	const closes = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	surplus := strings.Repeat(fmt.Sprintf(get, "/"+strings.Repeat("x", 1000)), 300)
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprintf("late %v", late), func(t *testing.T) {
			overEvery(t, func(t *testing.T, o over) {
				w := o.worker(t, "http")
				answer := strings.Repeat("a", size)
				w.OnRequest = func(c *worker.Connection, r *http1.Request) {
					if r.Path() != "/last" {
						t.Errorf("a request behind the last one: %.20s", r.Path())
					}
					if !late {
						c.Send(answer)
						return
					}
					c.Post(func(c *worker.Connection) { c.Send(answer); c.Close() })
				}
				c := o.open(start(t, w))
				c.send(closes + surplus[:5000])
				go io.WriteString(c.Conn, surplus[5000:]) // ends when it is read, or with c
				expectAnswer(t, c.r, http.StatusOK, answer)
				c.expectEnd()
			})
		})
	}
}

// The end of what such a client has to say does not cost it the answer.
func TestLastAnswerReachesAClientThatHasEndedItsSide(t *testing.T) {
	const size = 4 << 20
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "http")
		answer := strings.Repeat("a", size)
		w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Close(answer) }
		c := o.open(start(t, w))
		c.send(strings.Repeat(fmt.Sprintf(get, "/"), 3))
		c.closeWrite()
		expectAnswer(t, c.r, http.StatusOK, answer)
		c.expectEnd()
	})
}

// A drain ends connections whose clients do not expect it: what is on its way to
// the process then must not reset the answer.
func TestDrainDoesNotResetAnAnswer(t *testing.T) {
	const size = 4 << 20
	overEvery(t, func(t *testing.T, o over) {
		asked := make(chan *worker.Connection, 1)
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) { asked <- c }
		s := start(t, w)
		c := o.open(s)
		c.send(fmt.Sprintf(get, "/"))
		conn := await(t, asked, "request")
		answer := strings.Repeat("a", size)
		s.do(func() {
			conn.PauseRecv() // the kernel keeps what comes
			s.p.Drain(false)
			conn.Send(answer)
			c.send(fmt.Sprintf(get, "/next"))
		})
		expectAnswer(t, c.r, http.StatusOK, answer)
		c.expectEnd()
		s.do(func() {})
	})
}

// Clients that send no more than they get answers for cost nothing extra.
func TestShortConnectionsDoNotLinger(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send("a"); c.Close() }
		w.OnClose = func(c *worker.Connection) { events.add("close") }
		c := o.open(start(t, w))
		c.send(fmt.Sprintf(get, "/"))
		events.expect(t, "close") // although the client has not closed
		expectAnswer(t, c.r, http.StatusOK, "a")
		c.expectEnd()
	})
}

// End is more than the end that the protocol makes behind its last answer.
func TestEndBehindTheLastAnswer(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		const closes = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
		ended := make(chan worker.Status, 1)
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			c.End("answer")
			ended <- c.Status()
		}
		c := o.open(start(t, w))
		c.send(closes)
		expectAnswer(t, c.r, http.StatusOK, "answer")
		if status := <-ended; status != worker.Ending {
			t.Errorf("End made it %v", status)
		}
		c.expectEnd()
	})
}
