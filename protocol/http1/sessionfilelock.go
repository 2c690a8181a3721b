package http1

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// All sessions of a folder are locked in one file that is never written to: each
// has one byte of it, far behind its end (fcntl(2), open file description
// locks). The kernel lets go of a lock when its process dies. There is no
// file per lock, so nothing is left behind and nothing has to be deleted.

const lockFile = "lock"

// How often a lock is tried. The kernel would wait by itself, but not for a
// limited time, and with a thread for each that waits.
const (
	lockPollMin = 500 * time.Microsecond
	lockPollMax = 10 * time.Millisecond
)

// Lock implements SessionHandler. A process that dies loses its locks at once.
func (f *FileSessions) Lock(ctx context.Context, id string) (unlock func(), err error) {
	return inFolder(f, id, func(dir int, name string) (func(), error) {
		for pause := lockPollMin; ; pause = min(2*pause, lockPollMax) {
			unlock, err := f.tryLock(dir, name)
			if err != nil || unlock != nil {
				return unlock, err
			}
			timer := time.NewTimer(pause/2 + rand.N(pause))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return nil, fmt.Errorf("lock session file %s: %w",
					filepath.Join(f.dir, name), context.Cause(ctx))
			}
		}
	})
}

// tryLock returns nil and no error when another has the lock.
func (f *FileSessions) tryLock(dir int, name string) (unlock func(), err error) {
	for {
		unlock, gone, err := f.lockOnce(dir, name)
		if !gone {
			return unlock, err
		}
	}
}

// lockOnce reports gone when the lock file was deleted before it was locked:
// others may be using a new one.
func (f *FileSessions) lockOnce(dir int, name string) (unlock func(), gone bool, err error) {
	const flags = unix.O_RDWR | unix.O_CREAT | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK
	path := filepath.Join(f.dir, lockFile)
	fd, err := openat(dir, lockFile, flags, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("session lock %s: %w", path, err)
	}
	var mine, there unix.Stat_t
	if err = unix.Fstat(fd, &mine); err == nil {
		err = ours(&mine, unix.S_IFREG)
	}
	if err != nil {
		unix.Close(fd)
		return nil, false, fmt.Errorf("session lock %s is refused: %w", path, err)
	}
	err = unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &unix.Flock_t{
		Type: unix.F_WRLCK, Start: lockByte(name), Len: 1,
	})
	if err != nil {
		unix.Close(fd)
		if err == unix.EAGAIN || err == unix.EACCES || err == unix.EINTR {
			return nil, false, nil
		}
		return nil, false, fmt.Errorf("session lock %s: %w", path, err)
	}
	err = unix.Fstatat(dir, lockFile, &there, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || mine.Ino != there.Ino || mine.Dev != there.Dev {
		unix.Close(fd)
		return nil, true, nil
	}
	return func() { unix.Close(fd) }, false, nil
}

// lockByte is where the lock of a session file is. Two of them meet once in 2^61
// pairs, and then only wait for each other.
func lockByte(name string) int64 {
	sum := sha256.Sum256([]byte(name))
	return int64(binary.BigEndian.Uint64(sum[:8])>>2) + 1
}
