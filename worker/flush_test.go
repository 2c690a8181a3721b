package worker_test

import (
	"io"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// TestFlushTriesABacklogAgain is for a callback that has to know that all of it is
// with the kernel, while the loop waits for the callback.
func TestFlushTriesABacklogAgain(t *testing.T) {
	const size = 32 << 20 // more than the kernel takes
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "")
		drained, backlog, done := 0, make(chan int, 1), make(chan bool, 1)
		w.OnBufferDrain = func(*worker.Connection) { drained++ }
		w.OnMessage = func(c *worker.Connection, _ []byte) {
			c.Send(make([]byte, size))
			c.Flush()
			backlog <- c.SendQueueSize()
			for end := time.Now().Add(10 * time.Second); c.SendQueueSize() > 0; c.Flush() {
				if time.Now().After(end) {
					break
				}
			}
			done <- c.SendQueueSize() == 0 && drained == 1
		}
		s := start(t, w)
		c := o.open(s)
		c.send("much")
		if n := await(t, backlog, "Flush"); n == 0 {
			t.Fatal("the kernel has taken everything at once")
		}
		if _, err := io.CopyN(io.Discard, c.r, size); err != nil {
			t.Fatal(err)
		}
		if !await(t, done, "end of the backlog") {
			t.Errorf("a backlog is left, or OnBufferDrain was called %d times", drained)
		}
	})
}
