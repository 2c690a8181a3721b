package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked is returned by AcquireLock when another master holds the lock.
var ErrLocked = errors.New("already locked")

// A lock that cannot be had is tried again for a moment, because Held takes it
// for an instant to see whether that is possible.
const (
	lockTries = 10
	lockPause = 5 * time.Millisecond
)

// Lock is the proof that this process is the master of its run directory. It
// is close-on-exec and ends with the process, however that ends.
type Lock struct {
	path string
	fd   int
}

// AcquireLock takes the lock file at path, or returns ErrLocked at the latest
// after 50 ms. The file is for its owner alone: whoever may read it could lock
// it too and keep the service from starting. Called by the master.
func AcquireLock(path string) (*Lock, error) {
	for try := 1; ; {
		fd, err := lockOnce(path)
		switch {
		case err == nil && names(path, fd):
			return &Lock{path: path, fd: fd}, nil
		case err == nil:
			unix.Close(fd) // its holder removed it between open and flock
		case !errors.Is(err, unix.EWOULDBLOCK):
			return nil, &fileError{"lock file", path, err}
		case try == lockTries:
			return nil, fmt.Errorf("lock file %s: %w", path, ErrLocked)
		default:
			try++
			time.Sleep(lockPause)
		}
	}
}

// AdoptLock is the lock that another image of this process has taken. Called
// by the master after its image was replaced.
func AdoptLock(path string, fd int) *Lock { return &Lock{path: path, fd: fd} }

// Descriptor is the number of the file, which stays the Lock's; -1 for nil.
func (l *Lock) Descriptor() int {
	if l == nil {
		return -1
	}
	return l.fd
}

// lockOnce opens path and locks what it opened.
func lockOnce(path string) (int, error) {
	const flags = unix.O_RDWR | unix.O_CREAT | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK
	fd, err := unix.Open(path, flags, 0o600)
	if err != nil {
		return -1, err
	}
	if err := flock(fd, unix.LOCK_EX); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// flock never waits, except for signals to pass.
func flock(fd, how int) error {
	for {
		err := unix.Flock(fd, how|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// names tells whether path still is the file behind fd.
func names(path string, fd int) bool {
	var at, open unix.Stat_t
	if unix.Lstat(path, &at) != nil || unix.Fstat(fd, &open) != nil {
		return false
	}
	return at.Dev == open.Dev && at.Ino == open.Ino
}

// Restore makes the file again after it has lost its name, and locks that: what
// is held is of use while others can find it. It is ErrLocked when somebody else
// was faster, whose file is left alone. Called by the master, whose pause for it
// is at most 50 ms.
func (l *Lock) Restore() error {
	const flags = unix.O_RDWR | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Open(l.path, flags, 0o600)
	if errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("lock file %s: %w", l.path, ErrLocked)
	}
	if err != nil {
		return &fileError{"lock file", l.path, err}
	}
	for try := 1; ; try++ {
		err = flock(fd, unix.LOCK_EX)
		if !errors.Is(err, unix.EWOULDBLOCK) || try == lockTries {
			break
		}
		time.Sleep(lockPause)
	}
	switch {
	case errors.Is(err, unix.EWOULDBLOCK) || err == nil && !names(l.path, fd):
		err = fmt.Errorf("lock file %s: %w", l.path, ErrLocked)
	case err != nil:
		err = &fileError{"lock file", l.path, err}
	default:
		unix.Close(l.fd)
		l.fd = fd
		return nil
	}
	unix.Close(fd)
	return err
}

// Release removes the file and gives the lock up. The file goes first: who
// opened it before finds that it has lost its name, and makes a new one. Another
// file that has taken the name stays.
func (l *Lock) Release() error {
	var err error
	if l.Standing() == Own {
		err = os.Remove(l.path)
	}
	// A process that is between fork and exec shares the lock for a moment,
	// which closing would not end.
	unix.Flock(l.fd, unix.LOCK_UN)
	unix.Close(l.fd)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &fileError{"lock file", l.path, err}
	}
	return nil
}

// Held tells whether a master holds the lock at path, without making the file.
// Called by the command line.
func Held(path string) (bool, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK
	fd, err := unix.Open(path, flags, 0)
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if errors.Is(err, unix.EACCES) {
		return false, fmt.Errorf("%w; only the user of the service and root may ask",
			&fileError{"lock file", path, err})
	}
	if err != nil {
		return false, &fileError{"lock file", path, err}
	}
	defer unix.Close(fd)
	err = flock(fd, unix.LOCK_SH)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, &fileError{"lock file", path, err}
	}
	return false, nil
}
