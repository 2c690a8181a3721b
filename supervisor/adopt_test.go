package supervisor

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/wayback"
)

// restored is the master that w is, after a standstill.
func (w *world) restored(stood time.Duration) *Supervisor {
	w.t.Helper()
	w.still()
	st := w.s.save(true)
	if stood > 0 {
		st.Mono = monotonic() - int64(stood)
	}
	text, err := st.Encode()
	must(w.t, err)
	st, err = ipc.DecodeState(text)
	must(w.t, err)
	next := newSupervisor(w.s.cfg, w.s.sys)
	_, err = next.restore(st, false)
	must(w.t, err)
	must(w.t, next.openLog())
	w.t.Cleanup(func() { letGo(next); w.s.thaw() })
	return next
}

// While the master stands still it hears nobody: who has answered meanwhile, or
// was about to, must not be taken for one that hangs or is late.
func TestTheStandstillIsNobodysDelay(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", func(sp *ipc.Spec) { sp.HangTimeout = time.Second }))
	p := w.newest()
	w.say(p.pid, &ipc.Report{})
	w.s.upgrade = &upgrade{gen: w.s.gen} // the one under way
	const stood = time.Minute
	p.readyBy, p.killAt = w.now.Add(time.Second), w.now.Add(2*time.Second)
	w.s.units[0].slots[0].wait = w.now.Add(time.Second)
	next := w.restored(stood)
	w.now = w.now.Add(stood)
	next.phase = serving
	next.lookAfter(w.now)
	next.killLate(w.now)
	q := next.byPID[p.pid]
	if q.hung || q.late || q.killed {
		t.Errorf("hung %v, late %v, killed %v", q.hung, q.late, q.killed)
	}
	if left := q.killAt.Sub(w.now); left < 2*time.Second || left > 10*time.Second {
		t.Errorf("is killed in %v, want 2s", left)
	}
	if !next.units[0].slots[0].wait.After(w.now) {
		t.Error("the backoff is over too early")
	}
}

// What is read from the state must not follow a clock that somebody sets.
func TestCarriedLimitsDoNotFollowTheWallClock(t *testing.T) {
	now := time.Now()
	r := &restorer{now: now}
	limit := r.delayed(now.Add(time.Minute).Round(0))
	if got := limit.Sub(now); got != time.Minute || limit == limit.Round(0) {
		t.Errorf("%v from now, monotonic %v", got, limit != limit.Round(0))
	}
	began := r.since(now.Add(-time.Minute).Round(0))
	if got := now.Sub(began); got != time.Minute || began == began.Round(0) {
		t.Errorf("%v ago, monotonic %v", got, began != began.Round(0))
	}
	sv := &saver{now: setAhead(now)}
	if got := sv.at(now.Add(time.Minute)).Sub(sv.now.Round(0)); got != time.Minute {
		t.Errorf("what is due in a minute is saved as due in %v", got)
	}
	if !r.delayed(time.Time{}).IsZero() || !r.since(time.Time{}).IsZero() {
		t.Error("a limit where none was")
	}
}

// setAhead is t as the clock tells it when somebody has set it an hour ahead: the
// monotonic part stays, see type time.Time.
func setAhead(t time.Time) time.Time {
	const second = 1 << 30
	*(*uint64)(unsafe.Pointer(&t)) += 3600 * second
	return t
}

// Who asks what a reload would do is served by the next image as if the
// question came now; the binary is read beside the loop.
func TestQuestionForAPlanIsAskedAgain(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.s.upgrade = &upgrade{gen: w.s.gen} // the one under way
	mine, fd, err := ipc.Pair()
	must(t, err)
	theirs, err := ipc.FromDescriptor(fd)
	must(t, err)
	defer theirs.Close()
	r := &request{Request: ipc.Request{Command: ipc.CommandDiff}, out: make(chan ipc.Message, 4)}
	w.s.control.callers[&caller{conn: mine, request: r}] = true
	next := w.restored(0)
	defer mine.Close()
	defer clear(w.s.control.callers)
	next.control.carry()
	again := <-next.requests
	if again.Command != ipc.CommandDiff || again.err != nil || again.gen.digest != w.s.gen.digest {
		t.Fatalf("asked %+v", again)
	}
	again.gen.close()
	again.finish(ipc.CodeDone, "the plan")
	if m, _, err := theirs.Recv(); err != nil || m.(*ipc.Result).Text != "the plan" {
		t.Errorf("answered %+v, %v", m, err)
	}
	next.control.ln.Close()
	next.control.open.Wait()
}

// Package wayback writes a hand-over without what could write JSON.
func TestWayBackIsAHandoverForTheOldImage(t *testing.T) {
	cfg := Config{Args: []string{`"adopt":{"image":9`, "\"role\":\"worker\"\n"}, Daemon: true}
	told := &ipc.AdoptHandover{State: 7, Image: 12, Signals: []int{10, 1}}
	want := cfg.adoptHandover(ipc.RoleMaster, told)
	entry, err := want.Encode()
	must(t, err)
	name, text, _ := strings.Cut(entry, "=")
	image, back, found := wayback.Back(text)
	if !found || image != told.Image {
		t.Fatalf("descriptor %d, %v", image, found)
	}
	t.Setenv(name, back)
	got, err := ipc.TakeHandover()
	must(t, err)
	if got.Master.Adopt.Reason == "" {
		t.Error("no reason")
	}
	told.Image, told.Reason, want.Version = -1, got.Master.Adopt.Reason, ipc.Version
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
