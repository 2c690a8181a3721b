package listen

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	maxSocketPath  = 107   // what sockaddr_un takes
	socketFileMode = 0o660 // connecting needs the right to write
)

var errNoSocket = errors.New("the file that is there is no socket")

// Owner is the user and the group that a file belongs to.
type Owner struct{ UID, GID uint32 }

// File is the file of a Unix socket. Its folder is held open, so that what is
// removed later lies where the socket was made; and so is the file itself,
// because the number of its inode is given to another file as soon as nobody
// holds it. The three fields are all there is of it: who passes them on to
// another program has the file there too.
type File struct {
	Path string
	Dir  int // O_PATH descriptors of the folder
	Own  int // and of the file that was made; -1 before
}

// openUnix makes a socket at a.Host that its owner and the owner's group may
// connect to (features.md group 34). A file that a dead owner left is
// replaced; anything else that is there is an error.
func openUnix(a Address) (fd int, f *File, err error) {
	if f, err = openFolder(a.Host); err != nil {
		return -1, nil, err
	}
	if fd, err = f.bind(a); err != nil {
		f.remove()
		return -1, nil, err
	}
	return fd, f, nil
}

func openFolder(path string) (*File, error) {
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", filepath.Dir(path), err)
	}
	return &File{Path: path, Dir: dir, Own: -1}, nil
}

// name is that in the folder.
func (f *File) name() string { return filepath.Base(f.Path) }

// address is the path, or, when that is too long, a shorter one through the
// folder's descriptor.
func (f *File) address() unix.Sockaddr {
	if len(f.Path) <= maxSocketPath {
		return &unix.SockaddrUnix{Name: f.Path}
	}
	return &unix.SockaddrUnix{Name: fmt.Sprintf("/proc/self/fd/%d/%s", f.Dir, f.name())}
}

func (f *File) bind(a Address) (int, error) {
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
		err = f.made(a.Owner)
		if err == nil {
			// Nobody can connect before this, so nobody slips in while the
			// file has another mode.
			err = unix.Listen(fd, a.queue())
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// present opens the socket file that is there; -1 without one.
func (f *File) present() (int, error) {
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
func (f *File) clear() error {
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
func (f *File) made(owner *Owner) (err error) {
	if f.Own, err = f.open(); err != nil {
		f.Own = -1
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(f.Own, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return errNoSocket
	}
	if err := unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", f.Own), socketFileMode); err != nil {
		return err
	}
	return f.Give(owner)
}

// Give changes the owner of a file that was made, at any time; nil leaves it.
func (f *File) Give(owner *Owner) error {
	if owner == nil {
		return nil
	}
	return unix.Fchownat(f.Own, "", int(owner.UID), int(owner.GID), unix.AT_EMPTY_PATH)
}

func (f *File) open() (int, error) {
	return unix.Openat(f.Dir, f.name(), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

// remove takes the file away, unless another owner has replaced it.
func (f *File) remove() {
	if f.Own >= 0 {
		// A failure leaves a file that the next start replaces.
		_ = f.unlink(f.Own)
		unix.Close(f.Own)
	}
	unix.Close(f.Dir)
}

// unlink removes the name if it still is that of the open file.
func (f *File) unlink(file int) error {
	var want, got unix.Stat_t
	if err := unix.Fstat(file, &want); err != nil {
		return err
	}
	err := unix.Fstatat(f.Dir, f.name(), &got, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil || got.Dev != want.Dev || got.Ino != want.Ino {
		return err
	}
	return unix.Unlinkat(f.Dir, f.name(), 0)
}
