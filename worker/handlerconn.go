package worker

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// handedConn is the socket of a connection that left the loop, as the
// http.Server sees it. Its Connection, which stays on the loop, is the row of it:
// the end of one is the end of the other.
type handedConn struct {
	net.Conn
	h *handling
	c *Connection // the loop's

	peer net.Addr
	rest []byte               // what the loop has read behind a PROXY header; the reader's
	h2   bool                 // set before the http.Server has it
	tls  *tls.ConnectionState // the loop's

	read, written atomic.Uint64
	failed        atomic.Bool
	closed        atomic.Bool

	mu      sync.Mutex // guards the fields below
	state   http.ConnState
	since   time.Time // of state
	fresh   bool      // nothing was read in this state
	waiting bool      // in Read, which has brought nothing yet
	retired bool
}

// newHandedConn takes the descriptor off c.
func newHandedConn(c *Connection, h *handling) (*handedConn, error) {
	file := os.NewFile(uintptr(c.fd), "")
	c.fd = -1
	conn, err := net.FileConn(file) // a copy
	file.Close()
	if err != nil {
		return nil, err
	}
	s := &handedConn{Conn: conn, h: h, c: c, since: time.Now(), fresh: true}
	s.peer = c.RemoteAddr()
	if ip := c.remote(); ip.IsValid() { // also of a Unix socket, by a PROXY header
		s.peer = overTCP.addr(netip.AddrPortFrom(ip, c.port))
	}
	if c.in != nil {
		s.rest = append(s.rest, c.in.bytes()...)
	}
	return s, nil
}

// handedTCP lets a file go straight from the kernel's cache to the socket.
type handedTCP struct{ *handedConn }

// facade is what the http.Server may see of the socket.
func (s *handedConn) facade() net.Conn {
	if _, tcp := s.Conn.(*net.TCPConn); tcp {
		return handedTCP{s}
	}
	return s
}

// self finds it behind its facade.
func (s *handedConn) self() *handedConn { return s }

// handedOf finds it in what the http.Server was given.
func handedOf(conn net.Conn) *handedConn {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return conn.(interface{ self() *handedConn }).self()
}

// RemoteAddr is the client that a proxy has named.
func (s *handedConn) RemoteAddr() net.Addr { return s.peer }

// Read is called by one goroutine at a time.
func (s *handedConn) Read(p []byte) (n int, err error) {
	if len(s.rest) > 0 {
		n = copy(p, s.rest)
		s.rest = s.rest[n:]
		s.arrived(n)
		return n, nil
	}
	s.mu.Lock()
	s.waiting = true
	s.mu.Unlock()
	n, err = s.Conn.Read(p)
	if s.arrived(n) {
		err = io.EOF
	}
	return n, err
}

// arrived is the end of a Read. It reports true when that has ended because the
// connection was retired.
func (s *handedConn) arrived(n int) bool {
	s.read.Add(uint64(n))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
	if n == 0 {
		return s.retired
	}
	if s.fresh = false; s.retired { // the peer was faster: this request is served
		s.retired = false
		_ = s.Conn.SetReadDeadline(time.Time{})
	}
	return false
}

// Write may be called by any goroutine.
func (s *handedConn) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	s.wrote(int64(n), err)
	return n, err
}

// ReadFrom sends a file by sendfile(2).
func (s handedTCP) ReadFrom(r io.Reader) (int64, error) {
	n, err := s.Conn.(*net.TCPConn).ReadFrom(r)
	s.wrote(n, err)
	return n, err
}

func (s *handedConn) wrote(n int64, err error) {
	s.written.Add(uint64(n))
	lost := errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
	if lost && !s.failed.Swap(true) {
		s.h.p.handled.failures.Add(1)
	}
}

// CloseWrite lets the http.Server end its side first, so that a last answer is
// not lost to a reset.
func (s *handedConn) CloseWrite() error {
	half, ok := s.Conn.(interface{ CloseWrite() error })
	if !ok {
		return syscall.ENOTSUP
	}
	return half.CloseWrite()
}

// Close is the end that the http.Server, or who has hijacked the connection,
// makes. Any goroutine.
func (s *handedConn) Close() error {
	if s.closed.Swap(true) {
		return net.ErrClosed
	}
	err := s.Conn.Close()
	s.c.Post((*Connection).finish)
	return err
}

// kill is the end that the loop makes. It does not wait for who reads or writes.
func (s *handedConn) kill() {
	if !s.closed.Swap(true) {
		go s.Conn.Close() // ends when reading and writing have
	}
}

// noteState is http.Server.ConnState.
func noteState(conn net.Conn, state http.ConnState) {
	s := handedOf(conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.since, s.fresh = state, time.Now(), true
}

// status is what the connections command shows.
func (s *handedConn) status() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case http.StateActive:
		return "ACTIVE"
	case http.StateIdle:
		return "IDLE"
	case http.StateHijacked:
		return "HIJACKED"
	}
	return "NEW"
}

// retire has an idle connection of a process that drains since began closed by
// the http.Server, once its client has been silent for a while. What comes in
// that moment is still served.
func (s *handedConn) retire(began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if began.Before(s.since) {
		began = s.since
	}
	idle := s.state == http.StateIdle || s.state == http.StateNew
	if idle && s.waiting && (s.fresh || s.h2) && time.Since(began) >= drainSilence {
		s.retired = true
		_ = s.Conn.SetReadDeadline(time.Unix(1, 0)) // fails when it is closed
	}
}

// handedConn returns the socket that left the loop, nil where none has.
func (c *Connection) handedConn() *handedConn {
	if c.flags&handed == 0 || c.extra == nil {
		return nil
	}
	return c.extra.handed
}

// refresh takes over what the http.Server has read and written.
func (c *Connection) refresh() {
	if s := c.handedConn(); s != nil {
		c.BytesRead, c.BytesWritten = s.read.Load(), s.written.Load()
	}
}
