package rundir

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLockIsHeldUntilReleased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.lock")
	checkHeld(t, path, false)
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Held left a file: %v", err)
	}
	lock, err := AcquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	checkHeld(t, path, true)
	if _, err := AcquireLock(path); !errors.Is(err, ErrLocked) {
		t.Errorf("second lock: %v, want ErrLocked", err)
	}
	must(t, lock.Release())
	checkHeld(t, path, false)
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Release left the file: %v", err)
	}
	again, err := AcquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	must(t, again.Release())
}

func TestLockTakesOverALeftFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.lock")
	must(t, os.WriteFile(path, nil, 0o600))
	checkHeld(t, path, false)
	lock, err := AcquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	must(t, lock.Release())
}

func TestLockIsForItsOwnerAloneAndEndsAtExec(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.lock")
	lock, err := AcquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got != 0o600 {
		t.Errorf("mode %v, want -rw-------", got)
	}
	flags, err := unix.FcntlInt(uintptr(lock.fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %#x (%v), want close-on-exec", flags, err)
	}
}

func TestLockRefusesPath(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	must(t, os.Symlink(filepath.Join(dir, "target"), link))
	tests := []struct {
		name, path, text string
		errno            unix.Errno
	}{
		{"link", link, "is a symbolic link", unix.ELOOP},
		{"directory", dir, "is a directory", unix.EISDIR},
		{"missing directory", dir + "/no/wm.lock", "no such directory", unix.ENOENT},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := AcquireLock(tt.path)
			checkFileError(t, err, "lock file "+tt.path+": "+tt.text, tt.errno)
		})
	}
	if _, err := Held(link); !errors.Is(err, unix.ELOOP) {
		t.Errorf("Held of a link: %v, want ELOOP", err)
	}
}

func TestHundredStartsAtOneInstantHaveOneWinner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.lock")
	begin := make(chan struct{})
	var won, lost atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			<-begin
			_, err := AcquireLock(path)
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, ErrLocked):
				lost.Add(1)
			default:
				t.Errorf("lock: %v", err)
			}
		})
	}
	close(begin)
	wg.Wait()
	if won.Load() != 1 || lost.Load() != 99 {
		t.Errorf("%d won and %d lost, want 1 and 99", won.Load(), lost.Load())
	}
}

func TestLockHasOneHolderWhileFilesComeAndGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.lock")
	var holders atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for taken := 0; taken < 50; {
				lock, err := AcquireLock(path)
				if errors.Is(err, ErrLocked) {
					continue
				}
				if err != nil {
					t.Errorf("lock: %v", err)
					return
				}
				taken++
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d holders at once", n)
				}
				holders.Add(-1)
				if err := lock.Release(); err != nil {
					t.Errorf("release: %v", err)
				}
			}
		})
	}
	wg.Wait()
}

func TestAskingWhetherHeldNeverKeepsAStartFromLocking(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.lock")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				Held(path)
			}
		}
	})
	for range 200 {
		lock, err := AcquireLock(path)
		if err != nil {
			t.Errorf("lock: %v", err)
			break
		}
		must(t, lock.Release())
	}
	close(stop)
	wg.Wait()
}

func TestLockEndsWithItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wm.lock")
	other, said := startLockHolder(t, path)
	if line, err := said.ReadString('\n'); line != "locked\n" {
		t.Fatalf("other process said %q (%v), want locked", line, err)
	}
	checkHeld(t, path, true)
	if _, err := AcquireLock(path); !errors.Is(err, ErrLocked) {
		t.Errorf("lock: %v, want ErrLocked", err)
	}
	must(t, other.Kill())
	io.Copy(io.Discard, said) // end of file: the process has no descriptor left
	lock, err := AcquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	must(t, lock.Release())
}

const lockHolderVariable = "WM_TEST_HOLD_LOCK"

// TestHoldLock is the other process of TestLockEndsWithItsProcess.
func TestHoldLock(t *testing.T) {
	path := os.Getenv(lockHolderVariable)
	if path == "" {
		t.Skip("runs in a process of its own")
	}
	if _, err := AcquireLock(path); err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("locked\n")
	io.Copy(io.Discard, os.Stdin)
}

// startLockHolder runs TestHoldLock in another process, which ends with t.
func startLockHolder(t *testing.T, path string) (*os.Process, *bufio.Reader) {
	t.Helper()
	theirIn, in, err := os.Pipe()
	must(t, err)
	out, theirOut, err := os.Pipe()
	must(t, err)
	process, err := os.StartProcess("/proc/self/exe",
		[]string{os.Args[0], "-test.run=^TestHoldLock$"}, &os.ProcAttr{
			Env:   append(os.Environ(), lockHolderVariable+"="+path),
			Files: []*os.File{theirIn, theirOut, os.Stderr},
		})
	must(t, err)
	theirIn.Close()
	theirOut.Close()
	t.Cleanup(func() {
		in.Close()
		process.Kill()
		process.Wait()
		out.Close()
	})
	return process, bufio.NewReader(out)
}

func checkHeld(t *testing.T, path string, want bool) {
	t.Helper()
	got, err := Held(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("held %v, want %v", got, want)
	}
}
