package supervisor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// ask opens a binary as a command does; deliver hands it to the loop.
func (w *world) ask(path, install string, graceful bool) *request {
	w.t.Helper()
	r := &request{
		Request: ipc.Request{Command: ipc.CommandReload, Graceful: graceful},
		out:     make(chan ipc.Message, maxReplies),
	}
	var err error
	if r.reload, err = w.s.openReload(path, install, graceful); err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) deliver(requests ...*request) {
	for _, r := range requests {
		w.s.onRequest(r)
	}
	w.reconcile()
}

// build writes what a command has built beside the binary.
func (w *world) build(content string) (next string) {
	w.t.Helper()
	next = filepath.Join(w.s.cfg.Dir.Path, ".wm.next")
	w.replace(next, content)
	return next
}

// replace gives a new file the name path, as a package manager does. Times of
// files are as coarse as the kernel's tick.
func (w *world) replace(path, content string) {
	w.t.Helper()
	was := changedAt(w.t, w.s.cfg.Executable)
	for {
		w.write(path+".new", content)
		if err := os.Rename(path+".new", path); err != nil {
			w.t.Fatal(err)
		}
		if changedAt(w.t, path).After(was) {
			return
		}
	}
}

func changedAt(t *testing.T, path string) time.Time {
	t.Helper()
	g, err := openGeneration(path)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	return g.changed
}

// content is the executable that holds the first seat.
func (w *world) content() string {
	w.t.Helper()
	text := make([]byte, 100)
	n, _ := w.s.slots()[0].current.plan.gen.file.ReadAt(text, 0)
	return string(text[:n])
}

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

// Requests reach the loop in another order than they found their binaries.
func TestFollowUpIsTheNewestBinary(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	first := w.reload("two", false)
	exe := w.s.cfg.Executable
	w.write(exe, "three")
	older := w.ask(exe, "", false)
	w.write(exe, "four")
	newer := w.ask(exe, "", false)
	w.deliver(newer, older)
	w.probe(spec("a"))
	w.turn(w.live()[0])
	w.pass(0)
	wantResult(t, first, 0)
	w.probe(spec("a"))
	w.turn(w.live()[0])
	wantResult(t, older, 0, "a newer binary than the one that was asked for")
	if res := result(newer); res == nil || res.Code != 0 || strings.Contains(res.Text, "newer") {
		t.Errorf("result %+v", res)
	}
	if got := w.content(); got != "four" {
		t.Errorf("%q runs", got)
	}
}

// A request that found its binary before that of the reload under way, and
// arrives after it, must not bring the older code back.
func TestLateRequestDoesNotGoBack(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	exe := w.s.cfg.Executable
	w.write(exe, "two")
	late := w.ask(exe, "", false)
	first := w.reload("three", false)
	w.probe(spec("a"))
	w.deliver(late)
	w.turn(w.live()[0])
	wantResult(t, first, 0)
	w.pass(0)
	w.probe(spec("a"))
	w.turn(w.live()[0])
	wantResult(t, late, 0, "a newer binary than the one that was asked for")
	if got := w.content(); got != "three" {
		t.Errorf("%q runs", got)
	}
}

// A reload by name that comes while a build goes live means what has the name
// then: the build.
func TestReloadByNameBehindABuild(t *testing.T) {
	for _, c := range []struct {
		name    string
		replace bool // something else is put there meanwhile
		want    string
	}{
		{"build", false, "built"},
		{"replaced", true, "by hand"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a"))
			exe := w.s.cfg.Executable
			built := w.ask(w.build("built"), exe, false)
			w.deliver(built)
			w.probe(spec("a")) // it rolls
			if c.replace {
				w.replace(w.build("by hand"), "by hand")
				if err := os.Rename(w.build("by hand"), exe); err != nil {
					t.Fatal(err)
				}
			}
			named := w.ask(exe, "", false)
			w.deliver(named)
			w.turn(w.live()[0])
			wantResult(t, built, 0)
			w.pass(0)
			w.probe(spec("a"))
			w.turn(w.live()[0])
			wantResult(t, named, 0)
			if got := w.content(); got != c.want {
				t.Errorf("%q runs, want %q", got, c.want)
			}
		})
	}
}

// The same, when both wait: the build is the newer one.
func TestBuildAndNameWaitTogether(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.reload("two", false)
	w.probe(spec("a"))
	exe := w.s.cfg.Executable
	built := w.ask(w.build("built"), exe, false)
	named := w.ask(exe, "", false)
	w.deliver(built, named)
	w.turn(w.live()[0])
	w.pass(0)
	w.probe(spec("a"))
	w.turn(w.live()[0])
	wantResult(t, built, 0)
	wantResult(t, named, 0)
	if text, _ := os.ReadFile(exe); w.content() != "built" || string(text) != "built" {
		t.Errorf("%q runs and %q is installed", w.content(), text)
	}
}

// The binary gets its name when it goes live: a drain that lasts must not bring
// an older one back under it.
func TestInstallHappensWhenTheCodeGoesLive(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	exe := w.s.cfg.Executable
	stuck := w.last
	first := w.ask(w.build("first"), exe, false)
	w.deliver(first)
	w.probe(spec("a"))
	w.say(w.last, &ipc.Ready{})
	w.pass(yieldTimeout) // settles
	second := w.ask(w.build("second"), exe, false)
	w.deliver(second)
	w.probe(spec("a"))
	w.turn(w.last - 2)
	wantResult(t, second, 0)
	w.exit(stuck, 0)
	wantResult(t, first, 0)
	if text, _ := os.ReadFile(exe); string(text) != "second" {
		t.Errorf("%q is installed", text)
	}
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

// No descriptor is left of binaries that were merged away.
func TestMergedBinariesAreClosed(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.reload("two", false)
	for _, content := range []string{"three", "four", "five", "six"} {
		w.reload(content, false)
	}
	if got := len(w.s.generations); got != 3 {
		t.Errorf("%d executables are open, want 3: live, under way, waiting", got)
	}
}

// An app that comes back while a blocked process of it still holds its address
// gets the socket that is there.
func TestRemovedAddressComesBackWhileItIsHeld(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"), spec("b"))
	a, b := w.live()[0], w.live()[1]
	first := w.reload("two", false)
	w.probe(spec("a"))
	w.turn(a)
	a = w.last // holds the seat of a; b does not answer
	second := w.reload("three", false)
	w.taken["b"] = true // nobody can bind it now
	w.probe(spec("a"), spec("b"))
	w.turn(a)
	w.say(w.last, &ipc.Ready{})
	wantResult(t, second, 0)
	w.exit(b, 9)
	wantResult(t, first, 0, "generation 3 has followed")
	if got := len(w.s.listeners); got != 2 {
		t.Errorf("%d listeners, want 2", got)
	}
}

func TestHistoryOfAService(t *testing.T) {
	w := newWorld(t)
	w.s.cfg.Daemon = false
	w.serve(spec("a", count(2)), spec("gone"))
	old := w.live()
	r := w.reload("two", false)
	r2 := w.reload("two", false)
	w.probe(spec("a", count(2)))
	w.turn(old[0])
	w.turn(old[1])
	w.leave(old[2])
	wantResult(t, r, 0)
	wantResult(t, r2, 0)
	w.signal(unix.SIGUSR1)
	w.reconcile()
	w.say(w.last, &ipc.Failed{Text: "app broken"})
	w.exit(w.last, 256)
	w.s.onSignal(unix.SIGTERM)
	w.reconcile()
	w.leave(w.live()...)

	got, damaged, err := rundir.ReadHistory(w.s.cfg.Dir.History, 0)
	if err != nil || damaged != 0 || len(got) != 4 {
		t.Fatalf("%d entries, %d damaged, %v: %+v", len(got), damaged, err, got)
	}
	for i, want := range []struct {
		what, changed string
		code, by      int
		signal        string
	}{
		{"start", "3 processes started", 0, 1, ""},
		{"reload", "2 replaced, 1 removed", 0, 2, ""},
		{"reload", "", 1, 1, "SIGUSR1"},
		{"stop", "2 processes stopped", 0, 1, "SIGTERM"},
	} {
		e := got[i]
		if e.What != want.what || e.Changed != want.changed || e.Code != want.code ||
			len(e.By) != want.by || e.By[0].Signal != want.signal || e.MasterPID != os.Getpid() {
			t.Errorf("entry %d: %+v, want %+v", i, e, want)
		}
	}
	if !strings.Contains(got[2].Text, "app broken") {
		t.Errorf("text %q", got[2].Text)
	}
}
