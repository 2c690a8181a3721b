package supervisor

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
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

// Each upgrade is done for itself, in order of arrival; one joins only the one
// before it.
func TestUpgradesAreDoneInOrder(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	var asked []*request
	for _, c := range []struct{ content, note string }{
		{"a", ""}, {"a", "joins the upgrade to "}, {"b", "waits for the upgrade to "},
		{"c", "waits for the upgrade to "}, {"c", "joins the upgrade to "},
		{"b", "waits for the upgrade to "}, {"a", "waits for the upgrade to "},
	} {
		r := w.upgrade(c.content)
		asked = append(asked, r)
		if c.note != "" {
			wantNote(t, r, c.note)
		}
	}
	for _, turn := range []struct {
		content string
		asked   []int
	}{{"a", []int{0, 1}}, {"b", []int{2}}, {"c", []int{3, 4}}, {"b", []int{5}}, {"a", []int{6}}} {
		if got := w.s.upgrade.gen.path; got != w.s.cfg.Executable+"."+turn.content {
			t.Fatalf("the upgrade under way is to %s, want %s", got, turn.content)
		}
		w.endRehearsal(0)
		for _, i := range turn.asked {
			wantResult(t, asked[i], 1, "rehearsal of "+w.s.cfg.Executable+"."+turn.content)
		}
		w.reconcile()
	}
	if !w.s.quiet() || len(w.s.generations) != 1 {
		t.Errorf("upgrade %v, %d executables are open", w.s.upgrade, len(w.s.generations))
	}
}

// wantNote reads what a command is told before its result.
func wantNote(t *testing.T, r *request, text string) {
	t.Helper()
	select {
	case m := <-r.out:
		note, ok := m.(*ipc.Progress)
		if !ok || note.Kind != "note" || !strings.Contains(note.Text, text) {
			t.Fatalf("told %+v, want %q", m, text)
		}
	default:
		t.Fatalf("told nothing, want %q", text)
	}
}

func TestUpgradesThatWaitAreBounded(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.upgrade("first")
	for n := range maxUpgrades {
		w.upgrade(fmt.Sprint(n))
	}
	wantResult(t, w.upgrade("more"), 1, "upgrades wait already")
	if got := len(w.s.upgrades); got != maxUpgrades {
		t.Errorf("%d wait", got)
	}
	pid := w.rehearsal()
	w.s.leave(false)
	delete(w.procs, pid)
}

// verified brings an upgrade to where only the standstill is missing. Its exec
// fails: what the world upgrades to is text.
func (w *world) verified(content string) *request {
	w.t.Helper()
	w.s.reaper = reap(w.s.exits, w.s.gone)
	r := w.upgrade(content)
	pid := w.rehearsal()
	w.t.Cleanup(func() {
		signal.Stop(w.s.signals)
		signal.Reset(masterSignals...)
		delete(w.procs, pid)
	})
	w.s.onMessage(linkMessage{from: w.s.upgrade.child.link, m: &ipc.Adopted{}})
	w.reconcile()
	return r
}

// However long a binary is read for somebody, others are answered; the upgrade
// goes on when it is read, or says who holds it up.
func TestPauseNeverCostsAnAnswer(t *testing.T) {
	for _, ends := range []bool{true, false} {
		t.Run(fmt.Sprint("ends ", ends), func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a"))
			c := w.s.control
			slow, err := ipc.DialControl(c.path)
			must(t, err)
			defer slow.Close()
			cl := w.callerOf(1)
			c.startReading(cl)
			r := w.verified("new")
			w.pass(answerTimeout - time.Millisecond)
			w.wantPong()
			for range 3 {
				w.passTo(pausing)
				w.pass(pauseTimeout)
				w.wantPong()
			}
			if ends {
				c.endReading(cl)
				w.passTo(pausing)
				w.waitForExec()
				wantNote(t, r, "rehearses")
				wantNote(t, r, "/slow is being read for pid")
				w.wantRefused(r, "execute ") // it has come to the exec
			} else {
				w.pass(quietTimeout)
				w.pass(pauseTimeout)
				w.wantRefused(r, "could not stand still", "/slow is being read for pid ",
					fmt.Sprint(os.Getpid()))
				c.endReading(cl)
			}
			w.wantPong()
		})
	}
}

// passTo lets time pass until the upgrade is at a stage.
func (w *world) passTo(stage upgradeStage) {
	w.t.Helper()
	for range 1000 {
		if w.s.upgrade == nil {
			w.t.Fatal("no upgrade is under way")
		}
		if w.s.upgrade.stage == stage {
			return
		}
		w.pass(10 * time.Millisecond)
	}
	w.t.Fatalf("stage %d, never %d", w.s.upgrade.stage, stage)
}

// waitForExec lets callers come to rest, in which no time passes. The exec
// fails.
func (w *world) waitForExec() {
	w.t.Helper()
	timeout := time.After(10 * time.Second)
	for w.s.upgrade != nil {
		select {
		case <-w.s.pokes:
		case <-timeout:
			w.t.Fatal("the callers do not come to rest")
		}
		w.reconcile()
	}
}

// callerOf waits for the one caller that has connected.
func (w *world) callerOf(n int) *caller {
	c := w.s.control
	for {
		c.mu.Lock()
		for cl := range c.callers {
			if len(c.callers) == n {
				c.mu.Unlock()
				return cl
			}
		}
		c.mu.Unlock()
		runtime.Gosched()
	}
}

// startReading plays a command whose binary is on a slow disk.
func (c *control) startReading(cl *caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asking++
	cl.reads = "/slow"
}

func (c *control) endReading(cl *caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cl.reads != "" {
		c.asking--
		cl.reads = ""
	}
}

// wantPong asks the master whether it answers.
func (w *world) wantPong() {
	w.t.Helper()
	conn, err := ipc.DialControl(w.s.control.path)
	must(w.t, err)
	defer conn.Close()
	must(w.t, conn.Send(&ipc.Request{Command: ipc.CommandPing}))
	select {
	case r := <-w.s.requests:
		w.s.onRequest(r)
	case <-time.After(10 * time.Second):
		w.t.Fatal("nobody may ask")
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if m, _, err := conn.Recv(); err != nil {
		w.t.Fatalf("got %+v, %v", m, err)
	}
}

// Who has connected, and has sent nothing or the half of a request, does not
// hold an upgrade up.
func TestSilentCallersDoNotHoldUpAnUpgrade(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	nothing, err := ipc.DialControl(w.s.control.path)
	must(t, err)
	defer nothing.Close()
	half, err := ipc.DialControl(w.s.control.path)
	must(t, err)
	defer half.Close()
	recs, err := ipc.Records(&ipc.Request{Command: strings.Repeat("x", 100_000)})
	must(t, err)
	must(t, half.SendRecord(recs[0]))
	w.callerOf(2)
	r := w.verified("new")
	w.waitForExec()
	w.wantRefused(r, "execute ")
	w.wantPong()
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
