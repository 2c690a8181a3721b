package supervisor

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

const pacing = 5 * time.Second

// roundOf reloads one Worker, whose old processes need the time for their
// websockets, and returns those.
func (w *world) roundOf(sp ipc.Spec) (old []int) {
	w.t.Helper()
	seats := len(w.s.units[0].slots)
	w.reload("again", false)
	w.probe(sp)
	for n := range max(seats, sp.Count) {
		if n >= seats || n >= sp.Count {
			w.readyAll()
			continue
		}
		pid := w.s.units[0].slots[n].current.pid
		w.say(w.last, &ipc.Ready{})
		w.say(pid, &ipc.Yielded{Pacing: pacing})
		old = append(old, pid)
	}
	if w.s.roll != nil {
		w.t.Fatalf("it is not live: %+v", w.s.roll)
	}
	return old
}

func (w *world) wantTurns(want turn, pids ...int) {
	w.t.Helper()
	for _, pid := range pids {
		if got := w.s.byPID[pid].turn; got != want {
			w.t.Errorf("turn of process %d: %q, want %q", pid, got, want)
		}
	}
}

func (w *world) wantLimit(want time.Duration, pids ...int) {
	w.t.Helper()
	for _, pid := range pids {
		if got := w.s.byPID[pid].killAt.Sub(w.now); got != want {
			w.t.Errorf("process %d may stay for %v, want %v", pid, got, want)
		}
	}
}

// Processes of one reload close beside each other, those of the next one behind
// them all, and their limit begins then.
func TestReloadsCloseOneBehindTheOther(t *testing.T) {
	w := newWorld(t)
	sp := spec("a", count(2))
	w.serve(sp)
	first, second, third := w.roundOf(sp), w.roundOf(sp), w.roundOf(sp)
	w.wantTurns(hasTurn, first...)
	w.wantTurns(waitsTurn, append(second, third...)...)
	for _, pid := range first {
		if w.told(pid).InLine {
			t.Error("the first were told to stand in line")
		}
	}
	for _, pid := range append(second, third...) {
		if !w.told(pid).InLine {
			t.Error("those of a later reload were not told to stand in line")
		}
	}
	const each = pacing + defaultStopTimeout
	w.wantLimit(each, first...)
	w.wantLimit(2*each, second...)
	w.wantLimit(3*each, third...)

	w.pass(time.Second)
	w.say(first[0], &ipc.TurnOver{})
	w.wantTurns(waitsTurn, second...) // the other one is of another generation
	w.exit(first[1], 9)
	w.wantTurns(hasTurn, second...)
	w.wantTurns(waitsTurn, third...)
	for _, pid := range second {
		w.expect(pid, ipc.TypeTurn)
	}
	w.wantLimit(each, second...)
	w.wantLimit(2*each, third...)
	w.pass(each)
	for _, pid := range second {
		if !w.played(pid).killed {
			t.Errorf("process %d was not killed at its limit", pid)
		}
		w.exit(pid, 9)
	}
	w.wantTurns(hasTurn, third...)
	w.say(first[0], &ipc.Goodbye{})
	for _, pid := range append(third, first[0]) {
		w.exit(pid, 0)
	}
}

// A process whose loop is blocked has not said how long it takes: the others wait
// for it, for as long as it may live.
func TestLineWaitsForABlockedProcess(t *testing.T) {
	w := newWorld(t)
	sp := spec("a")
	w.serve(sp)
	blocked := w.last
	w.reload("again", false)
	w.probe(sp)
	w.say(w.last, &ipc.Ready{})
	w.pass(yieldTimeout) // its seat is taken
	next := w.roundOf(sp)
	w.wantTurns(waitsTurn, next...)
	const left = defaultStopTimeout - yieldTimeout
	w.wantLimit(left, blocked)
	w.wantLimit(left+pacing+defaultStopTimeout, next...)
	w.say(blocked, &ipc.Yielded{Pacing: pacing})
	w.wantLimit(left+pacing, blocked)
	w.wantLimit(left+2*pacing+defaultStopTimeout, next...)
	w.pass(left + pacing)
	if !w.played(blocked).killed || w.played(next[0]).killed {
		t.Error("the wrong one was killed")
	}
	w.exit(blocked, 9)
	w.wantTurns(hasTurn, next...)
}

// Who has nothing to close one after another is in nobody's way.
func TestLineIsOfThoseWhoHaveWebsockets(t *testing.T) {
	for name, change := range map[string]func(*ipc.Spec){
		"none":      count(1),
		"StopFirst": stopFirst,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			sp := spec("a", change)
			w.serve(sp)
			old := w.last
			w.reload("again", false)
			w.probe(sp)
			if w.s.byPID[w.last] != nil && w.last != old {
				w.say(w.last, &ipc.Ready{})
			}
			w.say(old, &ipc.Yielded{})
			w.wantTurns(noTurn, old)
			w.wantLimit(defaultStopTimeout, old)
		})
	}
	w := newWorld(t)
	w.serve(spec("a"))
	old := w.last
	w.reload("again", true)
	w.probe(spec("a"))
	w.say(w.last, &ipc.Ready{})
	w.say(old, &ipc.Yielded{})
	w.wantTurns(noTurn, old)
	next := w.roundOf(spec("a"))
	w.wantTurns(hasTurn, next...) // a graceful drain closes none
}

// Processes of one generation close beside each other, also when a renewal had told
// one of them before, but for those that had the same seat.
func TestRenewedSeatClosesBehindItself(t *testing.T) {
	aging := spec("a", func(sp *ipc.Spec) { sp.Count, sp.MaxAge = 2, time.Minute })
	w := newWorld(t)
	w.serve(aging)
	w.pass(2 * time.Minute)
	seat := w.s.roll.steps[0].slot
	renewed := seat.current.pid
	w.say(w.last, &ipc.Ready{})
	w.say(renewed, &ipc.Yielded{Pacing: pacing})
	old := w.roundOf(aging)
	w.wantTurns(hasTurn, renewed, old[1-seat.number])
	w.wantTurns(waitsTurn, old[seat.number])
	w.exit(renewed, 0)
	w.wantTurns(hasTurn, old...)
}

// Slots and Workers that are gone had their part of the rate too.
func TestLineKnowsRemovedSlots(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	surplus := w.s.units[0].slots[1].current.pid
	old := w.roundOf(spec("a"))
	w.say(surplus, &ipc.Yielded{Pacing: pacing})
	w.wantTurns(hasTurn, old[0], surplus)
	next := w.roundOf(spec("a"))
	w.say(old[0], &ipc.TurnOver{})
	w.wantTurns(waitsTurn, next...)
	w.say(surplus, &ipc.TurnOver{})
	w.wantTurns(hasTurn, next...)
}

// A stop ends the line: everybody closes at once.
func TestStopEndsTheLine(t *testing.T) {
	w := newWorld(t)
	sp := spec("a")
	w.serve(sp)
	all := append(w.roundOf(sp), w.roundOf(sp)...)
	w.told(all[1])
	w.s.onSignal(unix.SIGTERM)
	w.s.reconcile()
	w.wantTurns(noTurn, all...)
	w.wantLimit(defaultStopTimeout, all...)
	if m := w.told(all[1]); m.Restart || m.InLine {
		t.Errorf("told %+v", m)
	}
}

// A seat that is emptied first stays until its process need not wait in line.
func TestSeatIsNotEmptyForTheLine(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	old := w.roundOf(spec("a"))
	current := w.s.units[0].slots[0].current
	w.reload("again", false)
	w.probe(spec("a", stopFirst))
	if !current.toldAt.IsZero() {
		t.Fatal("its seat is empty until the line is")
	}
	w.say(old[0], &ipc.TurnOver{})
	if m := w.told(current.pid); m.InLine {
		t.Errorf("told %+v", m)
	}
}

// A graceful drain that gets a limit is the first of the line, but for who has
// its turn.
func TestHurriedDrainIsTheNext(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	oldest := w.last
	w.reload("again", true)
	w.probe(spec("a"))
	w.say(w.last, &ipc.Ready{})
	w.say(oldest, &ipc.Yielded{})
	second, third := w.roundOf(spec("a")), w.roundOf(spec("a"))
	w.reload("again", true)
	w.probe(spec("a"))
	if !w.told(oldest).Graceful {
		t.Fatal("it was not graceful")
	}
	if m := w.told(oldest); m.Graceful || !m.InLine {
		t.Errorf("told %+v", m)
	}
	w.say(oldest, &ipc.Yielded{Pacing: pacing})
	w.wantLimit(2*(pacing+defaultStopTimeout), oldest)
	w.say(second[0], &ipc.TurnOver{})
	w.wantTurns(hasTurn, oldest)
	w.wantTurns(waitsTurn, third...)
}

// The image that takes over knows who waits for whom.
func TestLineSurvivesAnUpgrade(t *testing.T) {
	w := newWorld(t)
	sp := spec("a")
	w.serve(sp)
	first, second := w.roundOf(sp), w.roundOf(sp)
	w.s.upgrade = &upgrade{gen: w.s.gen}
	next := w.restored(time.Second)
	p, q := next.byPID[first[0]], next.byPID[second[0]]
	if p.turn != hasTurn || q.turn != waitsTurn {
		t.Errorf("turns %q and %q", p.turn, q.turn)
	}
}
