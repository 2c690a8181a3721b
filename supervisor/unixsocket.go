package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxSocketPath  = 107   // what sockaddr_un takes
	socketFileMode = 0o660 // connecting needs the right to write
)

var errNoSocket = errors.New("the file that is there is no socket")

// socketFile is the file of a Unix socket. The folder is held open, so that
// what is removed later lies where the socket was made.
type socketFile struct {
	dir      int // O_PATH descriptor of the folder
	path     string
	name     string // in dir
	dev, ino uint64 // of the file that this master made
}

// bindUnix makes a socket at b.host that its owner and the owner's group may
// connect to (features.md group 34). A file that a dead owner left is
// replaced; anything else that is there is an error.
func bindUnix(b binding) (fd int, f *socketFile, err error) {
	fd = -1
	asUser(b.as, func() {
		if f, err = openFolder(b.host); err != nil {
			return
		}
		if fd, err = f.bind(b); err != nil {
			unix.Close(f.dir)
		}
	})
	return fd, f, err
}

func openFolder(path string) (*socketFile, error) {
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", filepath.Dir(path), err)
	}
	return &socketFile{dir: dir, path: path, name: filepath.Base(path)}, nil
}

// address is the path, or, when that is too long, a shorter one through the
// folder's descriptor.
func (f *socketFile) address() unix.Sockaddr {
	if len(f.path) <= maxSocketPath {
		return &unix.SockaddrUnix{Name: f.path}
	}
	return &unix.SockaddrUnix{Name: fmt.Sprintf("/proc/self/fd/%d/%s", f.dir, f.name)}
}

func (f *socketFile) bind(b binding) (int, error) {
	if err := f.clear(); err != nil {
		return -1, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = unix.Bind(fd, f.address())
	if errors.Is(err, unix.EINVAL) {
		err = fmt.Errorf("the file name is too long: %w", err)
	}
	if err == nil {
		err = f.made(b.owner)
		if err == nil {
			// Nobody can connect before this, so nobody slips in while the
			// file has another mode.
			err = unix.Listen(fd, b.queue())
		}
		if err != nil {
			err = errors.Join(err, f.unlink())
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// clear removes a socket file that nobody listens at.
func (f *socketFile) clear() error {
	var st unix.Stat_t
	err := unix.Fstatat(f.dir, f.name, &st, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case err != nil:
		return err
	case st.Mode&unix.S_IFMT != unix.S_IFSOCK:
		return errNoSocket
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	switch err := unix.Connect(fd, f.address()); {
	case errors.Is(err, unix.ECONNREFUSED):
		f.dev, f.ino = st.Dev, st.Ino
		return f.unlink()
	case errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EACCES):
		return err
	}
	return unix.EADDRINUSE // somebody answers, or has a full queue, or datagrams
}

// made notes which file the bind has made and gives it to its owner. The file
// is opened first: what is changed must be what was looked at.
func (f *socketFile) made(owner *identity) error {
	fd, err := f.open()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	f.dev, f.ino = st.Dev, st.Ino
	if err := unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), socketFileMode); err != nil {
		return err
	}
	return chown(fd, owner)
}

// give changes the owner later, when a reload has changed the Worker's user.
func (f *socketFile) give(owner *identity) error {
	fd, err := f.open()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if !f.isMine(fd) {
		return nil // replaced by somebody else
	}
	return chown(fd, owner)
}

func (f *socketFile) open() (int, error) {
	return unix.Openat(f.dir, f.name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

func (f *socketFile) isMine(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Dev == f.dev && st.Ino == f.ino
}

func chown(fd int, owner *identity) error {
	if owner == nil {
		return nil
	}
	return unix.Fchownat(fd, "", int(owner.uid), int(owner.gid), unix.AT_EMPTY_PATH)
}

// remove takes the file away, unless another owner has replaced it.
func (f *socketFile) remove() {
	// A failure leaves a file that the next start replaces.
	_ = f.unlink()
	unix.Close(f.dir)
}

func (f *socketFile) unlink() error {
	fd, err := f.open()
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if !f.isMine(fd) {
		return nil
	}
	return unix.Unlinkat(f.dir, f.name, 0)
}

// asUser runs fn with the access to files that id has; the master's own for
// nil. What a worker process asks the master to open must be nothing that it
// could not open itself.
func asUser(id *identity, fn func()) {
	if id == nil || os.Geteuid() != 0 {
		fn()
		return
	}
	onThreadThatEnds(func() {
		// Of this thread alone, and only root gets here: none can fail.
		unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(id.groups)),
			uintptr(unsafe.Pointer(unsafe.SliceData(id.groups))), 0)
		unix.Setfsgid(int(id.gid))
		unix.Setfsuid(int(id.uid))
		fn()
	})
}
