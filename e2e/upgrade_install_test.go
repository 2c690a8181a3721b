package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// wantAlone reports what lies beside a binary in its folder.
func wantAlone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the binary: %v, %v", entries, err)
	}
}

// wantCopy reports when the service does not begin with this binary.
func (u *upgradable) wantCopy(t *testing.T, binary string) {
	t.Helper()
	if !sameContent(t, binary, u.bin) {
		t.Errorf("%s is no copy of %s", u.bin, binary)
	}
	wantAlone(t, u.bin)
}

// Whoever goes back to the binary that the master still runs gets it for all that
// follows, too.
func TestUpgradeToWhatRunsInstallsIt(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	if err := install(built.labB, u.bin); err != nil {
		t.Fatal(err)
	}
	u.run("reload").wantCode(0)
	if got := mustFetch(t, u.address, "/build"); got != "b" {
		t.Fatalf("build %q answers", got)
	}
	u.run("upgrade", "--binary", built.lab).wantCode(0).wantText("upgrade success",
		"already runs this binary, and "+u.bin+" is a copy of it now")
	u.wantCopy(t, built.lab)
	u.run("reload").wantCode(0)
	if got := mustFetch(t, u.address, "/build"); got != "a" {
		t.Errorf("after the way back build %q answers", got)
	}
	history := u.history()
	if e := history[len(history)-2]; e.What != "upgrade" || e.Code != 0 || e.Changed == "" {
		t.Errorf("in the history %+v", e)
	}

	// What is there already is not written again.
	before, err := os.Stat(u.bin)
	if err != nil {
		t.Fatal(err)
	}
	u.run("upgrade", "--binary", built.lab).wantCode(0)
	if after, err := os.Stat(u.bin); err != nil || !os.SameFile(before, after) {
		t.Errorf("the file is another one, %v", err)
	}
	u.wantClients()
}

// Upgrades in line leave the file of the last one.
func TestUpgradesInLineInstallTheLast(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, labEvil.binary(t))
	flag := filepath.Join(t.TempDir(), "waits")
	write(t, u.evil, "rehearse wait "+flag)
	first := u.begin(nil, "upgrade", "--binary", built.lab)
	waitFor(t, eventLimit, "the first rehearses", func() bool { return !missing(flag) })
	second := u.begin(nil, "upgrade", "--binary", labNext.binary(t))
	third := u.begin(nil, "upgrade", "--binary", labNext.binary(t))
	if err := os.Remove(flag); err != nil {
		t.Fatal(err)
	}
	u.wait(first).wantCode(0)
	u.wait(second).wantCode(0)
	u.wait(third).wantCode(0)
	u.wantSameLives(0)
	snap := u.snapshot()
	want := built.lab // when that one was the slowest to connect
	if snap.Version == otherVersion {
		want = labNext.binary(t)
	}
	u.wantCopy(t, want)
}

// What cannot be renamed behind the commit is said, and is no success.
func TestUpgradeThatCannotBeRenamed(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	evil := labEvil.binary(t)
	write(t, u.evil, "committed folder "+u.bin)
	r := u.run("upgrade", "--binary", evil).wantCode(1)
	r.wantText("the master is wm "+otherVersion+" now, but "+u.bin+" could not become its binary",
		"the next reload or restart begins with the old one")
	wantAlone(t, u.bin)
	target := u.bin
	u.bin = evil
	u.wantVersion(otherVersion)
	u.wantSameLives(0)
	history := u.history()
	if e := history[len(history)-1]; e.What != "upgrade" || e.Code != 1 {
		t.Errorf("in the history %+v", e)
	}
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	u.run("upgrade", "--binary", evil).wantCode(0).wantText(target + " is a copy of it now")
	u.bin = target
	u.wantCopy(t, evil)
}

// A copy whose upgrade is refused, put back or overtaken by a stop goes again.
func TestUpgradeThatFailsLeavesNoCopy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		evil string
		old  bool // who does it
		code int
	}{
		{"quiesce nofiles", true, 1},
		{"exec signal SIGTERM", true, 1},
		{"quiesce signal SIGTERM", true, 1},
		{"adopt panic", false, 1},
		{"commit panic", false, 1},
		{"restore hang", false, 1},
	} {
		t.Run(c.evil, func(t *testing.T) {
			t.Parallel()
			from, to := built.lab, labEvil.binary(t)
			if c.old {
				from, to = to, labNext.binary(t)
			}
			u := newUpgradable(t, from)
			write(t, u.evil, c.evil)
			r := u.run("upgrade", "--binary", to)
			if r.code != c.code && len(u.processes()) > 0 && !c.old {
				t.Errorf("exit status %d: %s", r.code, r.out)
			}
			if u.run("status").code != 0 {
				u.waitGone(eventLimit)
				u.clients.stop()
			}
			if r.code == 0 {
				from = to // the evil came too late to hinder it
			}
			u.wantCopy(t, from)
		})
	}
}

// Wherever a master is killed, the next one leaves nothing of its copy.
func TestUpgradeOfAKilledMasterLeavesNoCopy(t *testing.T) {
	t.Parallel()
	for _, step := range slices.Concat(oldSteps, newSteps) {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			from, to := built.lab, labEvil.binary(t)
			if slices.Contains(oldSteps, step) {
				from, to = to, labNext.binary(t)
			}
			u := newUpgradable(t, from)
			write(t, u.evil, step+" signal SIGKILL")
			u.run("upgrade", "--binary", to)
			serviceGone(t, u, result{})
			u.wantCopy(t, from)
			// What is left behind a running one goes with its next upgrade.
			write(t, filepath.Join(filepath.Dir(u.bin), ".wm.install4711"), "half a copy")
			u.run("upgrade", "--binary", to).wantCode(0)
			u.wantCopy(t, to)
		})
	}
}

// While a copy is there other services of the same binary leave it alone.
func TestUpgradeBesideAnotherService(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, labEvil.binary(t))
	flag := filepath.Join(t.TempDir(), "waits")
	write(t, u.evil, "exec wait "+flag)
	upgrade := u.begin(nil, "upgrade", "--binary", labNext.binary(t))
	waitFor(t, eventLimit, "the copy is there", func() bool { return !missing(flag) })
	other := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=1")
	other.bin = u.bin
	other.start()
	entries, err := os.ReadDir(filepath.Dir(u.bin))
	if err != nil || len(entries) != 2 {
		t.Errorf("beside the binary: %v, %v", entries, err)
	}
	if err := os.Remove(flag); err != nil {
		t.Fatal(err)
	}
	u.wait(upgrade).wantCode(0).wantText("upgrade success")
	u.wantCopy(t, labNext.binary(t))
}

// Every command that is refused is in the history.
func TestHistoryHasRefusedCommands(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o755); err != nil {
		t.Fatal(err)
	}
	var want []string
	refused := func(what, text string, args ...string) {
		u.run(args...).wantCode(1)
		want = append(want, fmt.Sprintf("%s 1 %s", what, text))
	}
	refused("upgrade", "open "+filepath.Dir(pipe)+": not a regular file",
		"upgrade", "--binary", filepath.Dir(pipe))
	refused("upgrade", "open "+pipe+": not a regular file", "upgrade", "--binary", pipe)
	refused("upgrade", "open /nope: no such file or directory", "upgrade", "--binary", "/nope")
	service := u.bin
	u.bin = built.lab // to have commands
	if err := os.Remove(service); err != nil {
		t.Fatal(err)
	}
	refused("reload", "open "+service+": no such file or directory", "reload")
	var got []string
	for _, e := range u.history()[1:] {
		got = append(got, fmt.Sprintf("%s %d %s", e.What, e.Code, e.Text))
		if len(e.By) != 1 || e.By[0].PID == 0 {
			t.Errorf("asked by %v", e.By)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("in the history %q, want %q", got, want)
	}
}
