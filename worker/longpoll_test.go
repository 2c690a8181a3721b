package worker_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// A client that leaves while its request waits for an answer is noticed at once,
// also one that has sent more requests.
func TestClientThatLeavesBeforeItsAnswer(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		for name, more := range map[string]string{
			"alone": "", "pipelined": fmt.Sprintf(get+get, "/2", "/3"), "half a request": "GET /",
		} {
			t.Run(name, func(t *testing.T) {
				asked, closed := make(chan string, 8), make(chan struct{})
				w := o.worker(t, "http")
				w.OnRequest = func(c *worker.Connection, r *http1.Request) { asked <- r.Path() }
				w.OnClose = func(c *worker.Connection) { close(closed) }
				c := o.open(start(t, w))
				c.send(fmt.Sprintf(get, "/1") + more)
				await(t, asked, "request")
				c.Close()
				await(t, closed, "OnClose")
				if len(asked) > 0 {
					t.Errorf("request %s was delivered before the answer to the first", <-asked)
				}
			})
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
