package wmtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

func TestDoSeesWhatClientsHaveSent(t *testing.T) {
	for range 20 {
		t.Run("service", func(t *testing.T) {
			received := 0
			s := Run(t, func() {
				echo("chat", "text://127.0.0.1:1").OnMessage = func(*worker.Connection, []byte) {
					received++
				}
			})
			for range 3 {
				s.Dial("chat").Send("x")
			}
			s.Do("chat", func(w *worker.Worker) {
				n := 0
				for range w.Connections() {
					n++
				}
				if n != 3 || received != 3 {
					t.Errorf("%d connections, %d messages, want 3", n, received)
				}
			})
		})
	}
}

func TestAFailureInDoEndsTheTest(t *testing.T) {
	start := func() { echo("chat", "text://127.0.0.1:1") }
	failing(t, start, func(f *fakeT, s *Service) {
		s.Dial("chat")
		s.Do("chat", func(*worker.Worker) { f.Fatalf("not what I want") })
		t.Error("the test went on")
	}).expect(t, "not what I want")
	failing(t, start, func(_ *fakeT, s *Service) {
		s.Do("chat", func(*worker.Worker) { panic("boom") })
		t.Error("the test went on")
	}).expect(t, "boom", "service_test.go:")
}

func TestABlockedLoopIsNamed(t *testing.T) {
	block := make(chan struct{})
	var ran *Service
	failing(t, func() { echo("chat", "text://127.0.0.1:1") }, func(_ *fakeT, s *Service) {
		ran = s
		worker.Post(func() { <-block })
		s.Do("chat", func(*worker.Worker) {})
		t.Error("the test went on")
	}).expect(t, "the loop is not done within", "the loop is blocked", "service_test.go:")
	close(block)
	ran.close() // what the test had to leave
}

func TestCallsOnTheLoopAreRefused(t *testing.T) {
	s := Run(t, func() { worker.New("").Name = "none" })
	s.Do("none", func(*worker.Worker) {
		defer func() {
			if recover() == nil {
				t.Error("Advance on the loop was not refused")
			}
		}()
		s.Advance(time.Second)
	})
}

func TestAdvanceRunsTimersOfTheApp(t *testing.T) {
	var ticks []string
	var began time.Time
	note := func(what string) {
		at := worker.Loop().Now().Sub(began).Round(time.Second)
		ticks = append(ticks, fmt.Sprintf("%s at %v", what, at))
	}
	s := Run(t, func() {
		w := worker.New("")
		w.Name = "clock"
		timer.After(70*time.Second, func() { note("of Start") })
		w.OnWorkerStart = func(*worker.Worker) error {
			began = worker.Loop().Now()
			timer.Add(25*time.Second, func() { note("ping") })
			timer.After(time.Minute, func() { note("late") })
			return nil
		}
	})
	s.Advance(80 * time.Second)
	s.Do("clock", func(*worker.Worker) {
		want := "[ping at 25s ping at 50s late at 1m0s of Start at 1m10s ping at 1m15s]"
		if got := fmt.Sprint(ticks); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestAdvanceMovesDeadlines(t *testing.T) {
	s := Run(t, func() { echo("ws", "websocket://127.0.0.1:1") })
	f := s.listening("ws")
	conn, err := dial(f, s.patience)
	if err != nil {
		t.Fatal(err)
	}
	silent := &Client{s: s, name: "ws", talk: newStream(conn, f, "raw", s.patience)}
	defer silent.Close()
	s.Advance(9 * time.Second)
	s.Do("ws", func(w *worker.Worker) {
		if w.Connection(1) == nil {
			t.Error("closed before HandshakeTimeout")
		}
	})
	s.Advance(time.Second)
	silent.ExpectClose()
}

func TestAdvanceMovesReconnects(t *testing.T) {
	opened := 0
	s := Run(t, func() {
		w := echo("server", "text://127.0.0.1:1")
		w.OnConnect = func(c *worker.Connection) { opened++; c.Close() }
	})
	addr := s.Addr("server")
	closed := make(chan int, 10)
	s.Do("server", func(*worker.Worker) {
		c := worker.Dial("text://" + addr)
		c.OnClose = func(c *worker.Connection) {
			c.Reconnect(time.Hour)
			closed <- opened
		}
	})
	for want := 1; want <= 3; want++ {
		select {
		case got := <-closed:
			if got != want {
				t.Fatalf("connected %d times, want %d", got, want)
			}
		case <-time.After(patience):
			t.Fatal("no connection")
		}
		s.Advance(time.Hour)
	}
}
