package supervisor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// isOpen tells whether processes of a generation can still be started.
func isOpen(g *generation) bool {
	_, err := g.file.Stat()
	return err == nil
}

// mixedWorld is a service of one Worker with two slots, whose first is of
// generation 2 and whose second of generation 1: putting back has failed.
func mixedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	old := w.live()
	w.reload("two", false)
	w.probe(spec("a", count(2)))
	w.turn(old[0])
	w.fails = unix.EAGAIN
	w.exit(w.last, 256, "second fails")
	if got := w.generations(); !slices.Equal(got, []int{2, 1}) || w.s.roll != nil {
		t.Fatalf("generations %v", got)
	}
	return w
}

// What a slot is put back to may be of no other slot and not what is live.
func TestExecutablesAreKeptForPuttingBack(t *testing.T) {
	w := mixedWorld(t)
	first := w.s.units[0].slots[0]
	was := first.plan.gen
	r := w.reload("three", false)
	w.probe(spec("a", count(2)))
	w.turn(first.current.pid)
	w.pass(0)
	if first.plan.gen.number != 3 {
		t.Fatalf("generation %d in the first slot", first.plan.gen.number)
	}
	w.s.dropUnused() // as the end of an earlier reload does
	if !isOpen(was) {
		t.Fatal("the executable that the slot goes back to was closed")
	}
	w.exit(w.last, 256, "second fails again")
	w.turn(first.current.pid)
	wantResult(t, r, 1, "everything was put back")
	if got := w.generations(); !slices.Equal(got, []int{2, 1}) {
		t.Errorf("generations %v", got)
	}
}

// Whoever reloads only what is new wants every process to be of that binary.
func TestReloadIfNewRepairsMixedGenerations(t *testing.T) {
	w := mixedWorld(t)
	w.write(w.s.cfg.Executable, "one")
	r := w.ask(w.s.cfg.Executable, "", false)
	r.IfNew = true
	w.deliver(r)
	if w.s.roll == nil {
		t.Fatalf("result %+v while a slot has another program", result(r))
	}
	w.probe(spec("a", count(2)))
	for _, sl := range w.s.slots() {
		w.turn(sl.current.pid)
	}
	wantResult(t, r, 0)
	again := w.ask(w.s.cfg.Executable, "", false)
	again.IfNew = true
	w.deliver(again)
	wantResult(t, again, 0, "runs this program already")
}

// A question that is being worked on when the service stops hears that, not
// that its app has ended the probe.
func TestStopAnswersADiffUnderWay(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"killed": func(w *world) { w.exit(w.last, 9) },
		"done":   func(w *world) { w.probe(spec("a")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a"))
			r := w.diff("two")
			w.s.onSignal(unix.SIGTERM)
			w.s.reconcile()
			end(w)
			plan, res := w.plan(r)
			if plan != nil || res.Code != ipc.CodeFailed || res.Text != stoppingText {
				t.Errorf("plan %+v, result %+v", plan, res)
			}
		})
	}
}

func TestDiffBehindOneThatCannotBeProved(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	reload := w.reload("two", false)
	first, second := w.diff("three"), w.diff("four")
	w.probe(spec("a"))
	w.say(w.last, &ipc.Ready{})
	w.fails = unix.EAGAIN
	w.say(w.live()[0], &ipc.Yielded{})
	if w.s.roll != nil || result(reload) != nil {
		t.Fatal("the reload does not settle")
	}
	wantResult(t, first, 1, "probe")
	if w.s.probe == nil {
		t.Fatal("the second question waits for nothing")
	}
	w.probe(spec("a"))
	if plan, res := w.plan(second); plan == nil || res.Code != 0 {
		t.Errorf("result %+v", res)
	}
}

// kinds is what a command was told so far of one process.
func kinds(r *request, pid int) (got []string) {
	for {
		select {
		case m := <-r.out:
			if p, ok := m.(*ipc.Progress); ok && p.PID == pid {
				got = append(got, p.Kind)
			}
		default:
			return got
		}
	}
}

// The end of a drained process is news for those who wait for it.
func TestProgressGoesToTheReloadThatItBelongsTo(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	old := w.live()
	first := w.reload("two", false)
	w.probe(spec("a", count(2)))
	for range 2 {
		w.say(w.last, &ipc.Ready{})
		w.pass(yieldTimeout)
	}
	next := w.reload("three", false)
	w.probe(spec("a", count(2)))
	kinds(first, 0)
	w.exit(old[0], 0)
	if got := kinds(first, old[0]); !slices.Equal(got, []string{"stopped"}) {
		t.Errorf("the one that settles was told %q", got)
	}
	if got := kinds(next, old[0]); got != nil {
		t.Errorf("the one that rolls was told %q", got)
	}
}

// A process that was told to leave is told again when its reload is put back;
// the time that its pacing takes stays its own.
func TestPuttingBackDoesNotShortenADrain(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	old := w.last
	r := w.reload("two", false)
	w.probe(spec("a"))
	w.say(w.last, &ipc.Ready{})
	w.say(old, &ipc.Yielded{Pacing: 5 * time.Second})
	if w.s.roll != nil {
		t.Fatal("it is not live")
	}
	limit := w.s.byPID[old].killAt
	w.s.tell(w.s.byPID[old], false) // any second order
	w.say(old, &ipc.Yielded{})
	if got := w.s.byPID[old].killAt; !got.Equal(limit) {
		t.Errorf("the limit moved by %v", got.Sub(limit))
	}
	w.exit(old, 0)
	wantResult(t, r, 0)
}

// A follow-up that cannot have the newer executable is over like any other.
func TestFollowUpThatCannotCatchUp(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	exe := w.s.cfg.Executable
	w.write(exe, "two")
	late := w.ask(exe, "", false)
	first := w.reload("three", false)
	w.probe(spec("a"))
	w.deliver(late)
	w.s.roll.gen.file.Close() // as if there were no descriptors
	w.turn(w.live()[0])
	wantResult(t, first, 0)
	wantResult(t, late, 1, "open executable")
	if got := len(w.s.generations); got != 1 {
		t.Errorf("%d executables are open", got)
	}
	w.s.history.Close()
	w.s.history = nil
	got, _, err := rundir.ReadHistory(w.s.cfg.Dir.History, 0)
	if err != nil || len(got) != 3 || got[1].Code != ipc.CodeFailed {
		t.Errorf("history %+v, %v", got, err)
	}
}

// A queue that nobody serves any more only makes clients wait.
func TestKilledProcessOfARemovedWorkerGivesItsAddressBack(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"), spec("b"))
	a, b := w.live()[0], w.live()[1]
	r := w.reload("two", true) // waits for nobody
	w.probe(spec("a"))
	w.turn(a)
	wantResult(t, r, 0)
	if len(w.s.listeners) != 2 {
		t.Fatal("the address of a process that still accepts was closed")
	}
	w.exit(b, 9)
	if got := len(w.s.listeners); got != 1 {
		t.Errorf("%d listeners, want 1", got)
	}
}

func TestEndOfAnOldProcessForgivesNoCrashes(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	old := w.last
	w.pass(time.Minute)
	w.reload("two", true)
	w.probe(spec("a"))
	w.say(w.last, &ipc.Ready{})
	w.say(old, &ipc.Yielded{})
	w.exit(w.last, 256, "panic")
	sl := w.s.units[0].slots[0]
	if sl.crashes != 1 {
		t.Fatalf("%d crashes", sl.crashes)
	}
	w.say(old, &ipc.Goodbye{})
	w.exit(old, 0)
	if sl.crashes != 1 {
		t.Errorf("%d crashes after the end of the old process", sl.crashes)
	}
}

// Clients of an app that is taken back at once find nobody.
func TestUndoneWorkersAreNoRestart(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	r := w.reload("two", false)
	w.probe(spec("b"), spec("a"))
	b := w.last
	w.say(b, &ipc.Ready{})
	w.exit(w.last, 256, "a fails")
	if m := w.told(b); m.Restart {
		t.Errorf("told %+v", m)
	}
	wantResult(t, r, 1, "put back")
}

// Both say the same of one reload: the command and the history.
func TestResultAndHistoryCountAlike(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)), spec("b"), spec("kept", stays))
	pids := w.live()
	w.exit(pids[1], 256, "crashes") // its seat is empty
	r := w.reload("two", false)
	w.probe(spec("a", count(2)), spec("c"), spec("kept", stays))
	w.turn(pids[0])
	for w.s.roll != nil {
		w.say(w.last, &ipc.Ready{})
	}
	w.leave(pids[2])
	const want = "2 started, 1 replaced, 1 removed, 1 kept"
	wantResult(t, r, 0, want)
	w.s.history.Close()
	w.s.history = nil
	got, _, err := rundir.ReadHistory(w.s.cfg.Dir.History, 0)
	if err != nil || len(got) != 2 || got[1].Changed != want || !strings.Contains(got[1].Text, want) {
		t.Errorf("history %+v, %v", got, err)
	}
}

func TestHistoryHasTheUpgradesThatAStopEnds(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	first, next := w.upgrade("new"), w.upgrade("newer")
	child := w.rehearsal()
	w.s.onSignal(unix.SIGTERM)
	delete(w.procs, child) // killed
	wantResult(t, first, 1, stoppingText)
	wantResult(t, next, 1, stoppingText)
	w.s.history.Close()
	w.s.history = nil
	got, _, err := rundir.ReadHistory(w.s.cfg.Dir.History, 0)
	if err != nil || len(got) != 3 || got[1].What != "upgrade" || got[2].Code != ipc.CodeFailed {
		t.Errorf("history %+v, %v", got, err)
	}
}
