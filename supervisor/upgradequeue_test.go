package supervisor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/workerman-go/wm/ipc"
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
