package load

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// sources is how many addresses of the loopback network the clients come
// from, one after another: each has its own range of ports, so that thousands
// of closed connections do not use them up.
const sources = 200

// dialLimit is how long the server may take for each step of a connection
// being made, in seconds.
const dialLimit = 30

var dialled atomic.Uint32

// open makes a socket from the next source address and begins to connect it;
// flags are added to those of the socket.
func open(server netip.AddrPort, flags int) (int32, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		return -1, fmt.Errorf("make a client socket: %w", err)
	}
	from := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 1, byte(1 + dialled.Add(1)%sources)}}
	to := &unix.SockaddrInet4{Addr: server.Addr().As4(), Port: int(server.Port())}
	// The port is chosen at connect, when the whole pair of addresses is known.
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		unix.SetsockoptInt(fd, unix.SOL_TCP, unix.TCP_NODELAY, 1),
		unix.Bind(fd, from))
	if err == nil {
		err = unix.Connect(fd, to)
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		unix.Close(fd)
		return -1, fmt.Errorf("connect to %v: %w", server, err)
	}
	return int32(fd), nil
}

// dial connects and greets; the socket blocks, for dialLimit at most.
func dial(server netip.AddrPort, t Talk) (link, error) {
	fd, err := open(server, 0)
	if err != nil {
		return link{}, err
	}
	l := link{wire: &wire{fd: fd, blocks: true}}
	limit := unix.Timeval{Sec: dialLimit}
	err = errors.Join(
		unix.SetsockoptTimeval(int(fd), unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit),
		unix.SetsockoptTimeval(int(fd), unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit))
	if err == nil && t.TLS != nil {
		err = l.encrypt(t.TLS)
	}
	if err == nil && len(t.Greeting) > 0 {
		err = greet(&l, t.Greeting)
	}
	if err != nil {
		l.close()
		return link{}, err
	}
	return l, nil
}

// readable waits until there is something to read, for dialLimit at most. A raw read
// that waits would keep a processor, and on one the server may be who needs it.
func readable(fd int32) bool {
	fds := []unix.PollFd{{Fd: fd, Events: unix.POLLIN}}
	for {
		if n, err := unix.Poll(fds, dialLimit*1000); err != unix.EINTR {
			return n > 0
		}
	}
}

// greet sends a greeting and reads the head that answers it.
func greet(l *link, greeting []byte) error {
	head, err := ask(l, greeting, func(got []byte) bool {
		return bytes.HasSuffix(got, []byte("\r\n\r\n"))
	})
	if err == nil && !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		err = fmt.Errorf("greeting answered by %q", head)
	}
	return err
}

// ask sends on a socket that blocks and reads until the answer is whole.
func ask(l *link, request []byte, whole func(got []byte) bool) ([]byte, error) {
	if err := l.write(request); err != nil {
		return nil, fmt.Errorf("send %.20q: %w", request, err)
	}
	var got []byte
	buf := make([]byte, 64<<10)
	for !whole(got) {
		n, err := l.read(buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, fmt.Errorf("answer to %.20q, %d bytes so far: %w", request, len(got), err)
		case n == 0:
			return nil, fmt.Errorf("closed instead of an answer to %.20q", request)
		}
		got = append(got, buf[:n]...)
	}
	return got, nil
}
