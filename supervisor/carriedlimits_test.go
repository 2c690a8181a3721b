package supervisor

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// exchange plays an upgrade: from here on w.s is what the new image has built
// from the state of the one before, and everything moves again.
func (w *world) exchange() {
	w.t.Helper()
	old := w.s
	old.upgrade = &upgrade{gen: old.gen} // the one under way
	w.still()
	text, err := old.save(true).Encode()
	must(w.t, err)
	st, err := ipc.DecodeState(text)
	must(w.t, err)
	next := newSupervisor(old.cfg, old.sys)
	_, err = next.restore(st, false)
	must(w.t, err)
	letGo(old)
	close(old.gone)
	must(w.t, next.openLog())
	next.phase, next.served, next.upgrade = serving, true, nil
	for _, p := range next.byPID {
		p.link.thaw()
	}
	if next.watcher.pid != 0 {
		next.watcher.link.thaw()
	}
	for words := range next.words {
		words.thaw()
	}
	next.openHistory()
	next.control.carry()
	w.s = next
	w.s.reconcile()
}

// carriedLimit is a limit that is under way when the master is replaced.
type carriedLimit struct {
	name  string
	begin func(w *world) (due func() bool)
	left  time.Duration // at the upgrade
}

// soon is more than a test can take between two looks at the monotonic clock,
// which does not stand still with that of the world.
const soon = 500 * time.Millisecond

// What the master enforces happens when it would have without an upgrade, not
// before and not much later.
func TestLimitsUnderWayGoOn(t *testing.T) {
	for _, c := range append(drainLimits, lifeLimits...) {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			due := c.begin(w)
			if due() {
				t.Fatal("it is due before the upgrade")
			}
			w.exchange()
			if due() {
				t.Error("it is due at once")
			}
			if left := w.s.untilNext(w.now); left > c.left+soon {
				t.Errorf("the loop sleeps for %v, it is due in %v", left, c.left)
			}
			w.pass(c.left - time.Millisecond)
			if due() {
				t.Errorf("it is due within %v", c.left)
			}
			w.pass(soon)
			if !due() {
				t.Errorf("it is not due after %v", c.left)
			}
		})
	}
}

// of adds limits to a spec.
func of(change func(*ipc.Spec)) ipc.Spec { return spec("a", change) }

// replaced begins a reload of a service of one process that has 5 s to leave:
// its successor is ready, and it was told.
func (w *world) replaced(graceful bool) (old int) {
	w.t.Helper()
	sp := of(func(sp *ipc.Spec) { sp.StopTimeout = 5 * time.Second })
	w.serve(sp)
	old = w.last
	w.reload("two", graceful)
	w.probe(sp)
	w.say(w.last, &ipc.Ready{})
	return old
}

func (w *world) killed(pid int) func() bool {
	return func() bool { return w.played(pid).killed }
}

// drainLimits are those of processes that leave.
var drainLimits = []carriedLimit{
	{"a drain", func(w *world) func() bool {
		old := w.replaced(false)
		w.say(old, &ipc.Yielded{})
		w.pass(2 * time.Second)
		return w.killed(old)
	}, 3 * time.Second},

	{"a paced drain", func(w *world) func() bool {
		old := w.replaced(false)
		w.say(old, &ipc.Yielded{Pacing: 4 * time.Second})
		w.pass(2 * time.Second)
		return w.killed(old)
	}, 7 * time.Second},

	{"a drain that a stop has cut", func(w *world) func() bool {
		old := w.replaced(true)
		w.say(old, &ipc.Yielded{})
		w.pass(time.Hour)
		w.s.tell(w.s.byPID[old], false)
		w.pass(2 * time.Second)
		return w.killed(old)
	}, 3 * time.Second},

	{"the socket of a slot that is gone", func(w *world) func() bool {
		sp := of(func(sp *ipc.Spec) { sp.Count, sp.ReusePort = 2, true })
		w.serve(sp)
		w.reload("two", false)
		sp.Count = 1
		w.probe(sp)
		w.say(w.last, &ipc.Ready{})
		w.leave(w.live()[0])
		w.pass(surplusDrain / 4)
		return func() bool {
			for _, g := range w.s.groups {
				return len(g.sockets) == 1
			}
			return false
		}
	}, surplusDrain * 3 / 4},

	{"a pipe that somebody has inherited", func(w *world) func() bool {
		w.serve(spec("a"))
		p := w.procs[w.last]
		w.t.Cleanup(func() { p.conn.Close(); p.words.Close() })
		w.s.onExit(exit{p.pid, 0})
		delete(w.procs, p.pid)
		w.pass(pipeTimeout / 4)
		return func() bool { return w.s.byPID[p.pid] == nil }
	}, pipeTimeout * 3 / 4},
}

// lifeLimits are those of processes that start and run, and of empty slots.
var lifeLimits = []carriedLimit{
	{"a start", func(w *world) func() bool {
		w.respawn()
		w.pass(10 * time.Second)
		pid := w.last
		return func() bool { return w.s.byPID[pid].late }
	}, 20 * time.Second},

	{"the stacks of a late start", func(w *world) func() bool {
		w.respawn()
		w.pass(30 * time.Second)
		w.pass(dumpPatience / 4)
		return w.killed(w.last)
	}, dumpPatience * 3 / 4},

	{"the stacks of a process that hangs", func(w *world) func() bool {
		w.serve(of(func(sp *ipc.Spec) { sp.HangTimeout = 5 * time.Second }))
		w.say(w.last, &ipc.Report{Figures: ipc.Figures{Busy: 6 * time.Second}})
		for !w.newest().hung {
			w.pass(lookEvery / 4)
		}
		w.pass(dumpPatience / 4)
		return w.killed(w.last)
	}, dumpPatience * 3 / 4},

	{"an age", func(w *world) func() bool {
		w.serve(of(func(sp *ipc.Spec) { sp.MaxAge = time.Hour }))
		w.newest().spread = 1
		w.pass(59 * time.Minute)
		w.s.nextLook = w.now.Add(time.Minute) // else it is late by a look
		return func() bool { return len(w.live()) == 2 }
	}, time.Minute},

	{"a renewal after one that failed", func(w *world) func() bool {
		w.serve(of(func(sp *ipc.Spec) { sp.MaxRequests = 100 }))
		w.say(w.last, &ipc.Report{Figures: ipc.Figures{TotalRequest: 200}})
		w.pass(lookEvery)
		w.exit(w.last, 256)
		w.pass(renewAgain / 3)
		w.s.nextLook = w.now.Add(renewAgain * 2 / 3)
		return func() bool { return len(w.live()) == 2 }
	}, renewAgain * 2 / 3},

	{"the executable that somebody writes", func(w *world) func() bool {
		w.serve(spec("a"))
		w.s.sys.start = func(launch) (*launched, error) { return nil, unix.ETXTBSY }
		w.t.Cleanup(func() { w.s.phase = leaving })
		w.pass(stableAfter)
		w.exit(w.last, 9)
		w.pass(busyTimeout / 4)
		sl := w.s.slots()[0]
		sl.wait = w.now.Add(busyTimeout * 3 / 4)
		return func() bool { return w.s.slots()[0].rest == backoff }
	}, busyTimeout * 3 / 4},

	{"the queue that all look at", func(w *world) func() bool {
		w.serve(spec("a", count(2)))
		w.say(w.last, &ipc.Paused{})
		w.say(w.last, &ipc.Paused{}) // not at once
		return func() bool { return w.s.units[0].kickAt.IsZero() }
	}, kickEvery},

	{"the watcher's pause", func(w *world) func() bool {
		w.s.cfg.Watch = true
		w.serve(spec("a"))
		w.s.reconcile()
		w.exit(w.s.watcher.pid, 9)
		w.s.watcher.wait = w.now.Add(time.Second)
		w.pass(time.Second / 4)
		return func() bool { return w.s.watcher.pid != 0 }
	}, time.Second * 3 / 4},

	{"the watcher's end", func(w *world) func() bool {
		w.s.cfg.Watch = true
		w.serve(spec("a"))
		w.s.reconcile()
		pid := w.s.watcher.pid
		w.s.onMessage(linkMessage{from: w.s.watcher.link, err: fmt.Errorf("gone")})
		w.pass(0)
		w.pass(watcherPatience / 4)
		return w.killed(pid)
	}, watcherPatience * 3 / 4},
}

// respawn is a service whose process has crashed and has a successor that
// starts.
func (w *world) respawn() {
	w.t.Helper()
	w.serve(spec("a"))
	w.pass(2 * stableAfter)
	w.exit(w.last, 9)
	w.pass(0)
	if p := w.newest(); p.state != starting {
		w.t.Fatalf("process %d is %v", p.pid, p.state)
	}
}

// Who has not answered for HangTimeout is found by the image that is there then.
func TestSilenceGoesOn(t *testing.T) {
	w := newWorld(t)
	w.serve(of(func(sp *ipc.Spec) { sp.HangTimeout = 10 * time.Second }))
	pid := w.last
	w.say(pid, &ipc.Report{})
	for range 6 {
		w.pass(lookEvery)
	}
	w.exchange()
	for range 6 {
		w.pass(lookEvery)
		if w.s.byPID[pid].hung {
			t.Fatal("it is taken for one that hangs before its time")
		}
	}
	w.pass(lookEvery)
	if !w.s.byPID[pid].hung {
		t.Error("a process that is silent for more than HangTimeout and two looks does not hang")
	}
}

// A process that is late to say how long its closes take gets its time.
func TestPacingThatIsToldAfterTheUpgradeCounts(t *testing.T) {
	w := newWorld(t)
	old := w.replaced(false)
	w.pass(yieldTimeout) // the seat is forfeited, and the next operation may begin
	w.exchange()
	w.say(old, &ipc.Yielded{Pacing: 4 * time.Second})
	w.pass(9*time.Second - yieldTimeout - time.Millisecond)
	if w.played(old).killed {
		t.Error("killed before its closes and its StopTimeout are over")
	}
	w.pass(soon)
	if !w.played(old).killed {
		t.Error("not killed after its closes and its StopTimeout")
	}
}
