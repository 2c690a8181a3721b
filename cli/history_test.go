package cli

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// The history is there when nothing runs, and says so when it is damaged.
func TestHistoryWithoutAMaster(t *testing.T) {
	dir := runDir(t)
	command(t, dir, "history").wants(t, ipc.CodeDone, "WM HISTORY")
	for n, what := range []string{"start", "reload", "stop"} {
		e := rundir.HistoryEntry{
			Time: time.Unix(int64(n), 0), What: what, By: []rundir.Asker{{UID: 3, PID: 100 + n}},
		}
		if err := rundir.AppendHistory(dir.History, e); err != nil {
			t.Fatal(err)
		}
	}
	command(t, dir, "history").wants(t, ipc.CodeDone, "uid 3, pid 100", "uid 3, pid 102")
	r := command(t, dir, "history", "-n", "1")
	r.wants(t, ipc.CodeDone, "uid 3, pid 102")
	if want := "pid 101"; strings.Contains(r.out, want) {
		t.Errorf("-n 1 prints %s:\n%s", want, r.out)
	}
	command(t, dir, "history", "--json", "-n", "0").wants(t, ipc.CodeDone, `"schema": 1`, `"pid": 100`)
	for _, n := range []string{"x", "1.5"} {
		command(t, dir, "history", "-n", n).wants(t, ipc.CodeUsage, "is no number of entries")
	}
	if err := os.WriteFile(dir.History, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, dir, "history").wants(t, ipc.CodeDone, "left out: 1 damaged line")
}
