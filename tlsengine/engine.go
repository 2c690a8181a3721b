package tlsengine

import (
	"crypto/tls"
	"net"
)

const (
	// enoughInput is when Full asks the caller to stop reading.
	enoughInput = 64 << 10
	// maxInput is the unread ciphertext that an Engine takes at most: room for
	// one more read of 64 KiB after Full, and for a caller that is late once.
	maxInput = 256 << 10
)

// Engine is one side of one TLS connection without a socket. Owned by the loop;
// no locking: all methods are called on the loop goroutine.
type Engine struct {
	conn      *tls.Conn
	pipe      *pipe
	handshake *handshake // nil after its end

	in  intake
	out queue

	// Sink is what WriteNow offers records to; it returns how many bytes it took.
	// Called on the loop goroutine. Set once, before the first WriteNow.
	Sink func(record []byte) int
	now  bool // inside WriteNow

	unread  bool // plaintext may wait in crypto/tls
	coming  int  // ciphertext that the present Write will still make
	answers int  // bytes that Read made since the output was last empty

	failed   error // why the handshake failed
	readErr  error // how reading ended
	over     bool  // the handshake has succeeded
	inputEnd bool  // FeedEnd was called
	closed   bool
}

// Prepare copies cfg for the Engines of one listener or one kind of client. It
// switches dynamic record sizes off: they cut the first messages of a connection
// into packets, which lets a browser begin a little sooner with a page over a
// slow line, and cost a message of 16 KiB a quarter more work. What a
// GetConfigForClient returns is used as it is. Called once for each listener, as
// session tickets belong to the copy. Any goroutine.
func Prepare(cfg *tls.Config) *tls.Config {
	cfg = cfg.Clone()
	cfg.DynamicRecordSizingDisabled = true
	cfg.Renegotiation = tls.RenegotiateNever
	return cfg
}

// Server waits for a handshake, which begins on a goroutine when the first
// record is there. wake is called on that goroutine whenever the loop shall
// call Progress, and not again before it did; also once after Close, maybe. It
// must not block and must not call the Engine. cfg is shared, see Prepare; its
// callbacks run on the handshake's goroutine with a token; those that wait do so
// in Wait. A panic in one fails the handshake. Features.md rows 33.1 to 33.6.
func Server(cfg *tls.Config, tokens *Tokens, wake func()) *Engine {
	e := begin(tokens, wake)
	e.conn = tls.Server(e.pipe, cfg)
	e.handshake.conn = e.conn
	return e
}

// Client begins a handshake on a goroutine; see Server. cfg needs a ServerName,
// or InsecureSkipVerify, which without a ServerName never resumes a session. It
// never renegotiates, whatever cfg says.
func Client(cfg *tls.Config, tokens *Tokens, wake func()) *Engine {
	if cfg.Renegotiation != tls.RenegotiateNever {
		cfg = cfg.Clone()
		cfg.Renegotiation = tls.RenegotiateNever
	}
	e := begin(tokens, wake)
	e.conn = tls.Client(e.pipe, cfg)
	e.handshake.conn = e.conn
	e.handshake.start()
	return e
}

func begin(tokens *Tokens, wake func()) *Engine {
	e := &Engine{
		handshake: &handshake{tokens: tokens, wake: wake, more: make(chan struct{}, 1)},
	}
	e.pipe = &pipe{engine: e, handshake: e.handshake}
	return e
}

// SetAddrs says what ClientHelloInfo.Conn shows to the callbacks of a server's
// tls.Config. Called before the first Feed; without it both are empty texts.
func (e *Engine) SetAddrs(local, remote net.Addr) {
	if h := e.handshake; h != nil && h.ctx == nil {
		h.addrs = [2]net.Addr{local, remote}
	}
}

// Progress takes over what the handshake's goroutine has done: its output, and
// its end. Only Progress changes Handshaking. Called after each wake; at any
// other time it does no harm.
func (e *Engine) Progress() {
	h := e.handshake
	if h == nil || e.closed {
		return
	}
	h.mu.Lock()
	h.woken = false
	e.out.join(&h.out)
	done := h.done
	h.mu.Unlock()
	if !done {
		return
	}
	e.in, e.inputEnd = h.in, h.ended // the goroutine is gone, and mu with it
	e.handshake, e.pipe.handshake = nil, nil
	if h.err != nil {
		e.fail(h.err)
		return
	}
	e.over = true
}

// fail ends the handshake with err; the output stays for the alert.
func (e *Engine) fail(err error) {
	e.failed, e.readErr = err, err
	e.handshake, e.conn = nil, nil
	e.in.clear()
}

// Handshaking says that neither State nor HandshakeError has an answer yet.
func (e *Engine) Handshaking() bool { return e.handshake != nil && !e.closed }

// HandshakeError is why the handshake failed, nil while it is under way and
// after it went well. The output then holds the alert for the peer, if any.
func (e *Engine) HandshakeError() error { return e.failed }

// State describes the connection; nil before the end of the handshake, after a
// failed one and after Close. It is made anew for each call, as it is large.
func (e *Engine) State() *tls.ConnectionState {
	if !e.over || e.closed {
		return nil
	}
	state := e.conn.ConnectionState()
	return &state
}

// Feed copies bytes from the network, also during the handshake. At most 256
// KiB may wait unread, more ends the connection with ErrTooMuchInput: a caller
// that reads at most 64 KiB at once, and not while Full, never sees it.
func (e *Engine) Feed(ciphertext []byte) {
	switch {
	case e.closed || e.readErr != nil:
	case e.handshake != nil:
		if err := e.handshake.feed(ciphertext, false); err != nil {
			e.abandon()
			e.fail(err)
		}
	case e.in.size+len(ciphertext) > maxInput:
		e.readErr = ErrTooMuchInput
		e.in.clear()
	default:
		e.in.feed(ciphertext)
	}
}

// Lend is Feed without a copy, for established connections: the caller reads
// until Read returns 0 and calls Keep before it uses ciphertext again. During a
// handshake it is Feed.
func (e *Engine) Lend(ciphertext []byte) {
	if e.closed || e.readErr != nil || e.handshake != nil ||
		e.in.size+len(ciphertext) > maxInput {
		e.Feed(ciphertext)
		return
	}
	e.in.lend(ciphertext)
}

// Keep ends Lend: what was not read is copied.
func (e *Engine) Keep() { e.in.keep() }

// Full says that 64 KiB wait unread: the caller reads no more from its socket,
// during a handshake before the next wake, which then is sure to come, and
// afterwards before Read has returned 0.
func (e *Engine) Full() bool {
	if e.handshake != nil {
		return e.handshake.full()
	}
	return e.in.size >= enoughInput
}

// FeedEnd says that the network has ended. Read returns what was whole and then
// io.ErrUnexpectedEOF, unless a close_notify came first; a handshake under way
// fails with the same error, seen by Progress.
func (e *Engine) FeedEnd() {
	e.inputEnd = true
	if e.handshake != nil && !e.closed {
		e.handshake.feed(nil, true)
	}
}

// InputEnded says that FeedEnd was called.
func (e *Engine) InputEnded() bool { return e.inputEnd }

// Close ends the handshake's goroutine if it still waits, and releases all
// memory, the output too. It sends nothing: see CloseNotify. A second call does
// nothing.
func (e *Engine) Close() {
	if e.closed {
		return
	}
	e.closed = true
	if e.readErr == nil {
		e.readErr = net.ErrClosed
	}
	e.abandon()
	e.conn = nil
	e.in.clear()
	e.out.clear()
}

// abandon leaves the handshake's goroutine alone with what it holds.
func (e *Engine) abandon() {
	h := e.handshake
	if h != nil && h.ctx != nil {
		h.cancel()
	}
	e.handshake = nil
}
