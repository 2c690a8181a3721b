package worker

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// dialSocket makes a socket with the options of features.md 19.22.
func dialSocket(to unix.Sockaddr, packets bool, bindTo string) (int, error) {
	family, kind := unix.AF_INET, unix.SOCK_STREAM
	switch to.(type) {
	case *unix.SockaddrInet6:
		family = unix.AF_INET6
	case *unix.SockaddrUnix:
		family = unix.AF_UNIX
	}
	if packets {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if family != unix.AF_UNIX && !packets {
		err = keepAlive(fd)
	}
	if err == nil && bindTo != "" {
		err = bind(fd, bindTo)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// keepAliveSeconds is below the 60 s after which common balancers forget.
const keepAliveSeconds = 55

func keepAlive(fd int) error {
	for _, o := range [...]struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveSeconds},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAliveSeconds},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 1},
	} {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	return nil
}

func bind(fd int, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err == nil {
		err = unix.Bind(fd, toSockaddr(at))
	}
	if err != nil {
		return fmt.Errorf("bind to %s: %w", address, err)
	}
	return nil
}
