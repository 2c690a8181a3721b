package supervisor

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// upgrade asks for one to a binary with this content, as the command would.
func (w *world) upgrade(content string) *request {
	w.t.Helper()
	path := w.s.cfg.Executable + "." + content
	w.write(path, content)
	r := &request{
		Request: ipc.Request{Command: ipc.CommandUpgrade},
		out:     make(chan ipc.Message, maxReplies),
	}
	r.upgrade, r.err = newUpgrade(path, "")
	w.s.onRequest(r)
	w.reconcile()
	return r
}

// rehearsal is the pid of the one that runs.
func (w *world) rehearsal() int {
	w.t.Helper()
	u := w.s.upgrade
	if u == nil || u.child == nil {
		w.t.Fatal("no rehearsal runs")
	}
	if got := w.played(u.child.pid).launch.handover.Role; got != ipc.RoleRehearsal {
		w.t.Fatalf("role %q", got)
	}
	return u.child.pid
}

// endRehearsal plays its end; what it said comes first.
func (w *world) endRehearsal(status int, messages ...ipc.Message) {
	w.t.Helper()
	pid := w.rehearsal()
	child, p := w.s.upgrade.child, w.played(pid)
	for _, m := range messages {
		w.s.onMessage(linkMessage{from: child.link, m: m})
	}
	delete(w.procs, pid)
	p.words.WriteString("last words\n")
	p.words.Close()
	p.conn.Close()
	<-child.words.done
	w.s.onMessage(linkMessage{from: child.link, err: unix.ECONNRESET})
	w.s.onExit(exit{pid, status})
	w.reconcile()
}

func (w *world) wantRefused(r *request, says ...string) {
	w.t.Helper()
	got := result(r)
	if got == nil || got.Code != ipc.CodeFailed {
		w.t.Fatalf("the upgrade ended with %+v", got)
	}
	for _, text := range says {
		if !strings.Contains(got.Text, text) {
			w.t.Errorf("%q does not say %q", got.Text, text)
		}
	}
	if w.s.upgrade != nil || w.s.phase != serving {
		w.t.Errorf("phase %v, upgrade %v", w.s.phase, w.s.upgrade)
	}
}

func TestRehearsalThatFailsRefusesTheUpgrade(t *testing.T) {
	cases := []struct {
		name string
		play func(w *world)
		want string
	}{
		{"exits", func(w *world) { w.endRehearsal(3 << 8) }, "exit status 3"},
		{"says why", func(w *world) {
			w.endRehearsal(1<<8, &ipc.Failed{Text: "state of version 9"})
		}, "state of version 9"},
		{"takes too long", func(w *world) {
			pid := w.rehearsal()
			w.pass(rehearsalTimeout)
			if !w.procs[pid].killed {
				w.t.Fatal("a late rehearsal was not killed")
			}
			w.endRehearsal(9)
		}, "within 10s"},
		{"takes longer than the master may stand still", func(w *world) {
			pid := w.rehearsal()
			w.pass(adoptTimeout + time.Second)
			w.s.onMessage(linkMessage{from: w.s.upgrade.child.link, m: &ipc.Adopted{}})
			w.reconcile()
			delete(w.procs, pid) // killed
		}, "it took 3s until it had read the state"},
		{"is changed", func(w *world) {
			pid := w.rehearsal()
			w.write(w.s.upgrade.gen.path, "other")
			w.s.onMessage(linkMessage{from: w.s.upgrade.child.link, m: &ipc.Adopted{}})
			w.reconcile()
			delete(w.procs, pid) // killed
		}, "was changed while it was rehearsed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a"))
			r := w.upgrade("new")
			c.play(w)
			w.wantRefused(r, c.want, "nothing was changed")
		})
	}
}

func TestExecutableThatIsWrittenIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.fails = unix.ETXTBSY
	r := w.upgrade("new")
	w.pass(busyRetry)
	w.rehearsal()
	w.endRehearsal(0)
	w.wantRefused(r, "exit status 0", "last words")
}

// Nothing else begins while an upgrade is under way, and it begins when nothing
// else is.
func TestUpgradesAndReloadsTakeTurns(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	first := w.reload("two", false)
	second := w.upgrade("new")
	if w.s.upgrade != nil {
		t.Fatal("an upgrade began beside a reload")
	}
	third := w.upgrade("newer")
	w.probe(spec("a"))
	w.readyAll()
	w.leave(w.live()[0])
	if got := result(first); got == nil || got.Code != ipc.CodeDone {
		t.Fatalf("the reload ended with %+v", got)
	}
	fourth := w.reload("three", false)
	if w.s.roll != nil {
		t.Fatal("a reload began beside an upgrade")
	}
	w.endRehearsal(0)
	wantResult(t, second, 1, "wm.new:")
	w.reconcile()
	if w.s.roll != nil {
		t.Fatal("a reload began before an upgrade that waited")
	}
	w.endRehearsal(0)
	wantResult(t, third, 1, "wm.newer:")
	w.reconcile()
	if w.s.roll == nil {
		t.Fatal("the reload that waited did not begin")
	}
	w.probe(spec("a"))
	w.readyAll()
	w.leave(w.live()[0])
	if got := result(fourth); got == nil || got.Code != ipc.CodeDone {
		t.Errorf("the reload ended with %+v", got)
	}
}

// A reload to another wm version waits for the upgrade and is refused with it;
// an upgrade that waited meanwhile has its turn.
func TestReloadOfAnotherVersionNeedsAnUpgrade(t *testing.T) {
	w := newWorld(t)
	w.s.cfg.WM = "1" // what the probe of the world says
	w.serve(spec("a"))
	w.s.cfg.WM = "2"
	r := w.reload("other", false)
	other := w.upgrade("new")
	w.probe(spec("a"))
	if w.s.upgrade == nil || w.s.upgrade.then == nil || w.s.roll != nil {
		t.Fatal("no upgrade for the reload")
	}
	w.endRehearsal(248 << 8)
	got := result(r)
	if got == nil || got.Code != ipc.CodeFailed || !strings.Contains(got.Text, "cannot be upgraded") {
		t.Errorf("the reload ended with %+v", got)
	}
	w.reconcile()
	w.endRehearsal(0)
	w.wantRefused(other, "exit status 0")
	if w.s.lastNumber != 1 || len(w.s.generations) != 1 {
		t.Errorf("generation %d is the last, %d are open", w.s.lastNumber, len(w.s.generations))
	}
}

func TestStopCancelsUpgrades(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	first := w.upgrade("new")
	second := w.upgrade("newer")
	pid := w.rehearsal()
	w.s.leave(false)
	for _, r := range []*request{first, second, w.upgrade("newest")} {
		if got := result(r); got == nil || got.Text != "the service is stopping" {
			t.Errorf("the upgrade ended with %+v", got)
		}
	}
	if !w.procs[pid].killed {
		t.Error("the rehearsal runs on")
	}
	delete(w.procs, pid)
	w.pass(time.Second)
}
