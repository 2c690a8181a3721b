package tlsengine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
)

// handshake is what the loop and the goroutine of a handshake share. It is
// gone with the handshake.
type handshake struct {
	conn    *tls.Conn
	tokens  *Tokens
	wake    func()
	addrs   [2]net.Addr        // local, remote
	more    chan struct{}      // has an entry when there may be input
	ctx     context.Context    // nil before the goroutine is started
	cancel  context.CancelFunc // ends a goroutine that waits
	holding bool               // a token; owned by the goroutine

	mu      sync.Mutex // guards what follows
	in      intake
	out     queue
	ended   bool // no more input will come
	stalled bool // Full stopped the loop
	woken   bool // wake was called and Progress was not
	done    bool // the goroutine touches nothing any more
	err     error
}

// start begins the goroutine. It ends with the handshake, whether that went
// well or not, with the end of the input, or with cancel.
func (h *handshake) start() {
	ctx := context.WithValue(context.Background(), handshakeKey{}, h)
	h.ctx, h.cancel = context.WithCancel(ctx)
	go h.run()
}

// handshakeKey is where the context of a handshake has it.
type handshakeKey struct{}

// Wait runs fn, which may wait for somebody, for a callback of the tls.Config:
// meanwhile the token of its handshake is for others. ctx is the Context of
// what the callback was given. An error says that the handshake was given up.
// On the handshake's goroutine; without an Engine fn just runs.
func Wait(ctx context.Context, fn func()) error {
	var h *handshake
	if ctx != nil {
		h, _ = ctx.Value(handshakeKey{}).(*handshake)
	}
	if h == nil {
		fn()
		return nil
	}
	h.rest()
	fn()
	return h.compute()
}

// run is the goroutine. It recovers because the callbacks of the tls.Config
// are the author's, and one of them must not end the process.
func (h *handshake) run() {
	err := errNoResult
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrCallbackPanic, r, debug.Stack())
		}
		if h.holding {
			h.tokens.give()
		}
		h.cancel()
		h.finish(err)
	}()
	if err = h.compute(); err == nil {
		err = h.conn.HandshakeContext(h.ctx)
	}
}

// full says that enough waits, and then promises a wake.
func (h *handshake) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stalled = h.in.size >= enoughInput
	return h.stalled
}

// compute waits for a token. On the handshake's goroutine.
func (h *handshake) compute() error {
	err := h.tokens.take(h.ctx)
	h.holding = err == nil
	return err
}

// rest gives the token away. On the handshake's goroutine.
func (h *handshake) rest() {
	h.tokens.give()
	h.holding = false
}

// finish hands the result to the loop, the last act of the goroutine.
func (h *handshake) finish(err error) {
	h.mu.Lock()
	if err != nil {
		err = h.refuse(err)
	}
	h.err, h.done = err, true
	wake := !h.woken
	h.woken = true
	h.mu.Unlock()
	if wake {
		h.wake()
	}
}

// The alert for a first record that is none, which crypto/tls leaves to its
// caller: fatal, unexpected_message (RFC 8446 section 6).
var notTLS = []byte{21, majorVersion, 1, 0, 2, 2, 10}

// refuse adds the alert for a peer that does not speak TLS. No handshake ends
// well with EOF, which crypto/tls makes of it between two records. Called with
// mu.
func (h *handshake) refuse(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	var header tls.RecordHeaderError
	if errors.As(err, &header) && header.Conn != nil {
		h.out.write(notTLS, len(notTLS))
		header.Conn = nil // nobody may write to it
		return header
	}
	return err
}

// read is the Read of crypto/tls: it waits for a whole record. On the
// handshake's goroutine.
func (h *handshake) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for !h.in.ready() {
		if h.ended {
			return 0, io.ErrUnexpectedEOF
		}
		h.mu.Unlock()
		err := h.wait()
		h.mu.Lock()
		if err != nil {
			return 0, err
		}
	}
	return h.in.read(b), nil
}

// wait gives the token away until there may be input, and has the loop send
// what was written, a whole flight at once, or read on after Full. On the
// handshake's goroutine.
func (h *handshake) wait() error {
	h.rest()
	h.mu.Lock()
	wake := (h.out.size > 0 || h.stalled) && !h.woken
	h.woken = h.woken || wake
	h.mu.Unlock()
	if wake {
		h.wake()
	}
	select {
	case <-h.more:
	case <-h.ctx.Done():
		return h.ctx.Err()
	}
	return h.compute()
}

// write is the Write of crypto/tls. On the handshake's goroutine.
func (h *handshake) write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.out.write(b, len(b))
	return len(b), nil
}

// feed takes input from the loop and starts the goroutine of a server with the
// first record: a peer that says nothing costs none.
func (h *handshake) feed(ciphertext []byte, end bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.in.size+len(ciphertext) > maxInput {
		return ErrTooMuchInput
	}
	h.in.feed(ciphertext)
	h.ended = h.ended || end
	if !h.in.ready() && !h.ended {
		return nil
	}
	if h.ctx == nil {
		h.start()
	}
	select {
	case h.more <- struct{}{}:
	default:
	}
	return nil
}
