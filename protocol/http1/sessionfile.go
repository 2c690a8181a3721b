package http1

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// FileSessions is the SessionHandler that keeps each session in the file
// session_ID of a folder (features.md 29.13). A file is replaced as a whole, and
// its modification time is the moment when it expires. The file "lock" of the
// folder carries the locks: they end with their process, however it ends. It
// may be used by several goroutines and, with the folder, by all processes of a
// machine; on network file systems that know locks also of several machines.
//
// The folder is made with mode 0700. It has to belong to the user of the process
// and must not be writable by others; neither may a file in it belong to
// another user. What is in its way is an error of each call; so is a file above
// Sessions.MaxSize for Read.
type FileSessions struct{ dir string }

// NewFileSessions keeps sessions in dir, which is made on first use; what is above
// it must exist.
func NewFileSessions(dir string) *FileSessions {
	if full, err := filepath.Abs(dir); err == nil { // else the first use tells
		dir = full
	}
	return &FileSessions{dir}
}

// defaultFiles is the handler of Sessions when none is set.
var defaultFiles = sync.OnceValue(func() *FileSessions {
	name := "wm-sessions-" + strconv.Itoa(os.Geteuid())
	return NewFileSessions(filepath.Join(os.TempDir(), name))
})

const (
	sessionPrefix = "session_"
	sessionTemp   = "temp_" // of files that are being written
)

// Read implements SessionHandler.
func (f *FileSessions) Read(_ context.Context, id string) ([]byte, error) {
	return inFolder(f, id, func(dir int, name string) ([]byte, error) {
		const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK
		fd, err := openat(dir, name, flags, 0)
		if err != nil {
			_, err = f.judge(name, nil, err)
			return nil, err
		}
		file := descriptor(fd)
		defer file.Close()
		var info unix.Stat_t
		err = unix.Fstat(fd, &info)
		if there, err := f.judge(name, &info, err); !there || expired(&info, time.Now()) {
			return nil, err
		}
		if err := bounded(info.Size); err != nil {
			return nil, fmt.Errorf("session file %s: %w", filepath.Join(f.dir, name), err)
		}
		data := make([]byte, info.Size)
		n, err := file.ReadAt(data, 0)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("session file %s: %w", filepath.Join(f.dir, name), err)
		}
		return data[:n], nil
	})
}

// bounded refuses what is too large for a session, before it takes memory.
func bounded(size int64) error {
	if size > int64(Sessions.MaxSize) {
		return fmt.Errorf("%d bytes are above Sessions.MaxSize", size)
	}
	return nil
}

// look asks whether there is a session file, and it is an error when that is not ours.
func (f *FileSessions) look(dir int, name string) (there bool, err error) {
	var info unix.Stat_t
	err = unix.Fstatat(dir, name, &info, unix.AT_SYMLINK_NOFOLLOW)
	return f.judge(name, &info, err)
}

// judge says what a system call has told of a session file: info or err.
func (f *FileSessions) judge(name string, info *unix.Stat_t, err error) (there bool, _ error) {
	if err == nil {
		err = ours(info, unix.S_IFREG)
	}
	switch err {
	case nil:
		return true, nil
	case unix.ENOENT:
		return false, nil
	}
	return false, fmt.Errorf("session file %s is refused: %w", filepath.Join(f.dir, name), err)
}

// ours says why something is not to be trusted.
func ours(info *unix.Stat_t, kind uint32) error {
	switch {
	case info.Mode&unix.S_IFMT == unix.S_IFLNK:
		return unix.ELOOP // as O_NOFOLLOW says
	case info.Mode&unix.S_IFMT != kind:
		return errors.New("it is something else")
	case int(info.Uid) != os.Geteuid():
		return fmt.Errorf("it belongs to user %d and not to %d", info.Uid, os.Geteuid())
	case info.Mode&0o022 != 0:
		return fmt.Errorf("others may write to it (mode %o)", info.Mode&0o777)
	}
	return nil
}

func expired(info *unix.Stat_t, now time.Time) bool {
	return !now.Before(time.Unix(info.Mtim.Unix()))
}

// Write implements SessionHandler.
func (f *FileSessions) Write(
	_ context.Context, id string, data []byte, lifetime time.Duration,
) error {
	if err := bounded(int64(len(data))); err != nil {
		return err
	}
	_, err := inFolder(f, id, func(dir int, name string) (struct{}, error) {
		// What is there of another user is not replaced but refused.
		if _, err := f.look(dir, name); err != nil {
			return struct{}{}, err
		}
		temp := sessionTemp + rand.Text()
		err := f.fill(dir, temp, data, time.Now().Add(lifetime))
		if err == nil {
			err = unix.Renameat(dir, temp, dir, name)
		}
		if err != nil {
			_ = unix.Unlinkat(dir, temp, 0) // GC finds what cannot be deleted
			err = fmt.Errorf("write session file %s: %w", filepath.Join(f.dir, name), err)
		}
		return struct{}{}, err
	})
	return err
}

// fill makes the file name.
func (f *FileSessions) fill(dir int, name string, data []byte, until time.Time) error {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := openat(dir, name, flags, 0o600)
	if err != nil {
		return err
	}
	for len(data) > 0 && err == nil {
		var n int
		n, err = ignoringEINTR(func() (int, error) { return unix.Write(fd, data) })
		data = data[max(n, 0):]
	}
	if err == nil {
		err = setExpiry(dir, name, until)
	}
	return errors.Join(err, unix.Close(fd))
}

func setExpiry(dir int, name string, until time.Time) error {
	stamp := unix.NsecToTimespec(until.UnixNano())
	return unix.UtimesNanoAt(dir, name, []unix.Timespec{stamp, stamp}, unix.AT_SYMLINK_NOFOLLOW)
}

// Touch implements SessionHandler.
func (f *FileSessions) Touch(_ context.Context, id string, lifetime time.Duration) error {
	_, err := inFolder(f, id, func(dir int, name string) (struct{}, error) {
		there, err := f.look(dir, name)
		if there {
			err = setExpiry(dir, name, time.Now().Add(lifetime))
		}
		return struct{}{}, err
	})
	return err
}

// Destroy implements SessionHandler.
func (f *FileSessions) Destroy(_ context.Context, id string) error {
	_, err := inFolder(f, id, func(dir int, name string) (struct{}, error) {
		err := unix.Unlinkat(dir, name, 0)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return struct{}{}, err
	})
	return err
}

// inFolder calls fn with the descriptor of the folder, and the name in it that a session
// has. The folder is looked at each time: a cleaner of temporary files may have
// deleted it.
func inFolder[T any](f *FileSessions, id string, fn func(dir int, name string) (T, error),
) (v T, err error) {
	if !validSessionID(id) {
		return v, fmt.Errorf("session id %.40q breaks the pattern", id)
	}
	dir, err := f.folder()
	if err != nil {
		return v, err
	}
	defer unix.Close(dir)
	return fn(dir, sessionFileName(id))
}

// sessionFileName is session_ID, but for ids that are too long for a file name.
func sessionFileName(id string) string {
	if len(id) > 200 {
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:])
	}
	return sessionPrefix + id
}

// folder opens the folder, and makes it when it is missing.
func (f *FileSessions) folder() (int, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := openat(unix.AT_FDCWD, f.dir, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if err = unix.Mkdir(f.dir, 0o700); err == nil || err == unix.EEXIST {
			fd, err = openat(unix.AT_FDCWD, f.dir, flags, 0)
		}
	}
	if err != nil {
		return -1, fmt.Errorf("session folder %s: %w", f.dir, err)
	}
	var info unix.Stat_t
	if err = unix.Fstat(fd, &info); err == nil {
		err = ours(&info, unix.S_IFDIR)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("session folder %s is refused: %w", f.dir, err)
	}
	return fd, nil
}

// openat is unix.Openat past interruptions.
func openat(dir int, name string, flags int, mode uint32) (fd int, err error) {
	for {
		fd, err = unix.Openat(dir, name, flags, mode)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// staleTemp is when a file that was being written has lost its writer.
const staleTemp = time.Hour

// GC implements SessionHandler. It takes its time but no lock that another waits for: a
// session that is in use is left alone.
func (f *FileSessions) GC(ctx context.Context) error {
	dir, err := f.folder()
	if err != nil {
		return err
	}
	list := os.NewFile(uintptr(dir), f.dir)
	defer list.Close()
	for ctx.Err() == nil {
		names, err := list.Readdirnames(256)
		for _, name := range names {
			f.clear(dir, name)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// clear deletes a file of the folder that has expired. Errors say that another was
// faster, or that it is not ours.
func (f *FileSessions) clear(dir int, name string) {
	var age time.Duration
	switch {
	case strings.HasPrefix(name, sessionTemp):
		age = staleTemp
	case !strings.HasPrefix(name, sessionPrefix) || !f.stale(dir, name, 0):
		return
	}
	unlock, err := f.tryLock(dir, name)
	if err != nil || unlock == nil {
		return
	}
	defer unlock()
	if f.stale(dir, name, age) { // still, now that nobody can write it
		_ = unix.Unlinkat(dir, name, 0)
	}
}

// stale says that a file has expired, age ago or earlier.
func (f *FileSessions) stale(dir int, name string, age time.Duration) bool {
	var info unix.Stat_t
	err := unix.Fstatat(dir, name, &info, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && expired(&info, time.Now().Add(-age))
}

var _ SessionHandler = (*FileSessions)(nil)
