package worker_test

import (
	"testing"
	"time"

	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// The examples of the pages about timers.

func TestSeedTask(t *testing.T) {
	got := newEvents()
	taskRun := func() { got.add("task run") }
	task := worker.New("")
	task.Count = 1
	task.OnWorkerStart = func(task *worker.Worker) error {
		timer.Add(2500*time.Microsecond, taskRun)
		return nil
	}
	serve(t, task)
	got.expect(t, "task run", "task run", "task run")
}

func TestSeedTimerDeletesItself(t *testing.T) {
	got := newEvents()
	task := worker.New("")
	task.OnWorkerStart = func(task *worker.Worker) error {
		i := 0
		var id timer.ID
		id = timer.Add(time.Millisecond, func() {
			got.add("%d", i)
			if i++; i == 10 {
				timer.Del(id)
			}
		})
		return nil
	}
	s := serve(t, task)
	got.expect(t, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
	s.do(func() {
		if n := s.loop.TimerCount(); n != 0 {
			t.Errorf("%d timers, want 0", n)
		}
	})
	got.none(t)
}

func TestSeedTimerDeletedLater(t *testing.T) {
	got := newEvents()
	task := worker.New("")
	task.OnWorkerStart = func(task *worker.Worker) error {
		id := timer.Add(2*time.Millisecond, func() { got.add("task run") })
		timer.After(20*time.Millisecond, func() {
			timer.Del(id)
			got.add("deleted")
		})
		return nil
	}
	s := serve(t, task)
	got.expect(t, "task run")
	for await(t, got, "end") != "deleted" {
	}
	s.do(func() {
		if n := s.loop.TimerCount(); n != 0 {
			t.Errorf("%d timers, want 0", n)
		}
	})
	got.none(t)
}

// timed is a connection with a timer of its own.
type timed struct{ timerID timer.ID }

func TestSeedTimerOfAConnection(t *testing.T) {
	w := worker.New("text://0.0.0.0:8080")
	w.Count = 8
	w.OnConnect = func(c *worker.Connection) {
		connectTime := time.Now().Unix()
		worker.Data[timed](c).timerID = timer.Add(10*time.Millisecond, func() {
			c.Send(connectTime)
		})
	}
	w.OnClose = func(c *worker.Connection) { timer.Del(worker.Data[timed](c).timerID) }
	s := serve(t, w)
	first, second := s.dial(), s.dial()
	for _, c := range []*client{first, second} {
		if once, twice := c.number(), c.number(); once != twice {
			t.Errorf("connected at %d and at %d", once, twice)
		}
	}
	second.Close()
	eventually(t, "one timer is left", func() (one bool) {
		s.do(func() { one = s.loop.TimerCount() == 1 })
		return one
	})
	first.number()
}
