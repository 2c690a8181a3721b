package rundir

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func checkStanding(t *testing.T, what string, got, want Standing) {
	t.Helper()
	if got != want {
		t.Errorf("%s: standing %d, want %d", what, got, want)
	}
}

func TestRemovedLockIsMadeAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.lock")
	lock, err := AcquireLock(path)
	must(t, err)
	checkStanding(t, "taken", lock.Standing(), Own)
	must(t, os.Remove(path))
	checkStanding(t, "removed", lock.Standing(), Missing)
	checkHeld(t, path, false)
	must(t, lock.Restore())
	checkStanding(t, "restored", lock.Standing(), Own)
	checkHeld(t, path, true)
	info, err := os.Lstat(path)
	must(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	must(t, lock.Release())
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Release left the file: %v", err)
	}
}

// Whoever was faster keeps the name, locked or not, a link as well as a file.
func TestLockOfAnotherStays(t *testing.T) {
	dir := t.TempDir()
	for name, put := range map[string]func(path string) error{
		"locked": func(path string) error { _, err := AcquireLock(path); return err },
		"file":   func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"link":   func(path string) error { return os.Symlink(filepath.Join(dir, "none"), path) },
	} {
		path := filepath.Join(dir, name)
		lock, err := AcquireLock(path)
		must(t, err)
		must(t, os.Remove(path))
		must(t, put(path))
		checkStanding(t, name, lock.Standing(), Foreign)
		if err := lock.Restore(); !errors.Is(err, ErrLocked) {
			t.Errorf("%s: restored: %v", name, err)
		}
		must(t, lock.Release())
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s: Release took it: %v", name, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("made through the link: %v", err)
	}
}

func TestPidFileIsForItsPid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.pid")
	checkStanding(t, "missing", PidFileStanding(path, 7), Missing)
	must(t, WritePidFile(path, 7))
	checkStanding(t, "written", PidFileStanding(path, 7), Own)
	checkStanding(t, "of another", PidFileStanding(path, 8), Foreign)
	must(t, os.WriteFile(path, nil, 0o644))
	checkStanding(t, "empty", PidFileStanding(path, 7), Foreign)
}

func TestNothingIsMadeAgainInADirectoryThatIsGone(t *testing.T) {
	dir := Dir{Path: filepath.Join(t.TempDir(), "run")}
	if err := dir.MayRestore(); !errors.Is(err, ErrDenied) {
		t.Errorf("a directory that is gone: %v", err)
	}
	if _, err := os.Lstat(dir.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was made: %v", err)
	}
	must(t, os.Mkdir(dir.Path, 0o700))
	must(t, dir.MayRestore())
	must(t, os.Chmod(dir.Path, 0o777))
	if err := dir.MayRestore(); !errors.Is(err, ErrDenied) {
		t.Errorf("a directory that all may write: %v", err)
	}
}

// A master is found by the lock that it holds without a name, whatever the pid
// file says, and nobody else is.
func TestMasterWithoutItsLockFile(t *testing.T) {
	real := filepath.Join(t.TempDir(), "run")
	must(t, os.Mkdir(real, 0o755))
	link := real + ".link"
	must(t, os.Symlink(real, link))
	for name, path := range map[string]string{"plain": real, "by a link": link} {
		t.Run(name, func(t *testing.T) {
			dir, err := Resolve(path, "", "")
			must(t, err)
			cmd := exec.Command("/proc/self/exe", "-test.run=^TestHoldLock$")
			cmd.Args[0] = MasterTitle("wm", "/x/wm")
			cmd.Env = append(os.Environ(), lockHolderVariable+"="+dir.Lock)
			in, err := cmd.StdinPipe()
			must(t, err)
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			defer cmd.Wait()
			defer in.Close()
			_, err = out.Read(make([]byte, 16)) // "locked"
			must(t, err)

			check := func(what string, want int) {
				t.Helper()
				if got := dir.LostLock(dir.PidFile, "wm: no title"); got != want {
					t.Errorf("%s: pid %d, want %d", what, got, want)
				}
			}
			check("the file is there", 0)
			must(t, os.Remove(dir.Lock))
			check("without a pid file", cmd.Process.Pid)
			must(t, WritePidFile(dir.PidFile, cmd.Process.Pid))
			check("with its pid file", cmd.Process.Pid)
			must(t, WritePidFile(dir.PidFile, os.Getpid()))
			check("with another's pid file", cmd.Process.Pid)
			other, err := Resolve(t.TempDir(), "", "")
			must(t, err)
			must(t, WritePidFile(other.PidFile, cmd.Process.Pid))
			if got := other.LostLock(other.PidFile, "wm: no title"); got != 0 {
				t.Errorf("of another run directory: pid %d", got)
			}
		})
	}
}
