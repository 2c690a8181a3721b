package e2e

import (
	"strings"
	"testing"
)

// A reload that brings another wm replaces the master first, then the
// processes, and is one command.
func TestReloadOfAnotherVersionUpgradesFirst(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	if err := install(labNext.binary(t), u.bin); err != nil {
		t.Fatal(err)
	}
	r := u.run("reload").wantCode(0)
	r.wantText("reload success")
	snap := u.waitWhole("web", 2)
	if snap.MasterPID != u.before.MasterPID || snap.Version != otherVersion ||
		snap.Generation != u.before.Generation+1 {
		t.Errorf("master %d wm %s, generation %d", snap.MasterPID, snap.Version, snap.Generation)
	}
	if got := mustFetch(t, u.address, "/build"); got != "next" {
		t.Errorf("build %q answers", got)
	}
	log := u.log()
	up, re := strings.Index(log, otherVersion), strings.Index(log, "reload complete")
	if up < 0 || re < up {
		t.Errorf("in wm.log the upgrade is at %d, the reload at %d", up, re)
	}
	u.wantClients()
	u.look()
	u.wantWorking()
}

// By a signal it takes the same road.
func TestReloadBySignalUpgradesFirst(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	if err := install(labNext.binary(t), u.bin); err != nil {
		t.Fatal(err)
	}
	kill(t, u.before.MasterPID, sigReload)
	u.waitSnapshot("another master and the next generation", func(snap snapshot) bool {
		return snap.Version == otherVersion && snap.Generation == u.before.Generation+1 &&
			snap.whole("web", 2) == nil
	})
	u.look()
	u.wantWorking()
}

// When the new wm cannot take the service over, its reload is refused with it:
// new processes are not run under an old master.
func TestReloadIsRefusedWithItsUpgrade(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{"init-rehearsal panic", "init-rehearsal exit0", "adopt panic"} {
		t.Run(evil, func(t *testing.T) {
			t.Parallel()
			u := newUpgradable(t, built.lab)
			if err := install(labEvil.binary(t), u.bin); err != nil {
				t.Fatal(err)
			}
			write(t, u.evil, evil)
			u.run("reload").wantCode(1)
			snap := u.wantSameLives(0)
			u.wantVersion(labVersion)
			if snap.Generation != u.before.Generation {
				t.Errorf("generation %d became %d", u.before.Generation, snap.Generation)
			}
			u.wantClients()
			u.run("reload").wantCode(0) // the evil is done only once
			u.wantVersion(otherVersion)
		})
	}
}

// The reload goes on where the new master finds it, also when its replacement
// fails there: the processes are put back, the master stays the new one.
func TestReloadThatFailsBehindItsUpgrade(t *testing.T) {
	t.Parallel()
	path, entry := failFile(t, "")
	u := newUpgradable(t, built.lab, entry)
	if err := install(labNext.binary(t), u.bin); err != nil {
		t.Fatal(err)
	}
	write(t, path, "1 error")
	u.run("reload").wantCode(1).wantText("slot 1 refuses on purpose",
		"\nthe master is wm "+otherVersion+" now\neverything was put back\n")
	u.waitWhole("web", 2)
	u.wantVersion(otherVersion)
	if got := mustFetch(t, u.address, "/build"); got != "a" {
		t.Errorf("build %q answers", got)
	}
	u.wantClients()
}

// One that is refused there has changed no process, but the master, and says so.
func TestReloadThatIsRefusedBehindItsUpgrade(t *testing.T) {
	t.Parallel()
	cert := certificateFile(t)
	u := newUpgradable(t, built.lab, "E2E_HANDLER_TLS="+freeAddress(t), "E2E_CERT="+cert)
	if err := install(labNext.binary(t), u.bin); err != nil {
		t.Fatal(err)
	}
	write(t, cert, "no certificate")
	const now = "\nthe master is wm " + otherVersion + " now\nno process was changed"
	u.run("reload").wantCode(1).wantText(now + "\n")
	u.wantSameLives(0)
	u.wantVersion(otherVersion)
	history := u.history()
	if e := history[len(history)-1]; e.What != "reload" || !strings.HasSuffix(e.Text, now) {
		t.Errorf("in the history %+v", e)
	}
	if r := u.run("reload").wantCode(1); strings.Contains(r.out, "the master is") {
		t.Errorf("it has upgraded nothing and says\n%s", r.out)
	}
	u.wantClients()
}
