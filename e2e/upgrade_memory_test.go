package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// noWrites lets a process write no file beyond its first byte: memory without a
// name, wm.log and wm.history are such files. The kernel sends SIGXFSZ with every
// write that it refuses.
func noWrites(t *testing.T, pid int) (again func()) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &before); err != nil {
		t.Fatal(err)
	}
	none := &unix.Rlimit{Cur: 1, Max: before.Max}
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, none, nil); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &before, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// A state that memory has no place for refuses the upgrade: that of the rehearsal,
// and that of the exec, when everything stands still already.
func TestUpgradeWithoutMemoryForItsState(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"rehearse", "state"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			u := newUpgradable(t, labEvil.binary(t))
			there := filepath.Join(t.TempDir(), "there")
			write(t, u.evil, step+" wait "+there)
			up := u.begin(nil, "upgrade", "--binary", labNext.binary(t))
			waitFor(t, eventLimit, "step "+step, func() bool { return !missing(there) })
			again := noWrites(t, u.before.MasterPID)
			if err := os.Remove(there); err != nil {
				t.Fatal(err)
			}
			u.wait(up).wantCode(1).wantText("memory for the state: file too large", "nothing was changed")
			u.wantSameLives(0)
			again()
			u.wantWorking()
		})
	}
}

// A master that can write nothing loses lines of its log, and does all else.
func TestMasterThatCannotWrite(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	again := noWrites(t, u.before.MasterPID)
	u.run("upgrade", "--binary", labNext.binary(t)).wantCode(1).wantText("file too large")
	u.run("reload").wantCode(0)
	u.waitWhole("web", 2)
	u.wantClients()
	u.clients.stop()
	// Its processes have the same limit, and no harm of it.
	kill(t, u.snapshot().pidsOf("web")[0], sigKill)
	snap := u.waitWhole("web", 2)
	if snap.MasterPID != u.before.MasterPID || snap.exitCount("web", 9) != 1 {
		t.Errorf("master %d, exits %v", snap.MasterPID, snap.Exits)
	}
	again()
	u.run("reload").wantCode(0)
	u.look()
	u.run("upgrade", "--binary", labNext.binary(t)).wantCode(0)
	u.wantSameLives(0)
	u.wantLog("upgraded, wm ")
	u.run("history").wantCode(0).wantText("upgrade  ok")
}
