package supervisor

import (
	"io"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// watched is a service in debug mode with one Worker and a watcher.
func watched(t *testing.T) (w *world, watcher int) {
	t.Helper()
	w = newWorld(t)
	w.s.cfg.Watch = true
	w.serve(spec("a"))
	w.s.reconcile()
	if w.s.watcher.pid == 0 {
		t.Fatal("there is no watcher")
	}
	return w, w.s.watcher.pid
}

func TestWatcherRunsBesideTheWorkerProcesses(t *testing.T) {
	w, pid := watched(t)
	got := w.played(pid).launch
	if got.handover.Role != ipc.RoleWatcher || got.gen != w.s.gen || got.quiet ||
		got.handover.Watcher.Executable != w.s.cfg.Executable {
		t.Errorf("it is started as %+v", got)
	}
	for _, row := range w.s.snapshot().Processes {
		if row.PID == pid {
			t.Errorf("status shows the watcher: %+v", row)
		}
	}
	w.pass(time.Minute)
	if w.s.watcher.pid != pid {
		t.Error("another one was started beside it")
	}
}

func TestNobodyWatchesUnaskedOrForADaemon(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.s.reconcile()
	if w.s.watcher.pid != 0 {
		t.Error("there is a watcher that nobody asked for")
	}
	w.s.cfg.Watch, w.s.cfg.Daemon = true, true
	w.s.reconcile()
	if w.s.watcher.pid != 0 {
		t.Error("a daemon has a watcher")
	}
}

func TestWatcherIsStartedAgainWithBackoff(t *testing.T) {
	w, pid := watched(t)
	var pauses []time.Duration
	for range 3 {
		w.exit(pid, 9)
		if w.s.watcher.pid != 0 {
			t.Fatal("started again at once")
		}
		pauses = append(pauses, w.s.watcher.wait.Sub(w.now))
		if next := w.s.untilNext(w.now); next > pauses[len(pauses)-1] {
			t.Errorf("the loop sleeps for %v", next)
		}
		w.pass(pauses[len(pauses)-1])
		if pid = w.s.watcher.pid; pid == 0 {
			t.Fatal("not started again")
		}
	}
	if pauses[2] < 2*pauses[0] {
		t.Errorf("the pauses are %v", pauses)
	}
	w.pass(stableAfter)
	w.exit(pid, 9)
	if pause := w.s.watcher.wait.Sub(w.now); pause > pauses[1] {
		t.Errorf("after a long life the pause is %v", pause)
	}
}

func TestWatcherThatCannotBeStartedIsTriedAgain(t *testing.T) {
	w, pid := watched(t)
	w.exit(pid, 9)
	w.fails = io.ErrUnexpectedEOF
	w.pass(time.Second)
	if w.s.watcher.pid != 0 || w.s.watcher.wait.IsZero() {
		t.Fatalf("the watcher is %+v", w.s.watcher)
	}
	w.pass(time.Second)
	if w.s.watcher.pid == 0 {
		t.Error("not tried again")
	}
}

// A watcher that has nothing to watch says so and is not started again.
func TestWatcherThatGivesUpStaysAway(t *testing.T) {
	w, pid := watched(t)
	w.exit(pid, 0)
	w.pass(time.Hour)
	if w.s.watcher.pid != 0 {
		t.Error("it was started again")
	}
}

func TestWatcherEndsWithTheService(t *testing.T) {
	for _, graceful := range []bool{false, true} {
		w, pid := watched(t)
		w.s.leave(graceful)
		w.s.reconcile()
		if !w.s.watcher.link.shut {
			t.Error("its link is open after the stop")
		}
		w.leave(w.live()...)
		if w.s.phase == over {
			t.Error("the master ended before its watcher")
		}
		w.pass(watcherPatience)
		if !w.played(pid).killed {
			t.Error("a watcher that does not end is not killed")
		}
		w.exit(pid, 9)
		if w.s.phase != over {
			t.Errorf("phase %v after the end of the watcher", w.s.phase)
		}
	}
}

// A watcher whose link has ended cannot be told anything any more.
func TestWatcherThatClosesItsLinkIsKilled(t *testing.T) {
	w, pid := watched(t)
	w.s.onMessage(linkMessage{from: w.s.watcher.link, err: io.EOF})
	w.s.reconcile()
	w.pass(watcherPatience)
	if !w.played(pid).killed {
		t.Error("it lives on")
	}
}

// reloadIfNew asks as the watcher does.
func (w *world) reloadIfNew(content string, pid int) *request {
	w.t.Helper()
	w.write(w.s.cfg.Executable, content)
	r := &request{
		Request: ipc.Request{Command: ipc.CommandReload, IfNew: true},
		peer:    ipc.Peer{PID: pid}, out: make(chan ipc.Message, maxReplies),
	}
	r.reload, r.err = w.s.openReload(w.s.cfg.Executable, "", false)
	w.s.onRequest(r)
	w.s.reconcile()
	return r
}

func TestReloadOfWhatRunsIsLeftOut(t *testing.T) {
	w, pid := watched(t)
	live := w.live()
	r := w.reloadIfNew("one", pid)
	if got := result(r); got == nil || got.Code != ipc.CodeDone ||
		got.Text != "generation 1 runs this program already" {
		t.Errorf("result %+v", got)
	}
	if now := w.live(); len(now) != 1 || now[0] != live[0] {
		t.Errorf("processes %v, before %v", now, live)
	}
	if len(w.s.generations) != 1 {
		t.Errorf("%d generations are open", len(w.s.generations))
	}
}

// Who asks without the condition joins one that has it, and gets a reload.
func TestReloadThatJoinsAConditionalOneIsDone(t *testing.T) {
	w, pid := watched(t)
	w.reload("two", false) // runs, so that both wait
	first := w.reloadIfNew("one", pid)
	w.reload("one", false)
	if w.s.queued == nil || w.s.queued.ifNew || w.s.queued.watched {
		t.Errorf("queued: %+v", w.s.queued)
	}
	if got := result(first); got != nil {
		t.Errorf("result %+v", got)
	}
}

// What waits for a reload hears that the new generation is live before the old
// processes are gone.
func TestReloadSaysWhenItIsLive(t *testing.T) {
	w, pid := watched(t)
	old := w.live()[0]
	r := w.reloadIfNew("two", pid)
	w.probe(spec("a"))
	w.readyAll()
	w.say(old, &ipc.Yielded{})
	if kinds := kindsOf(r); kinds[len(kinds)-1] != "live" {
		t.Errorf("steps %v", kinds)
	}
	if len(w.s.settling) == 0 {
		t.Error("the reload did not wait for the old process")
	}
	w.exit(old, 0)
	if got := result(r); got == nil || got.Code != ipc.CodeDone {
		t.Errorf("result %+v", got)
	}
}

// kindsOf takes the steps that were reported up to now.
func kindsOf(r *request) []string {
	var kinds []string
	for {
		select {
		case m := <-r.out:
			if step, ok := m.(*ipc.Progress); ok {
				kinds = append(kinds, step.Kind)
			}
		default:
			return kinds
		}
	}
}
