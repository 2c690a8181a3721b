package ipc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of a joined message.
const (
	// DefaultMaxMessage bounds what a link or a command line receives.
	DefaultMaxMessage = 64 << 20
	// MaxRequest bounds what a master receives on its control socket.
	MaxRequest = 64 << 10
)

// Conn carries messages over one SOCK_SEQPACKET socket. Send may be called by
// any goroutine, Recv by one at a time.
type Conn struct {
	// MaxMessage bounds a joined body in bytes; more closes the connection
	// with ErrTooLarge. Set before the first Recv. Default 64 MiB.
	MaxMessage int

	sock    *net.UnixConn
	mu      sync.Mutex // guards the order of records on the socket
	buf     []byte
	begun   *Partial // a message whose last record has not come
	unknown int
}

// Partial is the beginning of a message whose other records have not come.
type Partial struct {
	Of   Type   `json:"of"`
	Body []byte `json:"body"`
}

// NewConn wraps a connected SOCK_SEQPACKET socket. Called by all sides.
func NewConn(sock *net.UnixConn) *Conn {
	return &Conn{sock: sock, MaxMessage: DefaultMaxMessage}
}

// Pair makes a link: mine for the caller, theirs a raw descriptor to be handed
// to a started process and closed here afterwards. Both are close-on-exec.
// Called by the master.
func Pair() (mine *Conn, theirs int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX,
		unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, -1, fmt.Errorf("make link: %w", err)
	}
	mine, err = FromDescriptor(fds[0])
	if err != nil {
		unix.Close(fds[1])
		return nil, -1, err
	}
	return mine, fds[1], nil
}

// FromDescriptor makes a Conn of an inherited descriptor and takes it over.
// Called by the worker process and the probe.
func FromDescriptor(fd int) (*Conn, error) {
	unix.CloseOnExec(fd)
	file := os.NewFile(uintptr(fd), "link")
	if file == nil {
		return nil, fmt.Errorf("link: descriptor %d is not open", fd)
	}
	defer file.Close() // FileConn works on a duplicate
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("link: descriptor %d: %w", fd, err)
	}
	sock, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("link: descriptor %d is no Unix socket", fd)
	}
	return NewConn(sock), nil
}

// Send writes m as one message, with descriptors beside its first record. The
// descriptors stay the caller's.
func (c *Conn) Send(m Message, fds ...int) error {
	recs, err := records(m)
	if err != nil {
		return err
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rec := range recs {
		if _, _, err := c.sock.WriteMsgUnix(rec, oob, nil); err != nil {
			return fmt.Errorf("send %T: %w", m, err)
		}
		oob = nil
	}
	return nil
}

// Records encodes m as the records of one message, for SendRecord.
func Records(m Message) ([][]byte, error) { return records(m) }

// SendRecord writes one record with descriptors beside it, wholly or not at
// all. Who sends the records of a message one by one is the only sender.
// Called by the master.
func (c *Conn) SendRecord(rec []byte, fds ...int) error {
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, _, err := c.sock.WriteMsgUnix(rec, oob, nil); err != nil {
		return fmt.Errorf("send record: %w", err)
	}
	return nil
}

// Recv reads the next message of a known type and the descriptors beside it,
// which become the caller's. It returns io.EOF when the peer is gone, and
// ErrMalformed, ErrTooLarge or ErrVersion when the connection must be closed.
// After os.ErrDeadlineExceeded the next Recv goes on where this one was, but
// without the descriptors of a message that had begun.
func (c *Conn) Recv() (Message, []int, error) {
	for {
		t, body, fds, err := c.join()
		if err != nil {
			return nil, nil, err
		}
		m, err := decode(t, body)
		if m != nil && err == nil {
			return m, fds, nil
		}
		closeAll(fds)
		if err != nil {
			return nil, nil, err
		}
		c.unknown++
	}
}

// Unknown is the number of messages of an unknown type that Recv skipped.
func (c *Conn) Unknown() int { return c.unknown }

// Partial returns what Recv has of a message that has begun; nil without one.
// Nobody may be in Recv. Called by the master.
func (c *Conn) Partial() *Partial { return c.begun }

// Resume makes Recv go on after what another Conn of the same socket has had
// of a message. Called by the master, before the first Recv.
func (c *Conn) Resume(p *Partial) { c.begun = p }

// join reads the records of one message.
func (c *Conn) join() (t Type, body []byte, fds []int, err error) {
	first := c.begun == nil
	if !first {
		t, body = c.begun.Of, c.begun.Body
		c.begun = nil
	}
	for ; ; first = false {
		piece, more, pt, got, err := c.record()
		if !first && errors.Is(err, os.ErrDeadlineExceeded) {
			c.begun = &Partial{t, body}
		}
		if !first && len(got) > 0 {
			closeAll(got)
			err = fmt.Errorf("%w: descriptors beside a continuation", ErrMalformed)
		}
		if err == nil && !first && pt != t {
			err = fmt.Errorf("%w: type %d continues type %d", ErrMalformed, pt, t)
		}
		if first {
			t, fds = pt, got
		}
		if err == nil && len(body)+len(piece) > c.MaxMessage {
			err = fmt.Errorf("%w: beyond %d bytes", ErrTooLarge, c.MaxMessage)
		}
		if err != nil {
			closeAll(fds)
			return 0, nil, nil, err
		}
		body = append(body, piece...)
		if !more {
			return t, body, fds, nil
		}
	}
}

// record reads one record; piece is valid until the next call.
func (c *Conn) record() (piece []byte, more bool, t Type, fds []int, err error) {
	if c.buf == nil {
		c.buf = make([]byte, maxRecordBytes)
	}
	oob := make([]byte, unix.CmsgSpace(4*maxDescriptors))
	n, oobn, flags, _, err := c.sock.ReadMsgUnix(c.buf, oob)
	if errors.Is(err, syscall.ECONNRESET) {
		// The peer ended without reading all of ours. The kernel reports that
		// once and first; what the peer had sent is still queued behind it.
		n, oobn, flags, _, err = c.sock.ReadMsgUnix(c.buf, oob)
	}
	if oobn > 0 {
		fds = descriptors(oob[:oobn])
	}
	if err != nil {
		return nil, false, 0, fds, err
	}
	if n == 0 && oobn == 0 {
		return nil, false, 0, nil, io.EOF
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		return nil, false, 0, fds, fmt.Errorf("%w: truncated", ErrMalformed)
	}
	t, more, piece, err = parseRecord(c.buf[:n])
	return piece, more, t, fds, err
}

// descriptors takes the passed descriptors out of ancillary data.
func descriptors(oob []byte) []int {
	var fds []int
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for i := range messages {
		if got, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	return fds
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// SetDeadline bounds the current and later Send and Recv.
func (c *Conn) SetDeadline(t time.Time) error { return c.sock.SetDeadline(t) }

// SetReadDeadline bounds the current and later Recv.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.sock.SetReadDeadline(t) }

// SetWriteDeadline bounds the current and later Send.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.sock.SetWriteDeadline(t) }

// Close ends the connection; a waiting Recv returns.
func (c *Conn) Close() error { return c.sock.Close() }

// Descriptor is the number of the socket, which stays the Conn's; -1 when it is
// closed. Called by the master.
func (c *Conn) Descriptor() int { return DescriptorOf(c.sock) }

// DescriptorOf is the number behind a socket or file of package net or os,
// which it leaves as it is; -1 when it is closed. Called by the master.
func DescriptorOf(of syscall.Conn) int {
	number := -1
	if raw, err := of.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { number = int(fd) })
	}
	return number
}

// Peer is who holds the other end of a control connection.
type Peer struct{ UID, GID, PID int }

// Peer returns the credentials the kernel noted when the peer connected.
// Called by the master.
func (c *Conn) Peer() (Peer, error) {
	raw, err := c.sock.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = errors.Join(err, credErr); err != nil {
		return Peer{}, fmt.Errorf("peer credentials: %w", err)
	}
	return Peer{UID: int(cred.Uid), GID: int(cred.Gid), PID: int(cred.Pid)}, nil
}

// Gone tells whether err only says that the peer went away.
func Gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}
