package e2e

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// What cannot be the next wm is refused before anything has changed, and never
// makes the master wait.
func TestUpgradeToWhatIsNoWm(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		make func(path string) error
		want string
	}{
		{"missing", func(string) error { return nil }, "no such file"},
		{"directory", func(path string) error { return os.Mkdir(path, 0o755) },
			"not a regular file"},
		{"unexecutable", func(path string) error {
			err := copyFile(labNext.binary(t), path)
			if err == nil {
				err = os.Chmod(path, 0o644)
			}
			return err
		}, "permission denied"},
		{"empty", func(path string) error { return os.WriteFile(path, nil, 0o755) }, "exec format error"},
		{"text", func(path string) error { return os.WriteFile(path, []byte("wm\n"), 0o755) },
			"exec format error"},
		{"script", func(path string) error {
			return os.WriteFile(path, []byte("#!/bin/sh\nexit 0\n"), 0o755)
		}, ""},
		{"true", func(path string) error { return copyFile("/bin/true", path) }, "exit status 0"},
		{"false", func(path string) error { return copyFile("/bin/false", path) }, "exit status 1"},
		{"truncated", func(path string) error { return truncated(labNext.binary(t), path) }, ""},
		{"foreign", func(path string) error { return foreign(labNext.binary(t), path) },
			"exec format error"},
		{"fifo", func(path string) error { return unix.Mkfifo(path, 0o755) }, "not a regular file"},
		{"device", func(path string) error { return os.Symlink("/dev/zero", path) },
			"not a regular file"},
	} {
		path := filepath.Join(dir, c.name)
		if err := c.make(path); err != nil {
			t.Fatal(err)
		}
		r := u.run("upgrade", "--binary", path)
		t.Logf("%s: %s", c.name, r.out)
		if r.code != 1 {
			t.Errorf("%s: exit status %d\n%s", c.name, r.code, r.out)
		}
		r.wantText(c.want)
		r.wantText("nothing was changed")
		u.wantSameLives(0)
	}
	u.wantVersion(labVersion)
	u.wantWorking()
}

// truncated is the first half of a binary.
func truncated(from, to string) error {
	body, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, body[:len(body)/2], 0o755)
}

// foreign is a binary for another processor, to the kernel.
func foreign(from, to string) error {
	const machine = 18 // offset of e_machine
	body, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	other := uint16(0xB7) // aarch64
	if binary.LittleEndian.Uint16(body[machine:]) == other {
		other = 0x3E // x86-64
	}
	binary.LittleEndian.PutUint16(body[machine:], other)
	return os.WriteFile(to, body, 0o755)
}

// The file of --binary stays where it is; the service gets a copy under its
// own name, with the mode and the owner that the file there had.
func TestUpgradeInstallsACopy(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	if err := os.Chmod(u.bin, 0o750); err != nil {
		t.Fatal(err)
	}
	file := copyOf(t, labNext.binary(t))
	u.run("upgrade", "--binary", file).wantCode(0)
	waitFor(t, eventLimit, "the copy is there", func() bool {
		return sameContent(t, file, u.bin)
	})
	info, err := os.Stat(u.bin)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o750 {
		t.Errorf("mode %o of the installed binary", info.Mode().Perm())
	}
	if missing(file) {
		t.Error("the file of --binary is gone")
	}
	wantAlone(t, u.bin)
	u.run("upgrade").wantCode(0).wantText("already runs this binary")
}

func sameContent(t *testing.T, a, b string) bool {
	t.Helper()
	one, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	two, _ := os.ReadFile(b)
	return string(one) == string(two)
}

// A link by which the service is called goes on to lead to its binary.
func TestUpgradeThroughALink(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.own(built.lab)
	real := s.bin
	s.bin = filepath.Join(t.TempDir(), "wm")
	if err := os.Symlink(real, s.bin); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.run("upgrade", "--binary", labNext.binary(t)).wantCode(0)
	waitFor(t, eventLimit, "the copy is there", func() bool {
		return sameContent(t, labNext.binary(t), real)
	})
	if to, err := os.Readlink(s.bin); err != nil || to != real {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

// Without its binary on the disk a master can still be replaced, by a file that
// is named.
func TestUpgradeOfARemovedBinary(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	service := u.bin
	u.bin = built.lab // to have commands
	if err := os.Remove(service); err != nil {
		t.Fatal(err)
	}
	u.run("upgrade").wantCode(1).wantText(service, "no such file")
	u.wantSameLives(0)
	u.run("upgrade", "--binary", labNext.binary(t)).wantCode(0)
	u.wantSameLives(0)
	u.wantVersion(otherVersion)
	waitFor(t, eventLimit, "the binary is there again", func() bool { return !missing(service) })
	u.bin = service
	u.run("reload").wantCode(0)
	u.wantClients()
}

// In its source tree the binary is built first.
func TestUpgradeInASourceTree(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	apps := s.newTree()
	s.start("--no-build")
	before := s.snapshot()
	self := filepath.Join(filepath.Dir(apps), "worker", "self.go")
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	write(t, self, string(text)+"\nthis does not compile\n")
	s.run("upgrade").wantCode(1).wantText("self.go", "build failed, nothing was changed")
	s.snapshot().wantSame(t, before, "web")
	changed, err := edited(t.TempDir(), "worker/self.go", `Version = "[^"]*"`, `Version = "0.7.0"`)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range changed {
		if err := copyFile(file, self); err != nil {
			t.Fatal(err)
		}
	}
	s.run("upgrade").wantCode(0).wantText("upgrade success: wm " + labVersion + " -> 0.7.0")
	snap := s.snapshot()
	snap.wantSame(t, before, "web")
	if snap.Version != "0.7.0" {
		t.Errorf("the master is wm %s", snap.Version)
	}
	s.run("version").wantCode(0).wantText("wm/0.7.0")
	s.run("upgrade").wantCode(0).wantText("already runs this binary")
	waitFor(t, eventLimit, "no scratch beside the binary", func() bool {
		return missing(filepath.Join(filepath.Dir(s.bin), ".wm.next"))
	})
}

// A wm that is much older than the state of this master does not guess.
func TestUpgradeToAnOlderStateIsRefused(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, labFuture.binary(t))
	u.run("upgrade", "--binary", labNext.binary(t)).wantCode(1).wantText("state", "version 6")
	u.wantSameLives(0)
	if got := mustFetch(t, u.address, "/build"); got != "future" {
		t.Errorf("build %q answers", got)
	}
	u.wantClients()
}
