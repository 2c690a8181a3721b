package supervisor

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

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
