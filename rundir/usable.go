package rundir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Usable is Check without making the directory: one that is missing is fine
// when it could be made. Called by wm check.
func (d Dir) Usable() error {
	_, err := os.Lstat(d.Path)
	if !errors.Is(err, fs.ErrNotExist) {
		return d.Check()
	}
	switch err := mayMakeIn(filepath.Dir(d.Path)); {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Dir: d.Path, Reason: "does not exist, nor does its parent"}
	case err != nil:
		return &Error{Dir: d.Path, Reason: "does not exist and cannot be made: " + err.Error()}
	}
	return nil
}

// CheckPidFile tells why WritePidFile would fail, and writes nothing.
func CheckPidFile(path string) error {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	} else {
		err = mayMakeIn(filepath.Dir(path))
	}
	if err != nil {
		return &fileError{"pid file", path, err}
	}
	return nil
}

// CheckLogFile tells why OpenLog would fail, and makes nothing. rotates is
// false when the file could be written but not rotated.
func CheckLogFile(path string) (rotates bool, err error) {
	if err := mayWrite(path); err != nil {
		return false, &fileError{"log file", path, err}
	}
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		return true, nil // a device such as /dev/null
	}
	return mayMakeIn(filepath.Dir(path)) == nil, nil
}

// CheckStdoutFile tells why OpenStdout would fail, and makes nothing.
func CheckStdoutFile(path string) error {
	if err := mayWrite(path); err != nil {
		return &fileError{"stdout file", path, err}
	}
	return nil
}

// mayWrite tells why the file at path can be neither written nor made.
func mayWrite(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return mayMakeIn(filepath.Dir(path))
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return unix.ELOOP
	case info.IsDir():
		return unix.EISDIR
	}
	return unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS)
}

// mayMakeIn tells why no file can be made in dir.
func mayMakeIn(dir string) error {
	return unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}
