package load

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// link is one connection, encrypted or not.
type link struct {
	wire *wire
	tls  *tls.Conn // nil in the clear
}

// read is one read of the socket, or of one TLS record; EAGAIN when nothing is
// there. Over TLS more may be there until EAGAIN, of which epoll does not know.
func (l *link) read(p []byte) (int, error) {
	if l.tls == nil {
		n, errno := l.wire.readOnce(p)
		if errno != 0 {
			return 0, errno
		}
		return n, nil
	}
	n, err := l.tls.Read(p)
	if err == errAgain {
		err = unix.EAGAIN
	}
	return n, err
}

// write sends all of p.
func (l *link) write(p []byte) error {
	if l.tls != nil {
		_, err := l.tls.Write(p)
		return err
	}
	return writeAll(l.wire.fd, p)
}

func (l *link) close() { unix.Close(int(l.wire.fd)) }

// encrypt makes the handshake; the socket blocks.
func (l *link) encrypt(config *tls.Config) error {
	l.tls = tls.Client(l.wire, config)
	return l.tls.Handshake()
}

// writeAll is for what fits into the buffer of the socket.
func writeAll(fd int32, p []byte) error {
	n, errno := writeOnce(fd, p)
	if errno != 0 {
		return errno
	}
	if n < len(p) {
		return fmt.Errorf("%d bytes do not fit into the socket's buffer", len(p))
	}
	return nil
}

// wire is a socket as crypto/tls wants it. Its other methods are not called.
type wire struct {
	net.Conn
	fd     int32
	blocks bool
}

// readOnce waits where the socket blocks; the scheduler knows of that.
func (w *wire) readOnce(p []byte) (int, syscall.Errno) {
	if w.blocks && !readable(w.fd) {
		return 0, unix.EAGAIN
	}
	return readOnce(w.fd, p)
}

// unblock ends the time of dialling.
func (w *wire) unblock() error {
	w.blocks = false
	return unix.SetNonblock(int(w.fd), true)
}

func (w *wire) Read(p []byte) (int, error) {
	n, errno := w.readOnce(p)
	for errno == unix.EINTR {
		n, errno = w.readOnce(p)
	}
	switch {
	case errno == unix.EAGAIN:
		return 0, errAgain
	case errno != 0:
		return 0, errno
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	if err := writeAll(w.fd, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// again is an error after which crypto/tls can be asked again.
type again struct{}

var errAgain error = again{}

func (again) Error() string   { return "nothing to read" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }
