package e2e

import (
	"testing"

	"golang.org/x/sys/unix"
)

// What the master keeps open over an exec is not for the processes it starts
// later: neither after an upgrade nor after one that was taken back.
func TestUpgradeLeavesNoDescriptorOpenForOthers(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	before := len(descriptors(u.before.MasterPID))
	wantClosedOnExec(t, u.before.MasterPID)

	evil := labEvil.binary(t)
	write(t, u.evil, "restore panic")
	u.run("upgrade", "--binary", evil).wantCode(1).wantText("the new image failed")
	wantClosedOnExec(t, u.before.MasterPID)
	u.run("upgrade", "--binary", evil).wantCode(0).wantText("upgrade success")
	wantClosedOnExec(t, u.before.MasterPID)
	if after := len(descriptors(u.before.MasterPID)); after > before+4 {
		t.Errorf("the master has %d descriptors, it had %d: %v",
			after, before, descriptors(u.before.MasterPID))
	}
}

// wantClosedOnExec reports what a master would leave to a process.
func wantClosedOnExec(t *testing.T, pid int) {
	t.Helper()
	for fd, to := range descriptors(pid) {
		flags, err := openFlags(pid, fd) // that of a command that has its answer is closed
		if err == nil && fd > unix.Stderr && flags&unix.O_CLOEXEC == 0 {
			t.Errorf("descriptor %d of the master stays open for others: %s", fd, to)
		}
	}
}
