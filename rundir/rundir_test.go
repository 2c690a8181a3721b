package rundir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// stranger is a uid that neither runs the tests nor is root.
const stranger = 65534

func TestResolveRunDirOrder(t *testing.T) {
	const executable = "/opt/wm/bin/wm"
	tests := []struct {
		name, flag, wm, systemd, want string
	}{
		{"flag beats all", "/a", "/b", "/c", "/a"},
		{"then WM_RUN_DIR", "", "/b", "/c", "/b"},
		{"then systemd", "", "", "/c", "/c"},
		{"first of systemd's list", "", "", "/c:/d", "/c"},
		{"else beside the executable", "", "", "", "/opt/wm/bin"},
		{"cleaned", "/a/../b/", "", "", "/b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("WM_RUN_DIR", tt.wm)
			t.Setenv("RUNTIME_DIRECTORY", tt.systemd)
			got, err := Resolve(tt.flag, executable, "")
			if err != nil {
				t.Fatal(err)
			}
			want := Dir{tt.want, tt.want + "/wm.lock", tt.want + "/wm.pid",
				tt.want + "/wm.log", tt.want + "/wm.sock", tt.want + "/wm.history"}
			if got != want {
				t.Errorf("run directory %+v, want %+v", got, want)
			}
		})
	}
}

func TestResolveRunDirTakesRelativeFlagFromWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	got, err := Resolve("run", "/opt/wm", "shop")
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "run", "shop.pid"); got.PidFile != want {
		t.Errorf("pid file %s, want %s", got.PidFile, want)
	}
}

func TestResolveRunDirDoesNotFollowTheExecutable(t *testing.T) {
	t.Setenv("WM_RUN_DIR", "")
	t.Setenv("RUNTIME_DIRECTORY", "")
	dir := t.TempDir()
	link := filepath.Join(dir, "wm")
	if err := os.Symlink("/elsewhere/wm", link); err != nil {
		t.Fatal(err)
	}
	got, err := Resolve("", link, "")
	if err != nil {
		t.Fatal(err)
	}
	if got.Path != dir {
		t.Errorf("run directory %s, want %s", got.Path, dir)
	}
}

func TestResolveRunDirRefuses(t *testing.T) {
	t.Setenv("WM_RUN_DIR", "")
	t.Setenv("RUNTIME_DIRECTORY", "")
	tests := []struct{ name, executable, program string }{
		{"relative executable", "bin/wm", "wm"},
		{"program with a slash", "/bin/wm", "../wm"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := Resolve("", tt.executable, tt.program); err == nil {
				t.Errorf("run directory %+v, want an error", got)
			}
		})
	}
}

func TestRunDirCheck(t *testing.T) {
	uid := os.Geteuid()
	tests := []struct {
		name   string
		reason string // "" accepts
		make   func(t *testing.T, dir string)
	}{
		{"own directory", "", func(t *testing.T, dir string) { mkdir(t, dir, 0o755) }},
		{"private directory", "", func(t *testing.T, dir string) { mkdir(t, dir, 0o700) }},
		{"missing directory is made", "", func(*testing.T, string) {}},
		{"missing parent", "does not exist, nor does its parent",
			func(t *testing.T, dir string) { must(t, os.Remove(filepath.Dir(dir))) }},
		{"writable by all", "can be written by other users (mode 0777)",
			func(t *testing.T, dir string) { mkdir(t, dir, 0o777) }},
		{"sticky as /tmp", "can be written by other users (mode 1777)",
			func(t *testing.T, dir string) { mkdir(t, dir, 0o777|fs.ModeSticky) }},
		{"link", "is a symbolic link",
			func(t *testing.T, dir string) { must(t, os.Symlink(t.TempDir(), dir)) }},
		{"file", "is not a directory",
			func(t *testing.T, dir string) { must(t, os.WriteFile(dir, nil, 0o644)) }},
		{"below a file", "cannot be used: not a directory",
			func(t *testing.T, dir string) {
				must(t, os.Remove(filepath.Dir(dir)))
				must(t, os.WriteFile(filepath.Dir(dir), nil, 0o644))
			}},
		{"writable by the group of others", "can be written by other users (mode 0775)",
			func(t *testing.T, dir string) {
				needRoot(t)
				mkdir(t, dir, 0o775)
				must(t, os.Chown(dir, uid, stranger))
			}},
		{"writable by the owner's private group", "",
			func(t *testing.T, dir string) {
				needRoot(t)
				mkdir(t, dir, 0o775)
				must(t, os.Chown(dir, uid, uid))
			}},
		{"owned by another user", "belongs to uid 65534 and not to root or uid 0",
			func(t *testing.T, dir string) {
				needRoot(t)
				mkdir(t, dir, 0o755)
				must(t, os.Chown(dir, stranger, stranger))
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "parent", "run")
			mkdir(t, filepath.Dir(dir), 0o755)
			tt.make(t, dir)
			checkRefusal(t, Dir{Path: dir}.Check(), dir, tt.reason)
		})
	}
}

func TestRunDirCheckRefusesWhatItCannotWrite(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755)) // whatever the umask
	must(t, os.Chmod(dir, 0o755))
	var reached, err error
	asStranger(func() {
		_, reached = os.Stat(dir)
		err = Dir{Path: dir}.Check()
	})
	if reached != nil {
		t.Skipf("other users do not get as far as %s", dir)
	}
	checkRefusal(t, err, dir, "cannot be written by uid 0: permission denied")
}

func TestRunDirCheckMakesOneLevelWithMode0755(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	must(t, Dir{Path: dir}.Check())
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got != fs.ModeDir|0o755 {
		t.Errorf("mode %v, want drwxr-xr-x", got)
	}
}

func checkRefusal(t *testing.T, err error, dir, reason string) {
	t.Helper()
	if reason == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	want := "run directory " + dir + " " + reason + "; choose another one with --run-dir"
	if err == nil || err.Error() != want {
		t.Fatalf("error %v\nwant  %s", err, want)
	}
	var refused *Error
	if !errors.As(err, &refused) || !errors.Is(err, ErrDenied) {
		t.Errorf("error %T is no Error that is ErrDenied", err)
	}
}

// asStranger runs fn on a thread that the kernel lets into files as it would
// another user. The thread ends with its goroutine, which stays locked to it.
func asStranger(fn func()) {
	done := make(chan struct{})
	go func() { // ends with fn
		defer close(done)
		runtime.LockOSThread()
		unix.SetfsuidRetUid(stranger)
		fn()
	}()
	<-done
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to give files to another user")
	}
}

func mkdir(t *testing.T, dir string, mode fs.FileMode) {
	t.Helper()
	must(t, os.Mkdir(dir, 0o700))
	must(t, os.Chmod(dir, mode)) // whatever the umask
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// checkFileError wants an error of that text that wraps errno, unless that is 0.
func checkFileError(t *testing.T, err error, want string, errno syscall.Errno) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Fatalf("error %v\nwant  %s", err, want)
	}
	if errno != 0 && !errors.Is(err, errno) {
		t.Errorf("error %q does not wrap %q", err, errno)
	}
}
