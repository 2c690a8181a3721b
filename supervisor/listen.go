package supervisor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	defaultBacklog  = 102400 // the kernel cuts it to net.core.somaxconn
	privilegedPorts = 1024

	keepAliveSeconds = 55 // below the 60 s after which common balancers forget
	keepAliveProbes  = 1
)

// listener is a listening socket of the master, which worker processes
// inherit. address is the host as the Spec has it.
type listener struct {
	fd      int
	address string
}

// openListener makes a listening socket for host, "127.0.0.1:2345",
// "[::]:2345" or "name:2345". The descriptor is non-blocking and
// close-on-exec; its flags are shared by all processes that inherit it, so it
// must never pass through package net or os.File.
func openListener(network, host string, backlog int) (int, error) {
	fd, err := -1, error(nil)
	if network == "tcp" {
		fd, err = listenTCP(host, backlog)
	} else {
		err = fmt.Errorf("network %s is not built in this version", network)
	}
	if err != nil {
		return -1, fmt.Errorf("listen %s %s: %w", network, host, err)
	}
	return fd, nil
}

func listenTCP(host string, backlog int) (int, error) {
	address, err := parseHost(host)
	if err != nil {
		return -1, err
	}
	family, sockaddr, err := socketAddress(address)
	if err != nil {
		return -1, err
	}
	// The protocol is given because 0 may become MPTCP by the sysctl of
	// some distributions.
	const kind = unix.SOCK_STREAM | unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC
	fd, err := unix.Socket(family, kind, unix.IPPROTO_TCP)
	if err != nil {
		return -1, err
	}
	if backlog <= 0 {
		backlog = defaultBacklog
	}
	err = setListenOptions(fd, family)
	if err == nil {
		err = unix.Bind(fd, sockaddr)
	}
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		unix.Close(fd)
		return -1, explainBind(err, address.Port())
	}
	return fd, nil
}

// setListenOptions sets what accepted sockets inherit from the listener, which
// saves the worker processes four system calls per connection.
func setListenOptions(fd, family int) error {
	options := []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveSeconds},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAliveSeconds},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes},
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	if family == unix.AF_INET6 { // [::] serves IPv4 too, whatever the sysctl says
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	}
	return nil
}

// explainBind adds what a newcomer has to know about low ports.
func explainBind(err error, port uint16) error {
	if errors.Is(err, unix.EACCES) && port < privilegedPorts {
		return fmt.Errorf("%w (a port below %d needs root or CAP_NET_BIND_SERVICE)",
			err, privilegedPorts)
	}
	return err
}

// parseHost turns host:port into an address. No name and * are all of IPv4.
func parseHost(host string) (netip.AddrPort, error) {
	name, service, err := net.SplitHostPort(host)
	if err != nil {
		var bad *net.AddrError
		if errors.As(err, &bad) {
			err = errors.New(bad.Err)
		}
		return netip.AddrPort{}, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("port %q is not a number from 0 to 65535", service)
	}
	ip, err := resolve(name)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), nil
}

// resolve knows no names but localhost: a resolver that does not answer would
// hold up the loop, and a listener belongs to an address of this machine.
func resolve(name string) (netip.Addr, error) {
	switch name {
	case "", "*":
		return netip.IPv4Unspecified(), nil
	case "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip, nil
	}
	return netip.Addr{}, fmt.Errorf("%q is no IP address", name)
}

func socketAddress(address netip.AddrPort) (family int, sockaddr unix.Sockaddr, err error) {
	ip, port := address.Addr(), int(address.Port())
	if ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: port, Addr: ip.As4()}, nil
	}
	six := &unix.SockaddrInet6{Port: port, Addr: ip.As16()}
	if zone := ip.Zone(); zone != "" {
		link, err := net.InterfaceByName(zone)
		if err != nil {
			return 0, nil, fmt.Errorf("no interface %q", zone)
		}
		six.ZoneId = uint32(link.Index)
	}
	return unix.AF_INET6, six, nil
}
