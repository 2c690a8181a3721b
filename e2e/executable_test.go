package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// spoiled is a way to keep the file of a binary from being executed, and the way
// back.
type spoiled struct {
	name  string
	spoil func(path string) error
	mend  func(path string) error
	says  string // of the file
}

func chmod(mode os.FileMode) func(string) error {
	return func(path string) error { return os.Chmod(path, mode) }
}

// remount changes the file system that a binary lies on.
func remount(flags uintptr) func(string) error {
	return func(path string) error {
		return unix.Mount("", filepath.Dir(path), "", unix.MS_REMOUNT|flags, "")
	}
}

var spoils = []spoiled{
	{"mode 000", chmod(0), chmod(0o755), "has mode 0000, which lets nobody execute it"},
	{"mode 644", chmod(0o644), chmod(0o755), "has mode 0644, which lets nobody execute it"},
	{"noexec", remount(unix.MS_NOEXEC), remount(0), "is on a file system mounted noexec"},
}

// onDisk gives the service a copy of the lab on a file system of its own.
func (s *service) onDisk(t *testing.T) {
	t.Helper()
	s.bin = filepath.Join(smallDisk(t, "128m"), "wm")
	if err := install(built.lab, s.bin); err != nil {
		t.Fatal(err)
	}
}

// try fails the test when something cannot be done.
func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A process that crashes is started from the open file of its generation. Where
// the kernel refuses that, the log says what to do, and the seat is filled when it
// was done.
func TestRespawnFromAFileThatCannotBeExecuted(t *testing.T) {
	t.Parallel()
	for _, c := range spoils {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=2")
			s.onDisk(t)
			s.start()
			file := s.bin
			s.bin = built.lab // to have commands
			try(t, c.spoil(file))
			kill(t, s.snapshot().pidsOf("web")[0], sigKill)
			s.wantLog("web/0: start process: permission denied: " + file + " " + c.says)
			s.waitSnapshot("the other process, and why it is alone", func(snap snapshot) bool {
				return len(snap.running("web")) == 1
			})
			mustFetch(t, address, "/")
			s.run("status").wantCode(0).wantText(c.says)
			try(t, c.mend(file))
			s.waitWhole("web", 2)
		})
	}
}

// Of a file without a name the log gives one.
func TestRespawnFromARemovedFileThatCannotBeExecuted(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=1")
	s.onDisk(t)
	s.start()
	file := s.bin
	s.bin = built.lab
	try(t, os.Chmod(file, 0o600))
	try(t, os.Remove(file))
	snap := s.snapshot()
	kill(t, snap.pidsOf("web")[0], sigKill)
	var fd int
	waitFor(t, eventLimit, "the descriptor of the file", func() bool {
		for n, name := range descriptors(snap.MasterPID) {
			if name == file+" (deleted)" {
				fd = n
			}
		}
		return fd > 0
	})
	name := fmt.Sprintf("/proc/%d/fd/%d", snap.MasterPID, fd)
	s.wantLog("has mode 0600, which lets nobody execute it: chmod +x " + name)
	try(t, os.Chmod(name, 0o755))
	s.waitWhole("web", 1)
}

// Neither a new file nor none under the name of the binary changes what a seat is
// filled from.
func TestRespawnWithoutTheBinary(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"removed":        os.Remove,
		"folder removed": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"replaced": func(path string) error {
			err := os.WriteFile(path+".next", []byte("no program"), 0o600)
			if err == nil {
				err = os.Rename(path+".next", path)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
			s.private()
			s.start()
			file := s.bin
			s.bin = built.lab
			try(t, spoil(file))
			old := s.snapshot().pidsOf("web")[0]
			kill(t, old, sigKill)
			s.waitSnapshot("a successor", func(snap snapshot) bool {
				now := snap.pidsOf("web")
				return len(now) == 1 && now[0] != old
			})
			mustFetch(t, address, "/")
			before := s.snapshot()
			kill(t, before.MasterPID, sigReload)
			s.wantLog("reload")
			s.run("history").wantText("start")
			s.snapshot().wantSame(t, before, "web")
		})
	}
}

// What cannot be executed is refused before it has changed anything.
func TestReloadOfAFileThatCannotBeExecuted(t *testing.T) {
	t.Parallel()
	for _, c := range spoils {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=2")
			s.onDisk(t)
			s.start()
			before, file := s.snapshot(), s.bin
			s.bin = built.lab
			try(t, c.spoil(file))
			kill(t, before.MasterPID, sigReload)
			s.wantLog("reload failed: probe " + file +
				": start process: permission denied: " + file + " " + c.says)
			s.wantLog("no process was changed")
			s.snapshot().wantSame(t, before, "web")
			try(t, c.mend(file))
			kill(t, before.MasterPID, sigReload)
			s.waitSnapshot("the next generation", func(snap snapshot) bool {
				return snap.Generation > before.Generation && snap.whole("web", 2) == nil
			})
		})
	}
}

// doorway is a fifo that OnWorkerStart of the next process of web waits at.
func doorway(t *testing.T, path string) (passOn func(meanwhile func())) {
	t.Helper()
	try(t, unix.Mkfifo(path, 0o600))
	return func(meanwhile func()) {
		t.Helper()
		var door *os.File
		waitFor(t, eventLimit, "a process in OnWorkerStart", func() (there bool) {
			var err error
			door, err = os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
			return err == nil
		})
		meanwhile()
		try(t, os.Remove(path)) // the next one finds nothing
		door.Close()
	}
}

// A binary that cannot be executed any more when its reload is half done: what was
// replaced is put back, from the file that ran before.
func TestBinaryThatIsSpoiledInAReload(t *testing.T) {
	t.Parallel()
	for _, c := range spoils[:2] { // the third would keep the old file, too
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path, entry := failFile(t, "")
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=2", entry)
			s.private()
			s.start()
			before := s.snapshot()
			try(t, install(built.labB, s.bin))
			pass := doorway(t, path)
			reload := s.begin(nil, "reload")
			pass(func() { try(t, c.spoil(s.bin)) })
			s.wait(reload).wantCode(1).wantText("web/1: start process: permission denied: "+
				s.bin+" "+c.says, "everything was put back")
			file := s.bin
			s.bin = built.lab
			after := s.waitWhole("web", 2)
			if after.pidsOf("web")[1] != before.pidsOf("web")[1] {
				t.Error("the process that was never to leave is another one")
			}
			for range 8 {
				if got := mustFetch(t, address, "/build"); got != "a" {
					t.Errorf("build %q answers", got)
				}
			}
			try(t, c.mend(file))
			s.bin = file
			s.run("reload").wantCode(0)
			if got := mustFetch(t, address, "/build"); got != "b" {
				t.Errorf("after the reload build %q answers", got)
			}
		})
	}
}

// The same where the file that ran before is that very one: nothing can be put
// back, everything serves.
func TestOnlyBinaryThatIsSpoiledInAReload(t *testing.T) {
	t.Parallel()
	path, entry := failFile(t, "")
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=2", entry)
	s.private()
	s.start()
	var all load
	all.addKeepAlive(2, address)
	pass := doorway(t, path)
	reload := s.begin(nil, "reload")
	pass(func() { try(t, os.Chmod(s.bin, 0)) })
	s.wait(reload).wantCode(1).wantText("which lets nobody execute it",
		"putting back failed as well, generations are mixed")
	file := s.bin
	s.bin = built.lab
	if n := len(s.snapshot().running("web")); n != 2 {
		t.Errorf("%d processes serve, want 2", n)
	}
	try(t, os.Chmod(file, 0o755))
	s.bin = file
	s.run("reload").wantCode(0)
	s.waitWhole("web", 2)
	all.stop()
	if all.bad() != 0 || all.success.Load() == 0 {
		t.Errorf("clients saw: %s", &all)
	}
}

// What the master may execute its Workers' user may not.
func TestBinaryThatTheUserOfAWorkerMayNotExecute(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_USER=nobody")
	s.private()
	try(t, os.Chmod(s.bin, 0o700))
	s.run("start", "-d").wantCode(4).wantText("web/0: start process: permission denied: " + s.bin +
		" has mode 0700, which does not let user nobody execute it")
	try(t, os.Chmod(s.bin, 0o755))
	s.start()
}

// An upgrade whose binary cannot be executed any more is refused at every step.
func TestUpgradeWhoseBinaryIsSpoiled(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"open", "verify", "exec"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			u := newUpgradable(t, labEvil.binary(t))
			there, next := filepath.Join(t.TempDir(), "there"), copyOf(t, labNext.binary(t))
			write(t, u.evil, step+" wait "+there)
			up := u.begin(nil, "upgrade", "--binary", next)
			waitFor(t, eventLimit, "step "+step, func() bool { return !missing(there) })
			try(t, os.Chmod(next, 0))
			try(t, os.Remove(there))
			u.wait(up).wantCode(1).wantText("permission denied", "nothing was changed")
			u.wantSameLives(0)
			u.wantWorking()
		})
	}
}

// The image that runs cannot be executed again: an upgrade that fails could not
// be taken back.
func TestUpgradeWithoutAWayBack(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	write(t, u.evil, "commit panic")
	try(t, os.Chmod(u.bin, 0))
	file := u.bin
	u.bin = built.lab
	u.run("upgrade", "--binary", labEvil.binary(t)).wantCode(1).wantText("which lets nobody execute it",
		"nothing was changed")
	u.wantSameLives(0)
	try(t, os.Chmod(file, 0o755))
	u.bin = file
	u.wantWorking()
}
