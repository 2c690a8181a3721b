package supervisor

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// quiet is how long a master with nothing to do sleeps at least.
const quiet = time.Minute

func TestLoopSleepsWhileOthersTakeTheirTime(t *testing.T) {
	cases := []struct {
		name string
		play func(w *world)
	}{
		{"a blocked loop in a graceful drain", func(w *world) {
			w.reload("two", true)
			w.probe(spec("a"))
			w.say(w.last, &ipc.Ready{})
			w.pass(yieldTimeout)
		}},
		{"a killed process that does not die", func(w *world) {
			w.s.onSignal(unix.SIGTERM)
			w.s.reconcile()
			w.pass(defaultStopTimeout)
			if !w.procs[w.last].killed {
				w.t.Fatal("not killed")
			}
		}},
		{"nothing", func(w *world) {}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a"))
			c.play(w)
			w.pass(time.Second)
			if got := w.s.untilNext(w.now); got < quiet {
				t.Errorf("the loop wakes in %v", got)
			}
		})
	}
}

func TestStableLifeForgetsCrashes(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	for range 6 {
		w.exit(w.last, 256)
		w.pass(time.Minute)
		w.say(w.last, &ipc.Ready{})
	}
	w.pass(stableAfter)
	w.exit(w.last, 9)
	w.say(w.last, &ipc.Ready{})
	w.exit(w.last, 9)
	if sl := w.s.units[0].slots[0]; sl.crashes != 1 {
		t.Errorf("%d crashes are remembered, want 1", sl.crashes)
	}
}

func TestKicksOfAUnitAreJoined(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	first, second := w.live()[0], w.live()[1]
	w.say(first, &ipc.Paused{})
	w.expect(second, ipc.TypeKick)
	for range 100 {
		w.say(first, &ipc.Paused{})
	}
	w.pass(kickEvery)
	w.expect(second, ipc.TypeKick)
	w.s.byPID[second].link.send(&ipc.Seated{})
	w.played(second).conn.SetDeadline(time.Now().Add(5 * time.Second))
	if m, _, err := w.played(second).conn.Recv(); err != nil || m.Type() != ipc.TypeSeated {
		t.Errorf("got %v, %v, want no further kick", m, err)
	}
}

func TestSignalsDuringTheFirstProbe(t *testing.T) {
	w := newWorld(t)
	if err := w.s.begin(); err != nil {
		t.Fatal(err)
	}
	w.s.reconcile()
	w.s.onSignal(unix.SIGABRT)
	w.s.onSignal(unix.SIGUSR1)
	w.s.onSignal(unix.SIGINT)
	w.s.reconcile()
	w.exit(w.last, 9)
	if w.s.phase != over || w.s.err != nil {
		t.Errorf("phase %v, error %v", w.s.phase, w.s.err)
	}
}
