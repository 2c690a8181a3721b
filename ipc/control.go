package ipc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxSocketPath is what fits into sockaddr_un without its final zero.
const maxSocketPath = 107

// ListenControl binds the control socket at path with mode 0600. A stale
// socket file is removed; the caller holds the lock of the run directory, so
// nobody listens there. Called by the master.
func ListenControl(path string) (*net.UnixListener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return BindControl(path)
}

// BindControl is ListenControl for a path where nothing is: it fails when
// something is there. Called by the master.
func BindControl(path string) (*net.UnixListener, error) {
	short, done, err := shorten(path)
	if err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	defer done()
	config := net.ListenConfig{Control: forOwnerAlone}
	listener, err := config.Listen(context.Background(), "unixpacket", short)
	if err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, cause(err))
	}
	ln := listener.(*net.UnixListener)
	ln.SetUnlinkOnClose(false) // the short name may not exist any more
	return ln, nil
}

// forOwnerAlone gives a socket that is to be bound the mode that its file gets.
// The umask would do too, but is that of all goroutines, some of which may make
// files at this moment.
func forOwnerAlone(_, _ string, sock syscall.RawConn) error {
	var failed error
	err := sock.Control(func(fd uintptr) { failed = unix.Fchmod(int(fd), 0o600) })
	return errors.Join(err, failed)
}

// DialControl connects to the master that listens at path. Called by the
// command line.
func DialControl(path string) (*Conn, error) {
	short, done, err := shorten(path)
	if err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	defer done()
	sock, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: short, Net: "unixpacket"})
	if err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, cause(err))
	}
	return NewConn(sock), nil
}

// shorten gives a name for path that fits into a socket address: a long one
// goes through the descriptor of its directory.
func shorten(path string) (short string, done func(), err error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, err
	}
	short = fmt.Sprintf("/proc/self/fd/%d/%s", dir, filepath.Base(path))
	return short, func() { unix.Close(dir) }, nil
}

// cause takes package net's wrapping off, which would repeat the short name.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
