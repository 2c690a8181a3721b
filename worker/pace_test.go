package worker_test

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// replace begins the drain of a process that is replaced, the way the harness
// does, and returns how long it is going to close websockets.
func (s *service) replace() (pacing time.Duration) {
	s.t.Helper()
	s.do(func() {
		s.p.Leave()
		pacing = s.p.Pace(true, false)
		s.p.Drain(false)
	})
	return pacing
}

const (
	goingAway      = "\x88\x02\x03\xe9" // close frames
	serviceRestart = "\x88\x02\x03\xf4"
)

// sockets are open websockets of a Worker with the rate.
func sockets(t *testing.T, n, rate int) (s *service, w *worker.Worker, clients []*client) {
	t.Helper()
	w = echo("websocket://127.0.0.1:0")
	w.Life.DrainRate = rate
	s = start(t, w)
	for range n {
		clients = append(clients, handshaken(t, s))
	}
	return s, w, clients
}

// told is how many connections of w were told to go.
func told(w *worker.Worker, all int) int {
	for c := range w.Connections() {
		if c.Status() == worker.Established {
			all--
		}
	}
	return all
}

// No span of time, by the process's own clock, has more closes than the rate and
// ten milliseconds' worth beside it, also when turns of the loop are late.
func TestReplacedProcessClosesWebsocketsAtItsRate(t *testing.T) {
	const n, rate, burst = 60, 400, 4
	type moment struct {
		at   time.Time
		told int
	}
	s, w, clients := sockets(t, n, rate)
	var seen []moment
	s.do(func() {
		worker.AfterTurns(s.p, func() { seen = append(seen, moment{s.loop.Now(), told(w, n)}) })
	})
	if got, want := s.replace(), 140*time.Millisecond; got != want {
		t.Errorf("closes for %v, want %v", got, want)
	}
	s.do(func() { time.Sleep(40 * time.Millisecond) }) // a callback that blocks
	for _, c := range clients {
		c.expect(serviceRestart)
		c.expectEnd()
		c.Close()
	}
	await(t, s.gone, "gone")
	var moments []moment
	s.do(func() { moments = slices.Clone(seen) })
	for i, from := range moments {
		for _, to := range moments[i:] {
			span := to.at.Sub(from.at)
			if most := rate*span.Seconds() + burst; float64(to.told-from.told) > most {
				t.Fatalf("%d closes within %v, want %.1f at most", to.told-from.told, span, most)
			}
		}
	}
	if last := moments[len(moments)-1]; last.told != n {
		t.Errorf("%d were told, want %d", last.told, n)
	}
}

func TestPacing(t *testing.T) {
	second := float64(time.Second)
	for _, tt := range []struct {
		name   string
		change func(w *worker.Worker)
		n      int
		want   float64 // seconds
	}{
		{"nobody", func(w *worker.Worker) {}, 0, 0},
		{"one", func(w *worker.Worker) {}, 1, 0.005},
		{"one sweep", func(w *worker.Worker) {}, 20, 0.005},
		{"the default is 2,000 a second", func(w *worker.Worker) { w.Life.DrainRate = 0 }, 30, 0.005},
		{"a part for each process", func(w *worker.Worker) { w.Count = 100 }, 30, 29.0 / 20},
		{"never above 20 s", func(w *worker.Worker) { w.Life.DrainRate = 1 }, 30, 29 / 1.5},
		{"no rate", func(w *worker.Worker) { w.Life.DrainRate = -1 }, 30, 0},
		{"StopFirst", func(w *worker.Worker) { w.Life.StopFirst = true }, 30, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, w, _ := sockets(t, tt.n, 2000)
			s.do(func() {
				tt.change(w)
				s.p.Leave()
				for _, none := range []time.Duration{s.p.Pace(false, false), s.p.Pace(true, true)} {
					if none != 0 {
						t.Errorf("a stop, or a graceful drain, closes for %v", none)
					}
				}
				if got := s.p.Pace(true, false); got != time.Duration(tt.want*second) {
					t.Errorf("closes for %v, want %v s", got, tt.want)
				}
			})
		})
	}
}

// A stop that comes while websockets are closed one after another ends them all.
func TestStopEndsThePace(t *testing.T) {
	s, _, clients := sockets(t, 10, 1)
	s.replace()
	clients[0].expect(serviceRestart)
	s.do(func() {
		if got := s.p.Waiting(); !strings.Contains(got, ", closes 1 a second") {
			t.Errorf("waiting for %q", got)
		}
		s.p.Pace(false, false)
		s.p.Drain(false)
	})
	want := serviceRestart // a second may have passed, and not ten
	for n, c := range clients[1:] {
		said := make([]byte, len(want))
		if _, err := io.ReadFull(c.r, said); err != nil {
			t.Fatal(err)
		}
		if string(said) == goingAway || n == len(clients)-2 {
			want = goingAway
		}
		if string(said) != want {
			t.Errorf("client %d was told %q, want %q", n+1, said, want)
		}
		c.expectEnd()
	}
	clients[0].expectEnd()
	clients[0].Close()
	await(t, s.gone, "gone")
}

// Who is in the middle of a message ends it first, and does not hold up others.
func TestReplacedProcessEndsMessagesFirst(t *testing.T) {
	for name, parts := range map[string][2]string{
		"receiving a frame":    {"\x81\x82\x00\x00\x00\x00h", "i"},
		"receiving fragments":  {"\x01\x81\x00\x00\x00\x00h", "\x80\x81\x00\x00\x00\x00i"},
		"and one more at once": {"\x81\x82\x00\x00", "\x00\x00hi\x81\x80\x00\x00\x00\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			s, w, clients := sockets(t, 3, 1000)
			clients[0].send(parts[0])
			eventually(t, "the first part", func() (there bool) {
				s.do(func() { there = w.Connection(1).BytesRead > uint64(len(upgradeRequest)) })
				return there
			})
			s.replace()
			for _, c := range clients[1:] {
				c.expect(serviceRestart)
				c.expectEnd()
				c.Close()
			}
			clients[0].send(parts[1])
			clients[0].expect("\x81\x02hi")
			rest, err := io.ReadAll(clients[0].r)
			if err != nil || !strings.HasSuffix(string(rest), serviceRestart) {
				t.Errorf("then %q and %v", rest, err)
			}
			clients[0].Close()
			await(t, s.gone, "gone")
		})
	}
}

// A client that goes on sending reads why it ends, and no reset.
func TestReplacedProcessResetsNobody(t *testing.T) {
	s, _, clients := sockets(t, 3, 1000)
	s.replace()
	for _, c := range clients {
		c.send("\x81\x82\x00\x00\x00\x00hi") // nobody reads this any more
		c.expect(serviceRestart)
		c.send("\x88\x82\x00\x00\x00\x00\x03\xf4")
		c.expectEnd()
		c.Close()
	}
	await(t, s.gone, "gone")
}

// A process that is not asked to hurry says on whom it waits while its loop blocks.
func TestWaitingIsForAnyGoroutine(t *testing.T) {
	s, _, _ := sockets(t, 2, 0)
	s.drain(true)
	s.do(func() {})
	blocked, release := make(chan struct{}), make(chan struct{})
	s.loop.Post(func() { close(blocked); <-release })
	await(t, blocked, "a blocked loop")
	wantWaiting(t, s.p, "2 connections")
	close(release)
}
