package wmtest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// queueLength is for clients that nobody has accepted yet.
const queueLength = 128

// openAll opens the listeners of the declared Workers, -1 for those that have
// none.
func (s *Service) openAll() ([]int, error) {
	var fds []int
	for _, w := range s.made {
		d := w.Declaration()
		fd := -1
		if d.Network != "" {
			var err error
			if fd, err = s.open(d.Network+"://"+d.Host, false); err != nil {
				closeAll(fds)
				return nil, fmt.Errorf("Worker %s: %w", d.Name, err)
			}
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// open opens a listener for an address, which a running service may have: a
// free port or a path of its own takes its place. It is never shared, so there
// is nothing to reuse.
func (s *Service) open(address string, _ bool) (int, error) {
	network, host, _ := strings.Cut(address, "://")
	family, kind := unix.AF_INET, unix.SOCK_STREAM
	var at unix.Sockaddr = &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	switch {
	case network == "unix":
		path, err := s.newPath(host)
		if err != nil {
			return -1, err
		}
		family, at = unix.AF_UNIX, &unix.SockaddrUnix{Name: path}
	case isSix(host):
		family, at = unix.AF_INET6, &unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16()}
	}
	if network == "udp" {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("listen %s: %w", address, err)
	}
	err = unix.Bind(fd, at)
	if err == nil && kind == unix.SOCK_STREAM {
		err = unix.Listen(fd, queueLength)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("listen in place of %s: %w", address, err)
	}
	return fd, nil
}

// isSix says that only IPv6 will do.
func isSix(host string) bool {
	at, err := netip.ParseAddrPort(host)
	return err == nil && at.Addr().Is6() && !at.Addr().IsUnspecified()
}

// newPath is a short one, as paths of sockets must be, with the same last name.
func (s *Service) newPath(path string) (string, error) {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "wmtest-")
		if err != nil {
			return "", err
		}
		s.dir = dir
	}
	own, err := os.MkdirTemp(s.dir, "")
	return filepath.Join(own, filepath.Base(path)), err
}

func closeAll(fds []int) {
	for _, fd := range fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
