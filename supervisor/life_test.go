package supervisor

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

func TestStartFillsEverySlotInOrder(t *testing.T) {
	w := newWorld(t)
	var told *ipc.Snapshot
	w.s.cfg.Started = func(s *ipc.Snapshot) { told = s }
	w.serve(spec("a", count(2)), spec("b"))
	if got := len(w.live()); got != 3 {
		t.Fatalf("%d processes, want 3", got)
	}
	if want := []string{"a", "b"}; !slices.Equal(w.bound, want) {
		t.Errorf("bound %v, want %v", w.bound, want)
	}
	if told == nil || len(told.Processes) != 3 {
		t.Errorf("Started was told %+v", told)
	}
	h := w.procs[w.live()[1]].launch.handover.Worker
	if h.Slot != 1 || h.Spec.Key != "a" || !h.Seated || h.Generation != 1 {
		t.Errorf("second process was told %+v", h)
	}
}

func TestStartFailsWhenAProcessIsNotReady(t *testing.T) {
	cases := []struct {
		name string
		play func(w *world, pid int)
		want string
	}{
		{"exits", func(w *world, pid int) { w.exit(pid, 256, "panic: no database") }, "no database"},
		{"says why", func(w *world, pid int) {
			w.say(pid, &ipc.Failed{Code: 250, Text: "OnWorkerStart: refused"})
			w.exit(pid, 64000)
		}, "OnWorkerStart: refused"},
		{"takes too long", func(w *world, pid int) {
			w.pass(31 * time.Second)
			w.expect(pid, ipc.TypeDump)
			w.pass(dumpPatience)
			if !w.procs[pid].killed {
				w.t.Fatal("a late process was not killed")
			}
			w.exit(pid, 9)
		}, "not ready within 30s"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if err := w.s.begin(); err != nil {
				t.Fatal(err)
			}
			w.probe(spec("a", count(2)))
			first, second := w.live()[0], w.live()[1]
			w.say(first, &ipc.Ready{})
			c.play(w, second)
			w.expect(first, ipc.TypeDrain)
			w.leave(first)
			if w.s.phase != over || w.s.err == nil || !strings.Contains(w.s.err.Error(), c.want) ||
				!strings.Contains(w.s.err.Error(), "a/1") {
				t.Errorf("phase %v, error %v, want %q of a/1", w.s.phase, w.s.err, c.want)
			}
		})
	}
}

func TestStartFailsWhenTheProbeDoes(t *testing.T) {
	bad := spec("a")
	bad.Error, bad.Source = "unknown scheme", "apps/a/start.go:7"
	cases := []struct {
		name string
		play func(w *world, pid int)
		want string
	}{
		{"panics", func(w *world, pid int) {
			w.say(pid, &ipc.Announce{App: "chat"})
			w.exit(pid, 512, "panic: boom")
		}, "app chat: Start ended the process (exit status 2):\n    panic: boom"},
		{"uses the loop", func(w *world, pid int) {
			w.say(pid, &ipc.Announce{App: "chat"})
			w.exit(pid, 512, "panic: runtime error: invalid memory address or nil pointer dereference")
		}, "app chat: Start ended the process (exit status 2). Start only declares: worker.Self, " +
			"worker.Loop and connections exist from OnWorkerStart on:\n    panic: runtime error"},
		{"never returns", func(w *world, pid int) {
			w.say(pid, &ipc.Announce{App: "chat"})
			w.pass(11 * time.Second)
			w.exit(pid, 9)
		}, "app chat: Start did not return within 10s"},
		{"panics in an init", func(w *world, pid int) {
			w.exit(pid, 512, "panic: boom")
		}, "the program ended (exit status 2) before its first app: in the init of a package, " +
			"or in main before cli.Main:\n    panic: boom"},
		{"hangs in an init", func(w *world, pid int) {
			w.pass(11 * time.Second)
			w.exit(pid, 9)
		}, "the program did not come to its first app within 10s: in the init of a package, " +
			"or in main before cli.Main"},
		{"one address twice", func(w *world, pid int) {
			w.probe(spec("a", at(":1"), from("a.go:1")), spec("b", at(":1"), from("b.go:2")))
		}, "worker b (b.go:2): tcp://b is taken by worker a already (a.go:1)"},
		{"a bad address", func(w *world, pid int) { w.probe(bad) },
			"worker a (apps/a/start.go:7): unknown scheme"},
		{"nothing declared", func(w *world, pid int) { w.probe() }, "no app declares a Worker"},
		{"a port in use", func(w *world, pid int) {
			w.taken["a"] = true
			w.probe(spec("a", from("apps/a/start.go:7")))
		}, "worker a (apps/a/start.go:7): listen tcp://a: address already in use"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if err := w.s.begin(); err != nil {
				t.Fatal(err)
			}
			c.play(w, w.last)
			if w.s.phase != over || w.s.err == nil || !strings.Contains(w.s.err.Error(), c.want) {
				t.Errorf("phase %v, error %v, want %q", w.s.phase, w.s.err, c.want)
			}
		})
	}
}

func TestCrashIsReplacedInItsSlot(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	w.pass(time.Minute)
	first := w.live()[0]
	w.exit(first, 9)
	p := w.newest()
	if p.slot.number != 0 || p.state != starting {
		t.Errorf("the replacement sits in slot %d, %v", p.slot.number, p.state)
	}
	if got := w.s.units[0].exits[9]; got == nil || got.all != 1 || got.unexpected != 1 {
		t.Errorf("exit table %+v, want one unexpected 9", got)
	}
	w.expect(w.live()[0], ipc.TypeKick)
}

func TestSlotBacksOffAfterEarlyExits(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	pid := w.live()[0]
	for n := 1; n <= 12; n++ {
		w.exit(pid, 256, "panic: again")
		sl := w.s.units[0].slots[0]
		if sl.state() != backoff {
			t.Fatalf("crash %d: slot is %v, want backoff", n, sl.state())
		}
		delay := sl.wait.Sub(w.now)
		want := min(100*time.Millisecond<<(n-1), 30*time.Second)
		if delay < want*8/10 || delay > want*12/10 {
			t.Errorf("crash %d: pause %v, want about %v", n, delay, want)
		}
		row := w.s.snapshot().Processes[0]
		if row.State != "backoff" || row.Crashes != n || row.LastWords != "panic: again" {
			t.Errorf("crash %d: row %+v", n, row)
		}
		w.pass(delay)
		pid = w.newest().pid
	}
	w.say(pid, &ipc.Ready{})
	w.pass(stableAfter)
	w.exit(pid, 256)
	if sl := w.s.units[0].slots[0]; sl.state() != starting {
		t.Errorf("after a stable life the slot is %v, want starting at once", sl.state())
	}
}

func TestEndsThatAreNoCrash(t *testing.T) {
	cases := []struct {
		name   string
		lived  time.Duration
		status int
		want   state
	}{
		{"0 after two seconds", 2 * time.Second, 0, starting},
		{"0 at once", 100 * time.Millisecond, 0, backoff},
		{"1 after nine seconds", 9 * time.Second, 256, backoff},
		{"1 after ten seconds", 10 * time.Second, 256, starting},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a"))
			w.pass(c.lived)
			w.say(w.last, &ipc.Goodbye{})
			w.exit(w.last, c.status)
			if got := w.s.units[0].slots[0].state(); got != c.want {
				t.Errorf("slot is %v, want %v", got, c.want)
			}
		})
	}
}

func TestStopWaitsAndKillsTheLate(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	first, second := w.live()[0], w.live()[1]
	r := &request{Request: ipc.Request{Command: ipc.CommandStop}, out: make(chan ipc.Message, 9)}
	w.s.onRequest(r)
	w.s.reconcile()
	w.expect(first, ipc.TypeDrain)
	w.leave(first)
	w.pass(9 * time.Second)
	if w.procs[second].killed {
		t.Fatal("killed before the stop timeout")
	}
	w.pass(2 * time.Second)
	if !w.procs[second].killed {
		t.Fatal("not killed after the stop timeout")
	}
	if w.s.phase == over {
		t.Fatal("over while a process lives")
	}
	w.exit(second, 9)
	if got := result(r); w.s.phase != over || got == nil || got.Code != 0 {
		t.Errorf("phase %v, result %+v", w.s.phase, got)
	}
}

func TestGracefulStopHasNoLimitUntilAskedAgain(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.s.leave(true)
	if d := w.expect(w.last, ipc.TypeDrain).(*ipc.Drain); !d.Graceful {
		t.Errorf("drain %+v", d)
	}
	w.pass(time.Hour)
	if w.procs[w.last].killed {
		t.Fatal("a graceful stop killed")
	}
	w.s.leave(false)
	if d := w.expect(w.last, ipc.TypeDrain).(*ipc.Drain); d.Graceful {
		t.Errorf("second drain %+v", d)
	}
	w.pass(11 * time.Second)
	if !w.procs[w.last].killed {
		t.Error("the second stop did not limit the first")
	}
}

func TestGracefulStopKeepsThoseThatOthersNeed(t *testing.T) {
	w := newWorld(t)
	needed := spec("b", count(2))
	needed.StopLast = true
	w.serve(spec("a", count(2)), needed)
	pids := w.live()
	w.s.leave(true)
	w.expect(pids[0], ipc.TypeDrain)
	w.expect(pids[1], ipc.TypeDrain)
	w.leave(pids[0])
	w.pass(time.Hour)
	if !w.s.byPID[pids[2]].toldAt.IsZero() {
		t.Fatal("told before the others were gone")
	}
	w.leave(pids[1])
	for _, pid := range pids[2:] {
		if d := w.expect(pid, ipc.TypeDrain).(*ipc.Drain); !d.Graceful {
			t.Errorf("drain %+v", d)
		}
	}
	w.leave(pids[2])
	w.leave(pids[3])
	if w.s.phase != over {
		t.Errorf("phase %v", w.s.phase)
	}
}

func TestStopTellsAllAtOnce(t *testing.T) {
	needed := spec("b")
	needed.StopLast = true
	for name, graceful := range map[string]bool{"ordinary": false, "after a graceful one": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a"), needed)
			if graceful {
				w.s.leave(true)
			}
			w.s.leave(false)
			if d := w.expect(w.live()[1], ipc.TypeDrain).(*ipc.Drain); d.Graceful {
				t.Errorf("drain %+v", d)
			}
		})
	}
}

func TestSpawnFailureBacksOff(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.pass(time.Minute)
	w.fails = errors.New("out of processes")
	w.exit(w.last, 9)
	sl := w.s.units[0].slots[0]
	if sl.state() != backoff || !strings.Contains(sl.lastCause, "out of processes") {
		t.Errorf("slot is %v, cause %q", sl.state(), sl.lastCause)
	}
}

func TestTransitionsAreComplete(t *testing.T) {
	for s := vacant; s <= backoff; s++ {
		if len(transitions[s]) == 0 || s.String() == "" {
			t.Errorf("state %d has no row or no name", s)
		}
	}
	p := &process{state: backoff}
	if p.step(isReady) || p.state != backoff {
		t.Error("a pair that is not in the table moved the process")
	}
}

// A start that cannot start one process ends there: what came after it would
// be told of nothing.
func TestStartEndsAtTheFirstFailedSpawn(t *testing.T) {
	w := newWorld(t)
	if err := w.s.begin(); err != nil {
		t.Fatal(err)
	}
	w.s.reconcile()
	probe := w.last
	w.say(probe, &ipc.Specs{Specs: []ipc.Spec{spec("a", count(4))}}, &ipc.Done{Version: "1"})
	w.fails = errors.New("resource temporarily unavailable")
	w.exit(probe, 0)
	if w.s.phase != over || w.last != probe {
		t.Errorf("phase %v, %d processes were started", w.s.phase, w.last-probe)
	}
	if err := w.s.err; err == nil || !strings.Contains(err.Error(), "a/0: resource temporarily") {
		t.Errorf("error %v", err)
	}
}

// What a respawn was killed for is in the log and in status, as it is told of a
// start and of a reload.
func TestRespawnThatIsNotReadyInTimeSaysSo(t *testing.T) {
	w := newWorld(t)
	w.respawn()
	w.pass(30 * time.Second)
	w.pass(dumpPatience)
	w.exit(w.last, 9)
	if got := w.s.slots()[0].lastCause; got != "not ready within 30s" {
		t.Errorf("the cause is %q", got)
	}
	if text := w.logged(); !strings.Contains(text, "is not ready within 30s, is killed") {
		t.Errorf("wm.log says\n%s", text)
	}
}
