package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/ipc"
)

func TestUpgradePrintsStepsAndResult(t *testing.T) {
	m := startFake(t, reloading(
		&ipc.Progress{Kind: "rehearse", Text: "wm 0.2.0 takes the state over, as a child"},
		&ipc.Result{Text: "wm 0.1.0 -> 0.2.0, pid 77, window 23 ms"},
	))
	command(t, m.dir, "upgrade").wants(t, ipc.CodeDone, "rehearse wm 0.2.0",
		"upgrade success: wm 0.1.0 -> 0.2.0, pid 77, window 23 ms")
	got := m.lastAsked()
	if got.Command != ipc.CommandUpgrade || got.Binary != "" || got.InstallAs != "" {
		t.Errorf("asked %+v", got)
	}
	r := command(t, m.dir, "upgrade", "-q")
	r.wants(t, ipc.CodeDone, "upgrade success")
	if strings.Contains(r.out, "rehearse") {
		t.Errorf("steps in spite of -q:\n%s", r.out)
	}
}

func TestRefusedUpgrade(t *testing.T) {
	m := startFake(t, reloading(
		&ipc.Result{Code: ipc.CodeFailed, Text: "the rehearsal ended (exit status 2)"},
	))
	r := command(t, m.dir, "upgrade")
	r.wants(t, ipc.CodeFailed, "the rehearsal ended (exit status 2)")
	if strings.Contains(r.out, "success") {
		t.Errorf("printed\n%s", r.out)
	}
}

// The master asked for a file is told its whole name, and that of the file
// behind the link by which the service is called.
func TestUpgradeToAFile(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "wm-1"), filepath.Join(dir, "wm")
	if err := os.WriteFile(real, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	m := startFake(t, func(r ipc.Request) []ipc.Message {
		return []ipc.Message{&ipc.Snapshot{Executable: link}, new(ipc.Result)}
	})
	command(t, m.dir, "upgrade", "--binary", "wm-2").wants(t, ipc.CodeDone, "upgrade success")
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	got := m.lastAsked()
	if got.Binary != filepath.Join(wd, "wm-2") || got.InstallAs != real {
		t.Errorf("asked %+v", got)
	}
}

// A master that ends without a result is gone for good: no guard has caught
// what happened to it.
func TestMasterGoneInAnUpgrade(t *testing.T) {
	m := startFake(t, func(r ipc.Request) []ipc.Message {
		if r.Command == ipc.CommandUpgrade {
			return nil
		}
		return reloading()(r)
	}, ipc.CommandUpgrade)
	command(t, m.dir, "upgrade").wants(t, ipc.CodeFailed, "the master is gone")
}

func TestUpgradeTakesNoApps(t *testing.T) {
	command(t, runDir(t), "upgrade", "--app", "chat").wants(t, ipc.CodeUsage, "start and restart")
}
