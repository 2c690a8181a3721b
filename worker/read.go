package worker

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/protocol"
)

// smallRest is how much unparsed input is moved in front of what is read next,
// so that it can be parsed in the loop's scratch buffer. More is read to where
// it lies.
const smallRest = 16 << 10

var (
	errTooLarge = errors.New("message above MaxPackageSize")
	errPanicked = errors.New("the protocol panicked")
	// errSpoofed ends what begins with a PROXY header of a stranger.
	errSpoofed = errors.New("PROXY header of an address that is not in Limits.TrustedProxies")
	// errHandshake ends what takes longer than Limits.HandshakeTimeout.
	errHandshake = errors.New("no handshake within Limits.HandshakeTimeout")
)

// hotBytes is how much pending output does not wait for the end of the turn: it
// is still in the processor's cache, and one more system call is little beside it.
const hotBytes = 8 << 10

// OnEvents is called by the loop, at most once a turn.
func (s *socket) OnEvents(ev eventloop.Events) {
	c := (*Connection)(s)
	if ev&eventloop.Writable != 0 {
		c.writable()
	}
	if ev&^eventloop.Writable != 0 && Status(c.status) != Closed && c.errno == 0 {
		c.readable(ev)
		if c.out.size() >= hotBytes {
			c.offer()
		}
	}
}

// reading says whether bytes of the peer are wanted now.
func (c *Connection) reading() bool {
	switch {
	case c.flags&(opening|prefaced) != 0: // what was sent waits for the peer to go on
		return !c.clogged()
	case Status(c.status) == Established:
		return !c.held() || c.listens()
	}
	// They are thrown away, so that our last bytes are not reset.
	return Status(c.status) == Ending
}

// clogged says that a TLS handshake does not keep up with what comes.
func (c *Connection) clogged() bool { return c.shaking() && c.extra.tls.Full() }

// shaking says that a TLS handshake is under way.
func (c *Connection) shaking() bool {
	const both = opening | layered
	return c.flags&both == both && c.extra.tls.Handshaking()
}

// held says that no message is delivered now: it is the turn of others, the
// protocol waits for something or owes an answer, the author has paused, which
// does not stop a handshake, or answers that are owed do not get through: a file
// is a part of one.
func (c *Connection) held() bool {
	return c.flags&(resting|owing|awaiting) != 0 || c.flags&paused != 0 && c.opened() ||
		c.codec.fail != nil && c.flags&(blocked|streaming) != 0
}

// readable reads once, up to 64 KiB, and goes on to the end when the peer has
// sent its last bytes.
func (c *Connection) readable(ev eventloop.Events) {
	for {
		if !c.reading() {
			c.ignore(ev)
			return
		}
		n := c.fill()
		if c.flags&layered != 0 && n > 0 && Status(c.status) != Closed && c.extra.tls.Buffered() {
			continue
		}
		if n == 0 || n == len(c.p.loop.Scratch()) || ev&eventloop.Hangup == 0 ||
			c.fd < 0 {
			return
		}
	}
}

// ignore takes reading out of the loop at the first event that comes although
// nobody reads: most pauses are over before. What comes even then is the end.
func (c *Connection) ignore(ev eventloop.Events) {
	if c.flags&deaf == 0 {
		c.flags |= deaf
		c.rewatch()
		return
	}
	const end = eventloop.Hangup | eventloop.Failed
	switch {
	case ev&end == 0:
	case c.shaking(): // progress goes on; meanwhile the loop would not rest
		c.extra.tls.FeedEnd()
		c.p.unwatch(int(c.fd))
	case ev&end == eventloop.Hangup && c.network == overUnix && Status(c.status) == Established:
		// The peer of a Unix socket has closed, but what it sent is still
		// there for ResumeRecv. The loop would report it in every turn.
		c.p.unwatch(int(c.fd))
	default:
		c.hangup()
	}
}

// rewatch tells the loop what this connection waits for now.
func (c *Connection) rewatch() {
	want := eventloop.Readable
	if c.flags&deaf != 0 {
		want = 0
	}
	if c.flags&blocked != 0 && c.flags&awaiting == 0 {
		want |= eventloop.Writable
	}
	err := c.p.loop.Rewatch(int(c.fd), want)
	if err == eventloop.ErrNotWatched {
		err = c.p.loop.Watch(int(c.fd), want, c.source())
	}
	if err != nil {
		c.p.logf("connection %d: %v", c.ID, err)
	}
}

// fill reads once and parses; it returns the number of bytes read, 0 when
// there were none or the connection is gone.
func (c *Connection) fill() int {
	if c.flags&prefaced != 0 {
		return c.fillPreamble()
	}
	scratch := c.p.loop.Scratch()
	held := c.in.size()
	if held > smallRest {
		return c.fillLarge()
	}
	n := c.read(scratch[held:])
	if n == 0 || Status(c.status) != Established {
		return n
	}
	if held > 0 {
		if held+n < int(c.need) {
			c.hold(scratch[held : held+n])
			return n
		}
		copy(scratch, c.in.bytes())
		c.p.output.pool.put(c.in)
		c.in = nil
	}
	if rest := c.consume(scratch[:held+n]); len(rest) > 0 {
		c.hold(rest)
	}
	return n
}

// fillLarge reads to behind the bytes that wait.
func (c *Connection) fillLarge() int {
	pool := &c.p.output.pool
	pool.grow(c.in, smallRest)
	b := c.in
	room := b.data[len(b.data):min(cap(b.data), len(b.data)+len(c.p.loop.Scratch()))]
	n := c.read(room)
	if n == 0 || Status(c.status) != Established {
		return n
	}
	b.data = b.data[:len(b.data)+n]
	if b.size() >= int(c.need) {
		c.consumeHeld()
	}
	return n
}

// consumeHeld parses the bytes that wait. They are taken off the connection
// meanwhile, so that a message stays valid until its callback returns even
// when that destroys the connection.
func (c *Connection) consumeHeld() {
	b := c.in
	if b == nil {
		return
	}
	c.in = nil
	rest := c.consume(b.bytes())
	if len(rest) == 0 {
		c.p.output.pool.put(b)
		return
	}
	b.off = len(b.data) - len(rest)
	c.in = b
}

// hold keeps a copy of bytes that cannot be parsed yet.
func (c *Connection) hold(p []byte) {
	pool := &c.p.output.pool
	if c.in == nil {
		c.in = pool.get(len(p))
	}
	pool.grow(c.in, len(p))
	c.in.data = append(c.in.data, p...)
}

// read reads once; at the end of the stream it closes.
func (c *Connection) read(p []byte) int {
	if c.flags&layered != 0 {
		return c.readTLS(p)
	}
	n := c.readSocket(p)
	c.BytesRead += uint64(n)
	if n > 0 && c.flags&suspect != 0 && c.spoofs(p[:n]) {
		c.reject(errSpoofed)
	}
	return n
}

// readSocket is one system call; at the end of the stream it closes.
func (c *Connection) readSocket(p []byte) int {
	for {
		n, errno := sysRead(c.fd, p)
		switch {
		case errno == 0 && n > 0:
			c.p.heard(c)
			return n
		case errno == unix.EINTR:
			continue
		case errno != unix.EAGAIN:
			c.ended()
		}
		return 0
	}
}

// ended is the end of what the socket brings. A TLS handshake still has to look
// at what came before it: an alert that says why, or all that the peer had to say.
func (c *Connection) ended() {
	if !c.shaking() {
		if c.flags&resumed != 0 { // what was read before it comes first
			c.flags &^= resumed
			c.consumeHeld()
		}
		switch {
		case !c.finishes():
			c.hangup()
		case c.flags&deaf == 0: // the end is met again when reading goes on
			c.flags |= deaf
			c.rewatch()
		}
		return
	}
	c.extra.tls.FeedEnd()
	if c.flags&deaf != 0 { // a hangup, which the loop would report in every turn
		c.p.unwatch(int(c.fd))
		return
	}
	c.flags |= deaf
	c.rewatch()
}

// finishes says that the last bytes of the peer, which have come, do not end the
// connection yet: it is held, or the peer has still to get what was sent before
// Close or End.
func (c *Connection) finishes() bool {
	switch Status(c.status) {
	case Established:
		return c.held() && !c.deserted()
	case Closing, Ending:
		return c.flags&(blocked|awaiting) != 0
	}
	return false
}

// consume delivers the complete messages of data, as many as may be in this
// turn, and returns the rest.
func (c *Connection) consume(data []byte) []byte {
	r := &c.p.rests
	if r.consumer != c {
		r.consumer, r.consumed = c, 0
	}
	for len(data) > 0 && Status(c.status) == Established && !c.held() {
		if r.consumed >= maxConsumed {
			c.rest()
			break
		}
		n, size, err := c.step(data)
		if err == protocol.Again {
			c.again(n)
			break
		}
		if err == protocol.Wait {
			c.need = uint32(n) // Await has held the connection
			break
		}
		if err != nil {
			c.reject(err)
			return nil
		}
		if n == 0 {
			break
		}
		r.consumed += max(n, size)
		data = data[n:]
	}
	if Status(c.status) != Established {
		if len(data) > 0 {
			c.flags |= ahead
		}
		return nil
	}
	if len(data) > 0 || c.flags&skipped != 0 {
		c.unfinished(len(data))
	}
	return data
}

// reject ends a connection whose bytes make no sense. The peer is told when
// the protocol knows how.
func (c *Connection) reject(err error) {
	c.explain(err)
	if c.Dialled() && !c.opened() {
		c.connectFailed(err)
		return
	}
	var r *protocol.Reject
	if errors.As(err, &r) && Status(c.status) == Established {
		_ = c.put(r.Reply)
		c.setStatus(Ending)
		return
	}
	c.destroy()
}

// PauseRecv stops delivering messages, also those that were read already; the
// peer is slowed down when the kernel's buffers are full. A connection that
// pauses counts as busy when the process leaves.
func (c *Connection) PauseRecv() {
	c.p.own("Connection.PauseRecv")
	c.flags |= paused
	c.flags &^= resumed
}

// ResumeRecv ends PauseRecv. Messages that were read already come at the end
// of this turn, without waiting for new ones.
func (c *Connection) ResumeRecv() {
	c.p.own("Connection.ResumeRecv")
	if c.flags&paused == 0 || Status(c.status) != Established && !c.early() {
		return
	}
	c.flags &^= paused
	if c.early() {
		return
	}
	c.attend()
}

// attend ends what held says.
func (c *Connection) attend() {
	if c.held() {
		return
	}
	if c.flags&deaf != 0 {
		c.flags &^= deaf
		c.rewatch()
	}
	if c.in != nil || c.flags&layered != 0 {
		c.flags |= resumed
		c.queue()
	}
}

// heard notes that a connection is alive; only a drain asks when.
func (p *Process) heard(c *Connection) {
	c.idle = 0
	if p.drain.on {
		c.heard = uint32(p.loop.Now().Sub(p.drain.began) / time.Millisecond)
	}
}
