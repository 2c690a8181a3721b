package worker_test

import (
	"errors"
	"testing"

	"github.com/workerman-go/wm/worker"
)

// TestOnErrorMaySayGoodbye is for the obvious way to part with a slow client:
// what cannot be sent calls OnError, which sends.
func TestOnErrorMaySayGoodbye(t *testing.T) {
	for name, goodbye := range map[string]func(c *worker.Connection) worker.Status{
		"Close": func(c *worker.Connection) worker.Status { c.Close("too slow"); return worker.Closing },
		"End":   func(c *worker.Connection) worker.Status { c.End("too slow"); return worker.Ending },
		"Send": func(c *worker.Connection) worker.Status {
			if err := c.Send("too slow"); !errors.Is(err, worker.ErrBufferFull) {
				t.Errorf("Send in OnError: %v", err)
			}
			return worker.Established
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSending(t, 100<<10)
			s.do(func() {
				calls, want := 0, worker.Established
				s.conn.OnError = func(c *worker.Connection, _ worker.ErrorCode, _ error) {
					calls++
					want = goodbye(c)
				}
				s.conn.SendRaw(pattern(1 << 20))
				if err := s.conn.Send("x"); !errors.Is(err, worker.ErrBufferFull) {
					t.Errorf("got %v, want ErrBufferFull", err)
				}
				if calls != 1 || s.conn.Status() != want {
					t.Errorf("%d calls of OnError, status %v, want %v", calls, s.conn.Status(), want)
				}
				s.conn.Destroy()
			})
		})
	}
}
