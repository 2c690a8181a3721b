package listen

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// DefaultBacklog is longer than any queue: the kernel cuts it to
// net.core.somaxconn.
const DefaultBacklog = 102400

const (
	privilegedPorts = 1024

	keepAliveSeconds = 55 // below the 60 s after which common balancers forget
	keepAliveProbes  = 1
)

var errUnknownNetwork = errors.New("unknown network")

// Address says what is to be opened. Network and Host are needed; the zero
// value of the others is what most want.
type Address struct {
	Name      string // in messages; empty: network and host
	Network   string // tcp, udp, unix
	Host      string // host:port, or a path
	Backlog   int    // connections that wait for an accept; 0 or less: DefaultBacklog
	ReusePort bool   // others may have the same port, each with a queue of its own
	Owner     *Owner // of a Unix socket's file; nil: who makes it
	Brief     bool   // an error does not say who has the address
}

// Socket is one that listens, or one that takes datagrams. Who opened it owns
// it; no locking. Processes that inherit the descriptor share its flags, so it
// must never pass through package net or os.File.
type Socket struct {
	FD   int   // non-blocking and close-on-exec; -1 when closed
	File *File // of a Unix socket; nil for others
}

// Open opens a socket of its own for "127.0.0.1:2345", "[::]:2345",
// "localhost:2345" or "/run/x.sock". It looks no names up and does not block,
// but when the address is taken: then it may look through /proc for two
// seconds, to say in an *InUseError who has it, unless a is Brief. Its errors
// name the address, and wrap the errno when it is the kernel that refuses. Any
// goroutine may call it.
func Open(a Address) (*Socket, error) {
	s, err := &Socket{FD: -1}, error(nil)
	switch a.Network {
	case "tcp", "udp":
		s.FD, err = openInet(a, true)
	case "unix":
		s.FD, s.File, err = openUnix(a)
	default:
		err = errUnknownNetwork
	}
	if err != nil {
		return nil, a.failed(a.blame(err))
	}
	return s, nil
}

// Close gives the descriptor back, and removes the file of a Unix socket if it
// still is the one that was made.
func (s *Socket) Close() {
	if s.File != nil {
		s.File.remove()
	}
	unix.Close(s.FD)
	s.FD, s.File = -1, nil // somebody who does not know may refer to it
}

// failed says what could not be opened.
func (a Address) failed(err error) error {
	name := a.Name
	if name == "" {
		name = a.Network + " " + a.Host
	}
	return fmt.Errorf("listen %s: %w", name, err)
}

// openInet binds a socket. Without accepts a tcp socket does not listen: nobody
// is to connect.
func openInet(a Address, accepts bool) (int, error) {
	address, err := ParseHost(a.Host)
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
	if a.Network == "udp" {
		kind, proto = unix.SOCK_DGRAM, unix.IPPROTO_UDP
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return -1, err
	}
	err = setOptions(fd, a, family)
	if err == nil {
		err = unix.Bind(fd, sockaddr)
	}
	if err == nil && a.Network == "tcp" && accepts {
		err = unix.Listen(fd, a.queue())
	}
	if err != nil {
		unix.Close(fd)
		return -1, explainBind(err, address.Port())
	}
	return fd, nil
}

// queue is the length of the queue.
func (a Address) queue() int {
	if a.Backlog <= 0 {
		return DefaultBacklog
	}
	return a.Backlog
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
func setOptions(fd int, a Address, family int) error {
	var options []option
	if a.Network == "tcp" {
		options = append(options, streamOptions...)
	}
	if a.ReusePort {
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
