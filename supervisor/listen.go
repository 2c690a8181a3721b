package supervisor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	defaultBacklog  = 102400 // the kernel cuts it to net.core.somaxconn
	privilegedPorts = 1024

	keepAliveSeconds = 55 // below the 60 s after which common balancers forget
	keepAliveProbes  = 1
)

var errUnknownNetwork = errors.New("unknown network")

// listener is a socket of the master, which worker processes inherit: one that
// listens, or one that takes datagrams. address is the host as the Spec has
// it.
type listener struct {
	fd      int
	address string
	file    *socketFile // of a Unix socket; nil for others

	// Of a socket that belongs to a slot, see reuseport.go.
	lentTo  *process  // who accepts while the slot has nobody who does
	closeAt time.Time // zero: it stays
}

// close gives the descriptor back, and removes the file of a Unix socket.
func (lis *listener) close() {
	if lis.file != nil {
		lis.file.remove()
	}
	unix.Close(lis.fd)
	lis.fd, lis.file = -1, nil // a process that leaves may refer to it
}

// binding says what is to be opened.
type binding struct {
	name      string // in messages; empty: network and host
	network   string // tcp, udp, unix
	host      string // host:port, or a path
	backlog   int    // 0 or less: the default
	reusePort bool
	owner     *identity // of a Unix socket's file; nil: who makes it
	as        *identity // with this user's access to files; nil: the master's
	trial     bool      // a tcp socket does not listen: nobody is to connect
	plain     bool      // an error does not say who has the address
}

// bind is the real system's: a socket of its own for "127.0.0.1:2345",
// "[::]:2345", "localhost:2345" or "/run/x.sock". The descriptor is
// non-blocking and close-on-exec; its flags are shared by all processes that
// inherit it, so it must never pass through package net or os.File.
func bind(b binding) (*listener, error) {
	lis, err := &listener{fd: -1, address: b.host}, error(nil)
	switch b.network {
	case "tcp", "udp":
		lis.fd, err = bindInet(b)
	case "unix":
		lis.fd, lis.file, err = bindUnix(b)
	default:
		err = errUnknownNetwork
	}
	if err != nil {
		return nil, b.failed(blame(b, err))
	}
	return lis, nil
}

// failed says what could not be opened.
func (b binding) failed(err error) error {
	name := b.name
	if name == "" {
		name = b.network + " " + b.host
	}
	return fmt.Errorf("listen %s: %w", name, err)
}

func bindInet(b binding) (int, error) {
	address, err := parseHost(b.host)
	if err != nil {
		return -1, err
	}
	family, sockaddr, err := socketAddress(address)
	if err != nil {
		return -1, err
	}
	// The protocol is given because 0 may become MPTCP by the sysctl of
	// some distributions.
	kind, proto := unix.SOCK_STREAM, unix.IPPROTO_TCP
	if b.network == "udp" {
		kind, proto = unix.SOCK_DGRAM, unix.IPPROTO_UDP
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return -1, err
	}
	err = setOptions(fd, b, family)
	if err == nil {
		err = unix.Bind(fd, sockaddr)
	}
	if err == nil && b.network == "tcp" && !b.trial {
		err = unix.Listen(fd, b.queue())
	}
	if err != nil {
		unix.Close(fd)
		return -1, explainBind(err, address.Port())
	}
	return fd, nil
}

// queue is the length of the queue.
func (b binding) queue() int {
	if b.backlog <= 0 {
		return defaultBacklog
	}
	return b.backlog
}

// option is one of setsockopt(2).
type option struct{ level, name, value int }

// streamOptions are inherited by accepted sockets, which saves the worker
// processes four system calls per connection.
var streamOptions = []option{
	{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
	{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
	{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveSeconds},
	{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAliveSeconds},
	{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes},
}

// setOptions is called before the bind. Datagram sockets get no SO_REUSEADDR,
// which would let anybody take the port over, and keep the kernel's buffers.
func setOptions(fd int, b binding, family int) error {
	var options []option
	if b.network == "tcp" {
		options = append(options, streamOptions...)
	}
	if b.reusePort {
		options = append(options, option{unix.SOL_SOCKET, unix.SO_REUSEPORT, 1})
	}
	if family == unix.AF_INET6 { // [::] serves IPv4 too, whatever the sysctl says
		options = append(options, option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0})
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
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
