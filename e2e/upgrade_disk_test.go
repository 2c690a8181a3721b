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

// A copy that does not fit is said, and nothing of it is left; the master is
// the new one all the same.
func TestUpgradeThatCannotBeInstalled(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(built.lab)
	if err != nil {
		t.Fatal(err)
	}
	dir := smallDisk(t, fmt.Sprint(info.Size()*3/2))
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.bin = filepath.Join(dir, "wm")
	if err := copyFile(built.lab, s.bin); err != nil {
		t.Fatal(err)
	}
	s.start()
	before := s.snapshot()
	s.run("upgrade", "--binary", labNext.binary(t)).wantCode(0).wantText("upgrade success",
		"no space left on device")
	snap := s.snapshot()
	snap.wantSame(t, before, "web")
	if snap.Version != otherVersion {
		t.Errorf("the master is wm %s", snap.Version)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the binary: %v, %v", entries, err)
	}
}
