package worker_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// replaceInLine is replace while another process has its turn.
func (s *service) replaceInLine() (pacing time.Duration) {
	s.t.Helper()
	s.do(func() {
		s.p.Leave()
		s.p.Pace(true, false)
		pacing = s.p.StandInLine()
		s.p.Drain(false)
	})
	return pacing
}

// turn gives it its turn.
func (s *service) turn() (pacing time.Duration) {
	s.t.Helper()
	s.do(func() { pacing = s.p.Turn() })
	return pacing
}

// Three processes that leave together and have their turns one after the other
// close no more in any span of time, by their own clocks, than one would.
func TestProcessesInLineCloseAtTheRateOfOne(t *testing.T) {
	const n, rate, burst = 30, 400, 4
	var mu sync.Mutex
	var closed []time.Time
	var line []*service
	var clients [][]*client
	for range 3 {
		s, w, c := sockets(t, n, rate)
		before := 0
		s.do(func() {
			worker.AfterTurns(s.p, func() {
				mu.Lock()
				defer mu.Unlock()
				for now := told(w, n); before < now; before++ {
					closed = append(closed, s.loop.Now())
				}
			})
		})
		line, clients = append(line, s), append(clients, c)
	}
	line[0].replace()
	for _, s := range line[1:] {
		if got, want := s.replaceInLine(), n*time.Second/rate; got != want {
			t.Errorf("closes for %v, want %v", got, want)
		}
	}
	clients[1][0].send("\x81\x82\x00\x00\x00\x00hi")
	clients[1][0].expect("\x81\x02hi") // served while it stands in line
	for i, s := range line {
		if i > 0 {
			s.do(func() {
				if got, want := s.p.Waiting(), "in line to close them"; !strings.HasSuffix(got, want) {
					t.Errorf("waiting for %q, want ... %q", got, want)
				}
			})
			s.turn()
		}
		await(t, s.over, "the end of its turn")
	}
	for i, s := range line {
		for _, c := range clients[i] {
			c.expect(serviceRestart)
			c.expectEnd()
			c.Close()
		}
		await(t, s.gone, "gone")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(closed) != 3*n {
		t.Errorf("%d were closed, want %d", len(closed), 3*n)
	}
	slices.SortFunc(closed, time.Time.Compare)
	for i, from := range closed {
		for j, to := range closed[i:] {
			if most := rate*to.Sub(from).Seconds() + burst; float64(j+1) > most {
				t.Fatalf("%d closes within %v, want %.1f at most", j+1, to.Sub(from), most)
			}
		}
	}
}

// The turn of a process whose clients have left meanwhile is over at once.
func TestTurnOfAnEmptyProcess(t *testing.T) {
	s, _, clients := sockets(t, 3, 1)
	s.replaceInLine()
	for _, c := range clients {
		c.Close()
	}
	await(t, s.gone, "gone")
	s.turn()
	await(t, s.over, "the end of its turn")
}

// A stop ends the line for a process, whoever orders it.
func TestStopEndsTheLine(t *testing.T) {
	for name, stop := range map[string]func(s *service){
		"of the master": func(s *service) { s.p.Pace(false, false); s.p.Drain(false) },
		"StopAll":       func(s *service) { worker.StopAll(0, "enough") },
	} {
		t.Run(name, func(t *testing.T) {
			s, _, clients := sockets(t, 3, 1)
			s.replaceInLine()
			s.do(func() { stop(s) })
			for _, c := range clients {
				c.expect(goingAway)
				c.expectEnd()
				c.Close()
			}
			if got := s.turn(); got != 0 { // it has crossed the stop
				t.Errorf("a turn of %v after the stop", got)
			}
		})
	}
}

// Who stays in the middle of a message does not keep others from their turn.
func TestTurnIsOverWithoutStragglers(t *testing.T) {
	s, w, clients := sockets(t, 3, 1000)
	clients[0].send("\x01\x81\x00\x00\x00\x00h")
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
	await(t, s.over, "the end of its turn")
	clients[0].send("\x80\x81\x00\x00\x00\x00i")
	clients[0].expect("\x81\x02hi" + serviceRestart)
	clients[0].expectEnd()
	clients[0].Close()
	await(t, s.gone, "gone")
	if len(s.over) > 0 {
		t.Error("it had two ends")
	}
}
