package worker

import (
	"crypto/tls"
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/tlsengine"
)

// wireBytes is how much ciphertext is read at once. What it decrypts to always
// fits beside an unfinished message in the loop's scratch buffer.
const wireBytes = 32 << 10

// oneRecord is how much plaintext makes a single record. More is gathered, so
// that it leaves in one system call.
const oneRecord = 16 << 10

// secure begins TLS on a socket that stands. Until the handshake is over
// everything sent waits. What was read behind a preamble is ciphertext.
func (c *Connection) secure(config *tls.Config) {
	x := c.more()
	var e *tlsengine.Engine
	wake := func() { c.p.loop.Post(func() { c.progress(e) }) }
	if c.Dialled() {
		e = tlsengine.Client(config, c.p.tokens, wake)
	} else {
		e = tlsengine.Server(config, c.p.tokens, wake)
	}
	e.Sink = c.sink
	e.SetAddrs(c.LocalAddr(), c.RemoteAddr())
	x.tls = e
	c.flags |= layered | opening
	if c.in != nil {
		e.Feed(c.in.bytes())
		c.dropIn()
	}
}

// progress is called on the loop when a handshake has something to send, or is
// over.
func (c *Connection) progress(e *tlsengine.Engine) {
	if Status(c.status) == Closed || c.extra.tls != e {
		return
	}
	e.Progress()
	if c.flags&blocked == 0 && c.writeTLS() && e.OutputSize() > 0 {
		c.block()
	}
	switch err := e.HandshakeError(); {
	case Status(c.status) == Closed: // by OnBufferFull
	case e.Handshaking():
		c.unclog()
	case c.flags&opening == 0:
	case err == nil:
		c.secured()
	case c.Dialled() && errors.Is(err, io.ErrUnexpectedEOF):
		c.connectFailed(errHungUp)
	case c.Dialled():
		c.connectFailed(err)
	default:
		c.explain(err)
		c.destroy()
	}
}

// unclog reads on when the handshake has caught up with what came.
func (c *Connection) unclog() {
	if c.flags&deaf != 0 && !c.extra.tls.InputEnded() && !c.clogged() {
		c.flags &^= deaf
		c.rewatch()
	}
}

// secured goes on when the handshake is done; data may have come behind it.
func (c *Connection) secured() {
	c.p.litter(handshakeBytes)
	if c.Dialled() {
		c.stand()
	} else {
		c.release()
		c.checkOpened()
	}
	if Status(c.status) == Established {
		c.attend()
	}
}

// readMore delivers what TLS has and the socket does not know of.
func (c *Connection) readMore() {
	if c.flags&(layered|opening) != layered || Status(c.status) != Established || !c.reading() {
		return
	}
	e := c.extra.tls
	if e.Buffered() {
		c.readable(0)
	} else if _, err := e.Read(nil); err != nil { // the end came during a pause
		c.endTLS(e, err)
	}
}

// readTLS reads plaintext into p. At the end of the stream it closes.
func (c *Connection) readTLS(p []byte) int {
	e := c.extra.tls
	if !e.Buffered() {
		wire := c.p.wire()
		n := c.readSocket(wire)
		if n == 0 {
			return 0
		}
		e.Lend(wire[:n])
		defer e.Keep()
	}
	if c.flags&opening != 0 {
		return 0
	}
	return c.decrypt(p)
}

// decrypt takes as much plaintext as there is and fits.
func (c *Connection) decrypt(p []byte) (n int) {
	e := c.extra.tls
	var m int
	var err error
	for n < len(p) && err == nil {
		if m, err = e.Read(p[n:]); m == 0 {
			break
		}
		n += m
	}
	c.BytesRead += uint64(n)
	if e.OutputSize() > 0 { // an alert, or the answer to a new key
		c.queue()
	}
	switch {
	case err == nil:
	case n > 0: // these bytes are delivered first
		c.p.loop.Post(func() { c.endTLS(e, err) })
	default:
		c.endTLS(e, err)
	}
	return n
}

// endTLS is the end of the stream, or of its sense.
func (c *Connection) endTLS(e *tlsengine.Engine, err error) {
	if Status(c.status) == Closed || c.extra.tls != e || c.finishes() {
		return
	}
	if !errors.Is(err, io.EOF) {
		c.explain(err)
	} else if c.offer(); c.queueSize() == 0 && c.errno == 0 {
		c.notify()
		c.errno = 0 // nobody missed anything
	}
	c.hangup()
}

// writeTLS is write for a connection with TLS: it encrypts as much as the
// kernel takes, in records that are made of all messages together.
func (c *Connection) writeTLS() bool {
	e := c.extra.tls
	for {
		if wire := e.Output(); len(wire) > 0 {
			n, ok := c.writeOnce(wire)
			if n == 0 {
				return ok
			}
			e.Consume(n)
			continue
		}
		if c.out == nil || c.flags&opening != 0 {
			return true
		}
		if !c.encrypt() {
			return false
		}
	}
}

// encrypt moves up to 64 KiB from out to the output of TLS.
func (c *Connection) encrypt() bool {
	plain := c.out.bytes()
	plain = plain[:min(len(plain), maxPending)]
	write := c.extra.tls.Write
	if len(plain) <= oneRecord { // straight from crypto/tls to the socket
		write = c.extra.tls.WriteNow
	}
	if err := write(plain); err != nil {
		c.explain(err)
		c.errno = uint16(unix.EPIPE)
		c.queue()
		return false
	}
	c.BytesWritten += uint64(len(plain))
	c.out.off += len(plain)
	c.releaseOut()
	return true
}

// sink offers a record to the kernel.
func (c *Connection) sink(record []byte) int {
	n, _ := c.writeOnce(record) // an error is seen at the end of the turn
	return n
}

// notify says once, behind everything else, that nothing more will come.
func (c *Connection) notify() {
	if c.flags&layered == 0 || c.flags&(notified|opening) != 0 {
		return
	}
	c.flags |= notified
	c.extra.tls.CloseNotify()
	c.offer()
}

// TLS returns what the handshake agreed on; nil without TLS and before its end.
// Called on the loop goroutine.
func (c *Connection) TLS() *tls.ConnectionState {
	if s := c.handedConn(); s != nil {
		return s.tls
	}
	if c.flags&layered == 0 {
		return nil
	}
	return c.extra.tls.State()
}

// wire is the buffer that ciphertext is read into.
func (p *Process) wire() []byte {
	if p.ciphertext == nil {
		p.ciphertext = make([]byte, wireBytes)
	}
	return p.ciphertext
}
