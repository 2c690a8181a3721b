package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrDenied is what Check's refusals are: this user may not use, or nobody
// should use, the directory.
var ErrDenied = errors.New("rundir: not permitted")

// Dir is where a service keeps the files by which it is found again. All
// paths are absolute.
type Dir struct {
	Path    string
	Lock    string // held by the master for as long as it lives
	PidFile string // unless another one was asked for
	LogFile string // unless another one was asked for
	Socket  string // control socket
	History string // what was done to the service, see History
}

// Resolve picks the run directory of program ("" is wm): flag, which is
// the value of --run-dir, else WM_RUN_DIR, else the first of systemd's
// RUNTIME_DIRECTORY, else the directory of executable. That is the absolute
// path of the binary as called: links are not followed, so that a command
// given through the same path finds the same service. Nothing is looked at on
// the disk; see Check.
func Resolve(flag, executable, program string) (Dir, error) {
	if program == "" {
		program = "wm"
	}
	if filepath.Base(program) != program {
		return Dir{}, fmt.Errorf("program name %q is no file name", program)
	}
	dir := flag
	if dir == "" {
		dir = os.Getenv("WM_RUN_DIR")
	}
	if dir == "" {
		dir, _, _ = strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	}
	if dir == "" {
		if !filepath.IsAbs(executable) {
			return Dir{}, fmt.Errorf("executable %q is no absolute path", executable)
		}
		dir = filepath.Dir(executable)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Dir{}, fmt.Errorf("run directory: %w", err)
	}
	base := filepath.Join(dir, program)
	return Dir{
		Path: dir, Lock: base + ".lock", PidFile: base + ".pid",
		LogFile: base + ".log", Socket: base + ".sock", History: base + ".history",
	}, nil
}

// Error is why Check refuses a run directory. Callers branch on it to
// tell the user apart from other failures.
type Error struct{ Dir, Reason string }

// Error is one sentence that names the flag by which to choose another one.
func (e *Error) Error() string {
	return fmt.Sprintf("run directory %s %s; choose another one with --run-dir", e.Dir, e.Reason)
}

// Unwrap makes it an ErrDenied.
func (e *Error) Unwrap() error { return ErrDenied }

// Check refuses, with an Error, a directory in which somebody else could
// put or replace files. A missing directory is made when its parent exists.
// Called before a start; a command that only looks for a running master needs
// no Check: a missing lock file says that nothing runs.
func (d Dir) Check() error {
	info, err := lstatOrMake(d.Path)
	reason := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		reason = "does not exist, nor does its parent"
	case err != nil:
		reason = fmt.Sprintf("cannot be used: %v", cause(err))
	case info.Mode()&fs.ModeSymlink != 0:
		reason = "is a symbolic link"
	default:
		reason = checkDirectory(d.Path)
	}
	if reason != "" {
		return &Error{Dir: d.Path, Reason: reason}
	}
	return nil
}

// checkDirectory tells why dir is no place for files that only the master may
// make and replace; "" if it is one.
func checkDirectory(dir string) (reason string) {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Sprintf("cannot be used: %v", cause(err))
	}
	if !info.IsDir() {
		return "is not a directory"
	}
	stat, euid := info.Sys().(*syscall.Stat_t), os.Geteuid()
	if stat.Uid != 0 && int(stat.Uid) != euid {
		return fmt.Sprintf("belongs to uid %d and not to root or uid %d", stat.Uid, euid)
	}
	if openToOthers(stat) {
		return fmt.Sprintf("can be written by other users (mode %04o)", stat.Mode&0o7777)
	}
	err = unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	if err != nil {
		return fmt.Sprintf("cannot be written by uid %d: %v", euid, err)
	}
	return ""
}

// lstatOrMake makes one level of directory, never the parents: a mistyped path
// is to be noticed.
func lstatOrMake(dir string) (fs.FileInfo, error) {
	info, err := os.Lstat(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return info, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.Lstat(dir)
}

// openToOthers tells whether users beside the owner may write. Sticky does not
// help: it stops removing, not making. Where each user has a private group of
// the same number, as on most distributions, umask 002 is the default and
// writing by that group is writing by the owner.
func openToOthers(stat *syscall.Stat_t) bool {
	byGroup := stat.Mode&0o020 != 0 && stat.Gid != stat.Uid
	return byGroup || stat.Mode&0o002 != 0
}

// fileError says which file could not be used and why, in words for a person;
// errors.Is sees the errno.
type fileError struct {
	what, path string
	err        error
}

func (e *fileError) Error() string {
	text := cause(e.err).Error()
	switch {
	case errors.Is(e.err, unix.ENOENT):
		text = "no such directory" // the file itself would have been made
	case errors.Is(e.err, unix.ELOOP):
		text = "is a symbolic link"
	}
	return fmt.Sprintf("%s %s: %s", e.what, e.path, text)
}

func (e *fileError) Unwrap() error { return e.err }

// cause takes package os's wrapping off, which would repeat the path.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
