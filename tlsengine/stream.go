package tlsengine

import (
	"io"
	"net"
)

const (
	// recordBytes is the most plaintext that crypto/tls puts in one record.
	recordBytes = 16 << 10
	// recordCost is more than header, nonce, MAC and padding of any suite.
	recordCost = 96
	// maxAnswers bounds the output that a peer makes by asking for answers and
	// not reading them. The answer to a key update is 27 bytes.
	maxAnswers = 16 << 10
)

// Read returns plaintext. 0 and nil: nothing now. io.EOF: the peer has said
// close_notify; it may still be written to. Any other error ends the
// connection, and comes again. There may be new Output after it, also after an
// error. During the handshake there is nothing to read.
func (e *Engine) Read(p []byte) (n int, err error) {
	switch {
	case e.readErr != nil:
		return 0, e.readErr
	case e.handshake != nil || len(p) == 0:
		return 0, nil
	case !e.Buffered():
		if e.inputEnd {
			e.readErr = io.ErrUnexpectedEOF
		}
		return 0, e.readErr
	}
	before := e.out.size
	n, err = e.conn.Read(p)
	e.unread = n == len(p)
	if e.answers += e.out.size - before; e.answers > maxAnswers {
		err = ErrTooManyAnswers
	}
	if err != nil && err != errAgain {
		e.readErr = err
		e.in.clear()
	}
	if n > 0 { // the error comes with the next Read
		return n, nil
	}
	return 0, e.readErr
}

// Buffered says that Read may return plaintext without another Feed.
func (e *Engine) Buffered() bool {
	return e.readErr == nil && e.handshake == nil && (e.unread || e.in.ready())
}

// takeRecord is the Read of crypto/tls after the handshake.
func (e *Engine) takeRecord(b []byte) (int, error) {
	if !e.in.ready() {
		return 0, errAgain
	}
	return e.in.read(b), nil
}

// Write appends p, encrypted, to the output; records of 16 KiB at most. The
// caller gathers what it has to say for one Write: each one makes a record.
// For a large p the output takes the length of p and 96 bytes for each 16 KiB,
// in chunks that are given back one by one as they are consumed; nothing else
// grows with p. Before the end of the handshake ErrHandshaking, after Close
// net.ErrClosed; after CloseNotify, or an alert of our own, crypto/tls refuses.
func (e *Engine) Write(p []byte) error {
	switch {
	case e.closed:
		return net.ErrClosed
	case e.failed != nil:
		return e.failed
	case e.handshake != nil:
		return ErrHandshaking
	}
	e.coming = len(p) + (len(p)/recordBytes+1)*recordCost
	_, err := e.conn.Write(p)
	e.coming = 0
	return err
}

// WriteNow is Write that offers the records to Sink as long as no output waits,
// without a copy; what Sink does not take becomes output.
func (e *Engine) WriteNow(p []byte) error {
	e.now = true
	err := e.Write(p)
	e.now = false
	return err
}

// put is the Write of crypto/tls after the handshake. A chunk is made for all
// that the present Write brings, and in a backlog for as much as waits already.
func (e *Engine) put(b []byte) {
	if e.now && e.out.size == 0 {
		n := e.Sink(b)
		e.coming -= n
		if b = b[n:]; len(b) == 0 {
			return
		}
	}
	e.out.write(b, max(len(b), e.coming, e.out.size))
	e.coming -= len(b)
}

// CloseNotify appends the close_notify alert to the output; Write fails from
// then on, Read goes on. Before the end of the handshake it does nothing.
func (e *Engine) CloseNotify() {
	if e.over && !e.closed {
		e.conn.CloseWrite()
	}
}

// Output is ciphertext for the socket, nil if there is none: the first part of
// it, 72 KiB at most, so the caller sends until there is no more. Owned by the
// Engine until the next Consume or Close.
func (e *Engine) Output() []byte { return e.out.front() }

// OutputSize is how many bytes all of the output is.
func (e *Engine) OutputSize() int { return e.out.size }

// Consume drops n bytes of the output, which the kernel has taken, and gives
// the memory of those parts back that are taken as a whole.
func (e *Engine) Consume(n int) {
	e.out.discard(n)
	if e.out.size == 0 {
		e.answers = 0
	}
}
