package wmtest

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/workerman-go/wm/worker"
)

// settleTurns is how many turns the loop makes before Do and Advance: enough to
// accept a connection and to read what waits on it.
const settleTurns = 4

// found is a Worker that the process serves.
type found struct {
	w    *worker.Worker
	d    worker.Declaration
	addr net.Addr // nil without a listener
}

// Addr returns where a Worker listens: "127.0.0.1:34567", or the path of a Unix
// socket. name is its Name, or the address that New got: that is how to find
// Workers without a name, and those of Worker.Listen.
func (s *Service) Addr(name string) string {
	s.t.Helper()
	return s.listening(name).addr.String()
}

// Do runs fn with a Worker on the loop and waits for it: to look at its
// connections, or to do what a callback would. Before, the loop looks at what
// clients have sent so far. name is as in Addr.
func (s *Service) Do(name string, fn func(w *worker.Worker)) {
	s.t.Helper()
	w := s.find(name).w
	s.do("Do", s.patience, func(done func()) {
		fn(w)
		done()
	})
}

// Advance moves the time of the loop on by d, without waiting: timers that are
// due on the way run in order, repeating ones as often as they would, and
// worker.Loop().Now() is the time each was meant for. Handshake and dial
// deadlines are timers too. Before, the loop looks at what clients have sent so
// far. Sockets, worker.Go and time.Now know nothing of it: a client does not
// get around to answering, so that of several heartbeats in one Advance only
// the first may find it awake.
func (s *Service) Advance(d time.Duration) {
	s.t.Helper()
	if d < 0 {
		s.t.Fatalf("wmtest: Advance(%v): time does not go back", d)
	}
	s.moving.Lock()
	defer s.moving.Unlock()
	s.do("Advance", longPatience, func(done func()) { s.loop.Advance(d, done) })
}

// do runs fn on the loop and waits until it has called done.
func (s *Service) do(call string, limit time.Duration, fn func(done func())) {
	s.t.Helper()
	if s.loop.Owned() {
		panic("wmtest: " + call + " was called in a callback, it is for the test's goroutine")
	}
	result := make(chan bool, 2) // the first counts
	s.settle(settleTurns, func() {
		returned := false
		defer func() {
			if !returned { // a panic, or t.Fatal
				result <- false
			}
		}()
		fn(func() { result <- true })
		returned = true
	})
	select {
	case ok := <-result:
		if !ok {
			s.t.FailNow()
		}
	case <-s.ran:
		s.t.Fatalf("wmtest: %s: a callback has ended the goroutine of the loop", call)
	case <-time.After(limit):
		s.t.Fatalf("wmtest: %s: the loop is not done within %v:\n%s", call, limit, stacks())
	}
}

// settle runs fn on the loop some turns later. Called by the test's goroutine
// or on the loop.
func (s *Service) settle(turns int, fn func()) {
	if turns == 0 {
		s.loop.Post(fn)
		return
	}
	s.loop.Post(func() { s.settle(turns-1, fn) })
}

// find returns the one Worker that name means.
func (s *Service) find(name string) found {
	s.t.Helper()
	var hits []found
	var all []string
	s.do("looking for "+name, s.patience, func(done func()) {
		for _, w := range s.p.Workers() {
			d := w.Declaration()
			if name == d.Name || name == d.Address {
				hits = append(hits, found{w, d, w.Addr()})
			}
			all = append(all, fmt.Sprintf("%s (%s)", d.Name, d.Address))
		}
		done()
	})
	if len(hits) != 1 {
		s.t.Fatalf("wmtest: %d Workers are called %q, the service has %s",
			len(hits), name, strings.Join(all, ", "))
	}
	return hits[0]
}

// listening is find for a Worker that clients can reach.
func (s *Service) listening(name string) found {
	s.t.Helper()
	f := s.find(name)
	if f.addr == nil {
		s.t.Fatalf("wmtest: Worker %s does not listen%s", name, s.whyGone())
	}
	return f
}

// whyGone explains what the end of the process has caused.
func (s *Service) whyGone() string {
	select {
	case <-s.gone:
		return fmt.Sprintf(": the process has ended itself with %d, %s", s.end.code, s.end.why)
	default:
		return ""
	}
}
