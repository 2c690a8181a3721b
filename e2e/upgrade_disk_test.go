package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk is a file system of a size in bytes, "65536" or "64k".
func smallDisk(t *testing.T, size string) (dir string) {
	t.Helper()
	needRoot(t)
	dir = t.TempDir()
	if err := unix.Mount("wm-e2e", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no file system of its own here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// fill writes to a file until nothing more fits beside it.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	piece := make([]byte, 4096)
	for {
		if _, err := f.Write(piece); err != nil {
			return
		}
	}
}

// A log that takes nothing loses lines and hinders nobody.
func TestUpgradeWithAFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "64k")
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.own(built.lab)
	s.start("--log-file", filepath.Join(dir, "wm.log"))
	fill(t, filepath.Join(dir, "full"))
	s.upgradeNow()
	if err := os.Remove(filepath.Join(dir, "full")); err != nil {
		t.Fatal(err)
	}
	s.upgradeNow()
	mustFetch(t, address, "/")
	s.run("reload").wantCode(0)
	text, err := os.ReadFile(filepath.Join(dir, "wm.log"))
	if err != nil || len(text) == 0 {
		t.Errorf("nothing in the log: %v", err)
	}
}

// narrowDisk is a copy of a binary on a file system of its own, which has room for
// one and a half.
func narrowDisk(t *testing.T, binary string) (path string) {
	t.Helper()
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(smallDisk(t, fmt.Sprint(info.Size()*3/2)), "wm")
	if err := copyFile(binary, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// A copy that does not fit refuses the upgrade before anything has changed, and
// nothing of it is left.
func TestUpgradeThatCannotBeInstalled(t *testing.T) {
	t.Parallel()
	bin := narrowDisk(t, built.lab)
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=1")
	s.bin = bin
	s.start()
	before := s.snapshot()
	s.run("upgrade", "--binary", labNext.binary(t)).wantCode(1).wantText("upgrade failed",
		s.bin, "no space left on device", "nothing was changed")
	snap := s.snapshot()
	snap.wantSame(t, before, "web")
	if snap.Version != labVersion {
		t.Errorf("the master is wm %s", snap.Version)
	}
	wantAlone(t, s.bin)
	const noLimit = "size=0"
	if err := unix.Mount("", filepath.Dir(bin), "", unix.MS_REMOUNT, noLimit); err != nil {
		t.Fatal(err)
	}
	s.run("upgrade", "--binary", labNext.binary(t)).wantCode(0).wantText("upgrade success")
	wantAlone(t, s.bin)
	s.run("reload").wantCode(0)
	if got := s.snapshot().Version; got != otherVersion {
		t.Errorf("after the reload the master is wm %s", got)
	}
}

// In a folder that takes no files only what is there already can be installed.
func TestUpgradeInAReadOnlyFolder(t *testing.T) {
	t.Parallel()
	bin := narrowDisk(t, built.lab)
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=1")
	s.bin = bin
	s.start()
	before := s.snapshot()
	if err := unix.Mount("", filepath.Dir(bin), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	s.run("upgrade", "--binary", labNext.binary(t)).wantCode(1).wantText(
		"read-only file system", "nothing was changed")
	s.run("upgrade", "--binary", built.lab).wantCode(0).wantText("already runs this binary")
	s.run("upgrade", "--binary", s.bin).wantCode(0).wantText("already runs this binary")
	snap := s.snapshot()
	snap.wantSame(t, before, "web")
	if snap.Version != labVersion {
		t.Errorf("the master is wm %s", snap.Version)
	}
}
