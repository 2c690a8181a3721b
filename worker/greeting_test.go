package worker_test

import (
	"errors"
	"testing"

	"github.com/workerman-go/wm/worker"
)

// TestAGreetingSurvivesTheLimitOfTheProcess is about websocket clients that come
// while others are slow: what was taken for them follows the handshake.
func TestAGreetingSurvivesTheLimitOfTheProcess(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "websocket")
		w.Limits.QueuedBytes = 1000
		accepted := make(chan *worker.Connection, 2)
		var greeted error
		w.OnConnect = func(c *worker.Connection) {
			greeted = c.Send("hello")
			accepted <- c
		}
		w.OnError = func(_ *worker.Connection, code worker.ErrorCode, err error) {
			if errors.Is(err, worker.ErrBufferFull) {
				t.Errorf("error %d %v", code, err)
			}
		}
		s := start(t, w)
		slow := o.open(s)
		slow.send(upgradeRequest)
		c := await(t, accepted, "connection")
		eventually(t, "a backlog of the process", func() (full bool) {
			s.do(func() {
				if c.BytesWritten > 0 && c.SendQueueSize() == 0 {
					narrow(t, c)
					c.Send(pattern(8 << 20))
				}
				full = worker.Backlog(s.p) > 1000
			})
			return full
		})
		second := o.open(s)
		second.send(upgradeRequest)
		await(t, accepted, "connection")
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = second.r.ReadString('\n'); err != nil {
				t.Fatalf("in the answer: %v", err)
			}
		}
		second.expect("\x81\x05hello")
		if greeted != nil {
			t.Errorf("Send in OnConnect: %v", greeted)
		}
	})
}
