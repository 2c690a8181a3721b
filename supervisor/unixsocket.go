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

// socketFile is the file of a Unix socket. Its folder is held open, so that
// what is removed later lies where the socket was made; and so is the file
// itself, because the number of its inode is given to another file as soon as
// nobody holds it.
type socketFile struct {
	path string
	name string // in the folder
	dir  int    // O_PATH descriptors of the folder
	own  int    // and of the file that this master made; -1 before
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
			f.remove()
		}
	})
	return fd, f, err
}

func openFolder(path string) (*socketFile, error) {
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", filepath.Dir(path), err)
	}
	return &socketFile{dir: dir, path: path, name: filepath.Base(path), own: -1}, nil
}

// openedFile is one that another image of the master has made.
func openedFile(path string, dir, own int) *socketFile {
	return &socketFile{path: path, name: filepath.Base(path), dir: dir, own: own}
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
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// present opens the socket file that is there; -1 without one.
func (f *socketFile) present() (int, error) {
	there, err := f.open()
	if errors.Is(err, unix.ENOENT) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	err = unix.Fstat(there, &st)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		err = errNoSocket
	}
	if err != nil {
		unix.Close(there)
		return -1, err
	}
	return there, nil
}

// clear removes a socket file that nobody listens at.
func (f *socketFile) clear() error {
	there, err := f.present()
	if there < 0 {
		return err
	}
	defer unix.Close(there)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	switch err := unix.Connect(fd, f.address()); {
	case errors.Is(err, unix.ECONNREFUSED):
		return f.unlink(there)
	case errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EACCES):
		return err
	}
	return unix.EADDRINUSE // somebody answers, or has a full queue, or datagrams
}

// made finds the file that the bind has made and gives it to its owner. It is
// opened first: what is changed must be what was looked at.
func (f *socketFile) made(owner *identity) (err error) {
	if f.own, err = f.open(); err != nil {
		f.own = -1
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(f.own, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return errNoSocket
	}
	if err := unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", f.own), socketFileMode); err != nil {
		return err
	}
	return f.give(owner)
}

// give changes the owner; later too, when a reload has changed the Worker's
// user.
func (f *socketFile) give(owner *identity) error {
	if owner == nil {
		return nil
	}
	return unix.Fchownat(f.own, "", int(owner.uid), int(owner.gid), unix.AT_EMPTY_PATH)
}

func (f *socketFile) open() (int, error) {
	return unix.Openat(f.dir, f.name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

// remove takes the file away, unless another owner has replaced it.
func (f *socketFile) remove() {
	if f.own >= 0 {
		// A failure leaves a file that the next start replaces.
		_ = f.unlink(f.own)
		unix.Close(f.own)
	}
	unix.Close(f.dir)
}

// unlink removes the name if it still is that of the open file.
func (f *socketFile) unlink(file int) error {
	var want, got unix.Stat_t
	if err := unix.Fstat(file, &want); err != nil {
		return err
	}
	err := unix.Fstatat(f.dir, f.name, &got, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil || got.Dev != want.Dev || got.Ino != want.Ino {
		return err
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
