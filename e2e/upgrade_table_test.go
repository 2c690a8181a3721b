package e2e

import (
	"strings"
	"testing"
	"time"
)

// orphanLimit is longer than processes live without a master.
const orphanLimit = 10 * time.Second

// evilCase is one thing that goes wrong at one step of an upgrade.
type evilCase struct {
	step, do string
	after    func(t *testing.T, u *upgradable, r result)
}

// oldSteps are taken by the image that is there, newSteps by the one that
// comes, in this order.
var (
	oldSteps = []string{"open", "rehearse", "verify", "quiesce", "freeze", "state", "exec"}
	newSteps = []string{"adopt", "restore", "commit", "committed"}
)

// evilCases is the table: what may go wrong at every step, and what only some
// steps can suffer from.
func evilCases(old bool) []evilCase {
	steps := newSteps
	if old {
		steps = oldSteps
	}
	var all []evilCase
	for _, step := range steps {
		all = append(all,
			evilCase{step, "killchild", upgradedWithout1},
			evilCase{step, "signal SIGTERM", stoppedInOrder},
			evilCase{step, "signal SIGUSR1", upgradedThenReloaded},
			evilCase{step, "signal SIGKILL", killedAt(step)},
			evilCase{step, "sleep 300ms", upgraded},
			evilCase{step, "scribble FILE", upgradedOrRefused},
			evilCase{step, "replace FILE", upgradedOrRefused},
			evilCase{step, "remove FILE", upgradedOrRefused},
			evilCase{step, "nofiles", upgradedOrRefused})
	}
	if old {
		return append(all,
			evilCase{"exec", "signal SIGINT", stoppedInOrder},
			evilCase{"exec", "signal SIGQUIT", stoppedInOrder},
			evilCase{"exec", "signal SIGTSTP", stoppedInOrder},
			evilCase{"exec", "signal SIGHUP", upgradedThenReloaded},
			evilCase{"exec", "signal SIGUSR2", upgradedThenReloaded},
			evilCase{"exec", "signal SIGABRT", upgraded},
			evilCase{"exec", "signal SIGIO", upgraded},
			evilCase{"freeze", "exit0", masterGone},
			evilCase{"state", "panic", masterGone})
	}
	return append(all,
		evilCase{"init-rehearsal", "panic", upgradeRefused},
		evilCase{"init-rehearsal", "exit0", upgradeRefused},
		evilCase{"init-rehearsal", "exit3", upgradeRefused},
		evilCase{"init-rehearsal", "signal SIGKILL", upgradeRefused},
		evilCase{"init-rehearsal", "hang", refusedLate},
		evilCase{"rehearsal", "panic", upgradeRefused},
		evilCase{"rehearsal", "signal SIGKILL", upgradeRefused},
		evilCase{"rehearsal", "spin", refusedLate},
		evilCase{"restore", "panic", putBack},
		evilCase{"restore", "hang", putBack},
		evilCase{"commit", "panic", putBack},
		evilCase{"init-rehearsal", "sleep 2500ms", refusedSlow},
		evilCase{"init-adopt", "sleep 500ms", upgraded},
		evilCase{"init-adopt", "sleep 6s", putBack},
		evilCase{"init-adopt", "hang", putBack},
		evilCase{"init-adopt", "spin", putBack},
		evilCase{"init-adopt", "exit0", masterGone},
		evilCase{"init-adopt", "panic", masterGone},
		evilCase{"adopt", "panic", putBack},
		evilCase{"adopt", "hang", putBack},
		evilCase{"adopt", "spin", putBack},
		evilCase{"adopt", "exit0", masterGone},
		evilCase{"commit", "signal SIGQUIT", stoppedInOrder},
		evilCase{"commit", "signal SIGHUP", upgradedThenReloaded})
}

func TestUpgradeBreaksInTheOldImage(t *testing.T) {
	t.Parallel()
	for _, c := range evilCases(true) {
		t.Run(c.step+" "+c.do, func(t *testing.T) {
			t.Parallel()
			c.play(t, newUpgradable(t, labEvil.binary(t)), labNext.binary(t))
		})
	}
}

func TestUpgradeBreaksInTheNewImage(t *testing.T) {
	t.Parallel()
	for _, c := range evilCases(false) {
		t.Run(c.step+" "+c.do, func(t *testing.T) {
			t.Parallel()
			c.play(t, newUpgradable(t, built.lab), labEvil.binary(t))
		})
	}
}

// play upgrades to a copy of a binary while the evil is done.
func (c evilCase) play(t *testing.T, u *upgradable, to string) {
	t.Helper()
	file := copyOf(t, to)
	write(t, u.evil, c.step+" "+strings.ReplaceAll(c.do, "FILE", file))
	r := u.run("upgrade", "--binary", file)
	c.after(t, u, r)
	if !missing(u.evil) {
		t.Errorf("step %s never came", c.step)
	}
}

// wantUpgraded reports when the master is not the wm of the variants.
func (u *upgradable) wantUpgraded() {
	u.t.Helper()
	if u.before.Version == otherVersion {
		return // both builds of the test have that one
	}
	u.wantVersion(otherVersion)
}

func upgraded(t *testing.T, u *upgradable, r result) {
	r.wantCode(0).wantText("upgrade success")
	u.wantSameLives(0)
	u.wantUpgraded()
	u.wantWorking()
}

// upgradedWithout1: a process that dies in the window is replaced by the new
// image as by any other; its client may have lost a request.
func upgradedWithout1(t *testing.T, u *upgradable, r result) {
	r.wantCode(0).wantText("upgrade success")
	snap := u.waitWhole("web", 2)
	if n := snap.exitCount("web", 9); n != 1 {
		t.Errorf("%d killed processes in the exit table, want 1", n)
	}
	u.wantSameLives(1)
	u.wantUpgraded()
	if u.clients.refused.Load()+u.clients.timeout.Load()+u.clients.wrong.Load() != 0 {
		t.Errorf("clients saw: %s", &u.clients)
	}
	u.clients.reset.Store(0)
	u.wantWorking()
}

func upgradedThenReloaded(t *testing.T, u *upgradable, r result) {
	r.wantCode(0).wantText("upgrade success")
	u.waitSnapshot("the reload that the signal asked for", func(snap snapshot) bool {
		return snap.Generation == u.before.Generation+1 && snap.whole("web", 2) == nil
	})
	u.wantUpgraded()
	u.wantWorking()
}

func upgradedOrRefused(t *testing.T, u *upgradable, r result) {
	if r.code != 0 && r.code != 1 {
		t.Errorf("exit status %d", r.code)
	}
	t.Logf("exit status %d: %s", r.code, r.out)
	u.wantSameLives(0)
	u.wantWorking()
}

func upgradeRefused(t *testing.T, u *upgradable, r result) {
	r.wantCode(1)
	u.wantSameLives(0)
	u.wantVersion(u.before.Version)
	u.wantWorking()
}

func refusedLate(t *testing.T, u *upgradable, r result) {
	r.wantText("10s")
	upgradeRefused(t, u, r)
}

// refusedSlow: what is slow in the rehearsal would be slow in earnest.
func refusedSlow(t *testing.T, u *upgradable, r result) {
	r.wantText("until it had read the state").wantText("the master may stand still for 2s")
	upgradeRefused(t, u, r)
}

// putBack: the new image has run and failed, the old one is there again.
func putBack(t *testing.T, u *upgradable, r result) {
	r.wantText("the new image failed")
	upgradeRefused(t, u, r)
}

func stoppedInOrder(t *testing.T, u *upgradable, r result) {
	u.waitGone(eventLimit)
	if r.code != 0 && r.code != 1 {
		t.Errorf("exit status %d", r.code)
	}
	if !missing(u.path("wm.pid")) {
		t.Error("the pid file is left")
	}
	u.wantLog("has been stopped")
	u.clients.stop()
	u.start()
	u.waitWhole("web", 2)
}

// killedAt: behind its commit the upgrade is done, and the command may have
// heard of it.
func killedAt(step string) func(*testing.T, *upgradable, result) {
	if step == "committed" {
		return serviceGone
	}
	return masterGone
}

// masterGone: what no guard can catch ends the service, not more.
func masterGone(t *testing.T, u *upgradable, r result) {
	r.wantCode(1).wantText("the master is gone")
	serviceGone(t, u, r)
}

func serviceGone(t *testing.T, u *upgradable, _ result) {
	u.killed = true
	u.waitGone(orphanLimit)
	u.clients.stop()
	u.run("status").wantCode(3)
	u.start()
	u.killed = false
	u.waitWhole("web", 2)
	mustFetch(t, u.address, "/")
}
