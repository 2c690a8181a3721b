package rundir

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// RestoreEvery is how often a master looks whether the files by which it is
// found are still there. One that was removed, by whatever cleans its folder,
// is made again at the next look.
const RestoreEvery = 2 * time.Second

// Standing is what lies under the name of a file that a master has made.
type Standing int

const (
	Own     Standing = iota // what it has made
	Missing                 // nothing
	Foreign                 // something else
)

// FileID tells a file from another one that takes its name. The zero FileID is
// no file's.
type FileID struct{ Dev, Ino uint64 }

// FileIDOf returns that of what lies at path, a link itself; zero for nothing.
func FileIDOf(path string) FileID {
	var at unix.Stat_t
	if unix.Lstat(path, &at) != nil {
		return FileID{}
	}
	return FileID{at.Dev, at.Ino}
}

// StandingOf tells whether the file at path is still own.
func StandingOf(path string, own FileID) Standing {
	var at unix.Stat_t
	err := unix.Lstat(path, &at)
	switch {
	case errors.Is(err, unix.ENOENT):
		return Missing
	case err == nil && FileID{at.Dev, at.Ino} == own:
		return Own
	}
	return Foreign
}

// Standing tells whether the lock file is still the one that is locked.
func (l *Lock) Standing() Standing {
	var open unix.Stat_t
	if unix.Fstat(l.fd, &open) != nil {
		return Foreign
	}
	return StandingOf(l.path, FileID{open.Dev, open.Ino})
}

// PidFileStanding tells whether the file at path still names pid, as that is all
// that it is for.
func PidFileStanding(path string, pid int) Standing {
	got, err := ReadPidFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Missing
	case err == nil && got == pid:
		return Own
	}
	return Foreign
}

// MayRestore tells why nothing is made again in the directory: it is gone, as
// after a service was deleted, or it became one that Check refuses. Called by
// the master.
func (d Dir) MayRestore() error {
	if _, err := os.Lstat(d.Path); err != nil {
		return &Error{Dir: d.Path, Reason: "is gone"}
	}
	return d.Check()
}
