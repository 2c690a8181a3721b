package supervisor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

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

// What waited over an exec was carried with its executable, of which nothing is left
// when it is refused.
func TestCarriedUpgradeLeavesNoExecutable(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	r := w.upgrade("new")
	w.s.generations[w.s.upgrade.gen] = true // as restored
	w.endRehearsal(0)
	wantResult(t, r, 1, "wm.new:")
	if got := len(w.s.generations); got != 1 {
		t.Errorf("%d executables are held", got)
	}
}

// The reload that the master was upgraded for comes before the upgrades behind it:
// else it would take the master back to its own version.
func TestReloadComesBeforeLaterUpgrades(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	first := w.upgrade("first")
	second := w.upgrade("second")
	r := w.reload("two", false)
	w.s.queued.upgraded = true // as restored
	w.endRehearsal(0)
	wantResult(t, first, 1, "wm.first:")
	w.reconcile()
	if w.s.roll == nil || w.s.upgrade != nil {
		t.Fatal("the upgrade that was asked for later began first")
	}
	w.probe(spec("a"))
	w.readyAll()
	w.leave(w.live()[0])
	wantResult(t, r, 0)
	w.reconcile()
	w.endRehearsal(0)
	wantResult(t, second, 1, "wm.second:")
}

// A command that has joined the upgrade of a reload has its own entry in wm.history,
// also when both are refused.
func TestUpgradeThatJoinsThatOfAReloadIsRemembered(t *testing.T) {
	w := newWorld(t)
	w.s.cfg.WM = "1" // what the probe of the world says
	w.serve(spec("a"))
	w.s.cfg.WM = "2"
	r := w.reload("other", false)
	w.probe(spec("a"))
	w.write(w.s.cfg.Executable+".other", "other")
	asker := rundir.Asker{UID: 7, PID: 42}
	u, err := newUpgrade(w.s.cfg.Executable+".other", "")
	must(t, err)
	u.by = []rundir.Asker{asker}
	w.s.requestUpgrade(u)
	w.endRehearsal(0)
	wantResult(t, r, 1, "cannot be upgraded")
	w.s.closeHistory()
	got, _, err := rundir.ReadHistory(w.s.cfg.Dir.History, 0)
	must(t, err)
	last := got[len(got)-1]
	if last.What != "upgrade" || len(last.By) != 1 || last.By[0] != asker || last.Code == 0 {
		t.Errorf("the last entry is %+v", last)
	}
}
