package e2e

import "testing"

// A wm whose state has the next version reads that of this one; back goes nobody
// who would have to guess.
func TestUpgradeToTheNextState(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	u.run("upgrade", "--binary", labSecond.binary(t)).wantCode(0).wantText("upgrade success")
	u.wantSameLives(0)
	u.wantVersion(otherVersion)
	u.run("upgrade", "--binary", labNext.binary(t)).wantCode(1).
		wantText("state of version 2, this binary reads 1", "nothing was changed")
	u.wantSameLives(0)
	u.run("reload").wantCode(0)
	u.waitWhole("web", 2)
	u.wantClients()
}

// Within one version both ways are open, whatever else a master has to say.
func TestUpgradeFromAStateWithMoreFields(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	u.run("upgrade", "--binary", labMore.binary(t)).wantCode(0)
	u.wantSameLives(0)
	u.wantVersion(otherVersion)
	u.run("upgrade", "--binary", built.lab).wantCode(0)
	u.wantSameLives(0)
	u.wantVersion(labVersion)
	u.wantWorking()
}
