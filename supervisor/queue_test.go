package supervisor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

func wantResult(t *testing.T, r *request, code int, pieces ...string) {
	t.Helper()
	res := result(r)
	if res == nil || res.Code != code {
		t.Fatalf("result %+v, want code %d", res, code)
	}
	for _, piece := range pieces {
		if !strings.Contains(res.Text, piece) {
			t.Errorf("%q does not say %q", res.Text, piece)
		}
	}
}

// A process that does not leave delays the answer of its own reload, not the
// code of the next one.
func TestSettlingReloadDoesNotBlockTheNext(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	stuck := w.last
	first := w.reload("two", false)
	w.probe(spec("a"))
	w.say(w.last, &ipc.Ready{})
	w.pass(yieldTimeout)
	second := w.newest().pid

	next := w.reload("three", false)
	w.probe(spec("a"))
	w.turn(second)
	wantResult(t, next, 0, "generation 3 is live")
	if result(first) != nil {
		t.Error("the first reload was answered while its old process lives")
	}
	if got := w.s.stateWord(); got != "reloading" {
		t.Errorf("state %q while a reload settles", got)
	}
	w.pass(defaultStopTimeout)
	if !w.procs[stuck].killed {
		t.Fatal("the old process was not killed")
	}
	w.exit(stuck, 9)
	wantResult(t, first, 0, "generation 2 went live, generation 3 has followed", "had to be killed")
	if got := w.s.stateWord(); got != "running" {
		t.Errorf("state %q in the end", got)
	}
}

func TestStopAnswersWhatSettlesAndWhatWaits(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	settling := w.reload("two", false)
	w.probe(spec("a"))
	w.say(w.last, &ipc.Ready{})
	w.pass(yieldTimeout)
	running := w.reload("three", false)
	waiting := w.reload("four", false)
	w.s.onSignal(unix.SIGTERM)
	w.reconcile()
	wantResult(t, settling, 1, "generation 2 went live", stoppingText)
	wantResult(t, running, 1, stoppingText)
	wantResult(t, waiting, 1, stoppingText)
	wantResult(t, w.reload("five", false), 1, stoppingText)
}

// Each of those that were merged hears what became of its own code.
func TestMergedReloadThatFailsTellsEachTheTruth(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	first := w.reload("two", false)
	same, other := w.reload("three", false), w.reload("four", false)
	w.write(w.s.cfg.Executable, "two")
	live := w.ask(w.s.cfg.Executable, "", false)
	bad := w.reload("bad", false)
	w.probe(spec("a"))
	w.deliver(live) // too late to join the first
	w.turn(w.live()[0])
	w.pass(0)
	wantResult(t, first, 0)
	w.probe(spec("a"))
	w.exit(w.last, 256, "panic: bad")
	for _, r := range []*request{same, other} {
		wantResult(t, r, 1, "panic: bad", "is not live; generation 2 goes on")
	}
	wantResult(t, live, 1, "panic: bad", "is live as generation 2")
	res := result(bad)
	if res == nil || res.Code != 1 || strings.Contains(res.Text, "newer binary") {
		t.Errorf("result %+v", res)
	}
}

// A reload that joins is named in the log and makes an unhurried one hurry.
func TestJoinTellsTheGracefulOne(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	graceful := w.reload("two", true)
	hasty := w.reload("two", false)
	if w.s.roll.graceful {
		t.Error("the joined reload is graceful")
	}
	note, ok := (<-graceful.out).(*ipc.Progress)
	if !ok || note.Kind != "note" || !strings.Contains(note.Text, "not graceful") {
		t.Errorf("the first was told %+v", note)
	}
	w.probe(spec("a"))
	w.turn(w.live()[0])
	wantResult(t, graceful, 0)
	wantResult(t, hasty, 0)
}

// A follow-up waits for a renewal's new process, not for the old one's end; and
// two renewals do not drain at once.
func TestReloadBehindARenewal(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2), func(sp *ipc.Spec) { sp.MaxAge = time.Hour }))
	w.pass(2 * time.Hour)
	if w.s.roll == nil || w.s.roll.renewal == nil {
		t.Fatal("no renewal")
	}
	r := w.reload("two", false)
	w.say(w.last, &ipc.Ready{})
	w.pass(yieldTimeout)
	w.pass(0)
	if !w.s.renewing() || w.s.roll == nil || w.s.roll.renewal != nil {
		t.Fatal("the reload did not begin beside the drain of the renewed process")
	}
	w.probe(spec("a", count(2)))
	for range 2 {
		w.say(w.last, &ipc.Ready{})
		w.pass(yieldTimeout)
	}
	for _, pid := range w.live() {
		if p := w.s.byPID[pid]; p.state == stopping {
			w.exit(pid, 0)
		}
	}
	wantResult(t, r, 0)
	if got := w.generations(); !slices.Equal(got, []int{2, 2}) || len(w.live()) != 2 {
		t.Errorf("generations %v, processes %v", got, w.live())
	}
}

// An undo under way is no reload to join: its binary has failed already.
func TestReloadBehindAnUndo(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	old := w.live()
	first := w.reload("two", false)
	w.probe(spec("a", count(2)))
	w.turn(old[0])
	w.exit(w.last, 256, "fails")
	again := w.reload("two", false)
	w.turn(w.s.units[0].slots[0].current.pid)
	wantResult(t, first, 1, "fails")
	w.pass(0)
	w.probe(spec("a", count(2)))
	for range 2 {
		w.say(w.last, &ipc.Ready{})
		w.pass(yieldTimeout)
	}
	for _, pid := range w.live() {
		if w.s.byPID[pid].state == stopping {
			w.exit(pid, 0)
		}
	}
	wantResult(t, again, 0)
}

// Signals take the road of the commands.
func TestSignalsJoinAndWait(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	r := w.reload("two", false)
	w.signal(unix.SIGUSR1) // joins
	w.probe(spec("a"))
	w.signal(unix.SIGUSR2)
	w.signal(unix.SIGUSR1)
	w.reconcile()
	if q := w.s.queued; q == nil || q.graceful || len(q.by) != 2 {
		t.Fatalf("queued %+v", q)
	}
	w.turn(w.live()[0])
	wantResult(t, r, 0)
	w.pass(0)
	w.probe(spec("a"))
	w.turn(w.live()[0])
	if got := w.generations(); !slices.Equal(got, []int{3}) || w.s.queued != nil || w.s.roll != nil {
		t.Errorf("generations %v", got)
	}
}
