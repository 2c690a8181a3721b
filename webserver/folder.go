package webserver

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol/http1"
)

// folder is a root on disk. The kernel keeps to it: openat2(2) with RESOLVE_BENEATH
// refuses every link and every ".." that leads out, also one that is made between a
// check and its use, in one call for the whole path.
type folder struct {
	dir  *os.File
	slow *os.Root // the same in more calls, for kernels before 5.6 and strict sandboxes
}

func openFolder(dir string) (*folder, error) {
	opened, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	f := &folder{dir: opened}
	fd, err := f.beneath(".")
	switch {
	case err == nil:
		return f, unix.Close(fd)
	case err == unix.ENOSYS || err == unix.EPERM:
		err = f.useRoot(dir)
	case err == unix.EACCES: // it may be entered and not be listed
		err = nil
	}
	return f, err
}

// useRoot is for where there is no openat2.
func (f *folder) useRoot(dir string) (err error) {
	f.slow, err = os.OpenRoot(dir)
	return err
}

// openFlags never wait: not for the other end of a named pipe, and not for a
// terminal.
const openFlags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC

// again is how often a path is tried while directories on it are renamed.
const again = 8

func (f *folder) beneath(name string) (int, error) {
	how := unix.OpenHow{
		Flags:   openFlags,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
	}
	for i := 0; ; i++ {
		fd, err := unix.Openat2(int(f.dir.Fd()), name, &how)
		if i == again || err != unix.EINTR && err != unix.EAGAIN {
			return fd, err
		}
	}
}

func (f *folder) open(name string) (found, error) {
	if name == "" {
		name = "."
	}
	fd, err := f.descriptor(name)
	if err != nil {
		return found{}, err
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		unix.Close(fd)
		return found{}, err
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		file := http1.NewDescriptor(fd)
		r := http1.OpenFile(file, name, stat.Size, time.Unix(stat.Mtim.Unix()))
		return found{response: r, file: file}, nil
	case unix.S_IFDIR:
		return found{}, unix.Close(fd)
	}
	unix.Close(fd)
	return found{}, fs.ErrNotExist
}

func (f *folder) descriptor(name string) (int, error) {
	if f.slow == nil {
		return f.beneath(name)
	}
	opened, err := f.slow.OpenFile(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		var errno syscall.Errno
		if !errors.As(err, &errno) { // os.Root has no name for it
			err = unix.EXDEV
		}
		return -1, err
	}
	defer opened.Close()
	return unix.FcntlInt(opened.Fd(), unix.F_DUPFD_CLOEXEC, 0)
}
