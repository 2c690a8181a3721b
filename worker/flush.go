package worker

import (
	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/eventloop"
)

// output is what a process has to write. Pending bytes have not been offered
// to the kernel; they are the whole of Connection.out. Once the kernel has
// refused a part, everything in out is backlog and waits for the socket.
type output struct {
	dirty    []*Connection // something is to be done for them when the turn ends
	pool     pool
	encoding *Connection // inside Protocol.Encode
	aside    []byte      // sent raw by it meanwhile
	backlog  int64       // of all connections, in bytes; see Limits.QueuedBytes

	forwarding  *Connection // what Pipe sends there now is not refused
	complaining *Connection // inside the OnError of a refused message
}

// turnEnd is how the loop sees a process.
type turnEnd Process

// queue has settle called at the end of this turn.
func (c *Connection) queue() {
	if c.flags&queued != 0 {
		return
	}
	c.flags |= queued
	o := &c.p.output
	if len(o.dirty) == 0 {
		c.p.loop.AtTurnEnd((*turnEnd)(c.p))
	}
	o.dirty = append(o.dirty, c)
}

// FlushTurn settles the connections of this turn; callbacks may add more.
func (t *turnEnd) FlushTurn() {
	o := &t.output
	o.endEncoding()
	for i := 0; i < len(o.dirty); i++ {
		c := o.dirty[i]
		c.flags &^= queued
		c.settle()
	}
	clear(o.dirty)
	o.dirty = o.dirty[:0]
}

// flushAll offers everything pending, for a moment after which there may be
// no end of the turn.
func (p *Process) flushAll() {
	p.output.endEncoding()
	for _, c := range p.output.dirty {
		c.offer()
	}
}

// endEncoding cleans up after an Encode that panicked: what it appended is
// dropped, a body too, and what it sent raw goes out.
func (o *output) endEncoding() {
	c := o.encoding
	if c == nil {
		return
	}
	raw := o.aside
	o.encoding, o.aside = nil, nil
	if Status(c.status) != Closed {
		if c.flags&streaming != 0 && c.extra.body.after == nil { // it was begun there
			c.endBody()
		}
		_ = c.put(raw)
		c.releaseOut()
	}
}

// settle does what a connection left for the end of the turn.
func (c *Connection) settle() {
	if c.flags&resumed != 0 {
		c.flags &^= resumed
		c.consumeHeld()
	}
	c.readMore()
	c.offer()
	switch {
	case Status(c.status) == Closed:
	case c.errno != 0:
		c.fail()
	case Status(c.status) == Closing || Status(c.status) == Ending:
		c.conclude()
	}
}

// offer gives what is pending to the kernel, once.
func (c *Connection) offer() {
	if c.flags&waits != 0 || c.errno != 0 || c.queueSize() == 0 {
		return
	}
	size := c.queueSize()
	if !c.write() {
		return
	}
	c.codec.measureTurn(size)
	switch {
	case c.unsent():
		c.block()
	case c.flags&holding != 0: // they were counted beside what is held
		c.account()
	}
}

// block is for what the kernel has refused: from now on it is backlog.
func (c *Connection) block() {
	c.flags |= blocked
	c.rewatch()
	c.account()
	c.watchPeer()
	c.checkFull()
}

// write moves what waits to the kernel; false after an error, which the end of
// the turn deals with.
func (c *Connection) write() bool {
	if c.flags&streaming != 0 {
		return c.writeBody()
	}
	return c.writeOut()
}

// writeOut is write for out alone.
func (c *Connection) writeOut() bool {
	if c.flags&layered != 0 {
		return c.writeTLS()
	}
	for c.out != nil {
		n, ok := c.writeOnce(c.out.bytes())
		if n == 0 {
			return ok
		}
		c.BytesWritten += uint64(n)
		c.out.off += n
		if c.out.size() > 0 {
			return true // a short write: the kernel has no room
		}
		c.releaseOut()
	}
	return true
}

// writeOnce offers p; 0 and true when the kernel has no room, 0 and false after
// an error.
func (c *Connection) writeOnce(p []byte) (n int, ok bool) {
	for {
		n, errno := sysWrite(c.fd, p, c.followed())
		switch errno {
		case 0:
			return n, true
		case unix.EAGAIN:
			return 0, true
		case unix.EINTR:
		default:
			c.errno = uint16(errno)
			c.queue()
			return 0, false
		}
	}
}

// followed is MSG_MORE when a file follows: the head of an answer then travels
// with its beginning.
func (c *Connection) followed() uintptr {
	if c.flags&streaming != 0 && c.extra.body.Length > 0 {
		return unix.MSG_MORE
	}
	return 0
}

// releaseOut gives the send buffer back when it is empty.
func (c *Connection) releaseOut() {
	if c.out != nil && c.out.size() == 0 {
		c.p.output.pool.put(c.out)
		c.out = nil
	}
}

// writable goes on with the backlog.
func (c *Connection) writable() {
	if c.flags&blocked == 0 || c.flags&awaiting != 0 {
		return
	}
	sent := c.write()
	c.account()
	if !sent || c.sendable() > 0 || c.flags&streaming != 0 {
		return
	}
	c.flags &^= blocked
	c.rewatch()
	if c.flags&opening != 0 {
		return
	}
	if Status(c.status) == Established {
		c.attend()
	} else {
		c.queue()
	}
	c.drained()
}

// drained tells who has asked for it, and the author, that no backlog is left.
func (c *Connection) drained() {
	if c.flags&holding != 0 {
		return
	}
	c.flags &^= full
	if c.extra != nil && c.extra.whenSent != nil {
		asked := c.extra.whenSent
		c.extra.whenSent = nil
		for _, fn := range asked {
			c.sentAll(fn)
		}
	}
	if Status(c.status) != Closed {
		c.onBufferDrain()
	}
}

// sentAll calls a function of WhenSent.
func (c *Connection) sentAll(fn func(c *Connection)) {
	if Status(c.status) != Closed {
		defer c.p.caught("a function of WhenSent")
		fn(c)
	}
}

// WhenSent offers what was sent so far to the kernel, as Flush does, and calls fn
// when the kernel has all of it: at once, or later, before OnBufferDrain, with what
// was sent meanwhile. It is for code that streams to a connection whose callbacks
// are another's, and may be called again before fn was. What the connection closes
// over is dropped, fn too. Called on the loop goroutine.
func (c *Connection) WhenSent(fn func(c *Connection)) {
	c.p.own("Connection.WhenSent")
	c.offer()
	switch {
	case Status(c.status) == Closed:
	case c.unsent() || c.waiting() > 0:
		x := c.more()
		x.whenSent = append(x.whenSent, fn)
	default:
		c.sentAll(fn)
	}
}

// queueSize is how many bytes wait in memory.
func (c *Connection) queueSize() int {
	n := c.front()
	if c.flags&streaming != 0 {
		n += c.extra.body.after.size()
	}
	return n
}

// front is what goes next: out, and, encrypted, what is in TLS.
func (c *Connection) front() int {
	n := c.out.size()
	if c.flags&layered != 0 {
		n += c.extra.tls.OutputSize()
	}
	return n
}

// unsent says that something waits for the kernel, in memory or in a file.
func (c *Connection) unsent() bool { return c.flags&streaming != 0 || c.queueSize() > 0 }

// waiting is all that waits, also for a handshake of the protocol, and
// datagrams for their socket.
func (c *Connection) waiting() int {
	if c.flags&holding != 0 {
		return c.queueSize() + c.heldBack()
	}
	return c.queueSize()
}

func (c *Connection) heldBack() int {
	if c.flags&datagram != 0 {
		return c.extra.dial.held
	}
	return c.keeps()
}

// sendable is the part of it that the kernel may have now.
func (c *Connection) sendable() int {
	if c.flags&opening != 0 {
		return c.queueSize() - c.out.size()
	}
	return c.queueSize()
}

// account keeps output.backlog up to date with this connection.
func (c *Connection) account() {
	n := 0
	if c.flags&(waits|holding) != 0 && Status(c.status) != Closed {
		n = c.waiting()
	}
	c.p.output.backlog += int64(n) - int64(c.counted)
	c.counted = uint32(n)
}

// Flush offers what was sent so far to the kernel now instead of at the end of
// the turn, for the rare case of a callback that goes on for long. A backlog is
// offered once more; when it gets through OnBufferDrain is called before Flush
// returns. Called on the loop goroutine.
func (c *Connection) Flush() {
	c.p.own("Connection.Flush")
	if c.flags&blocked != 0 {
		c.writable()
		return
	}
	c.offer()
}

var _ eventloop.Flusher = (*turnEnd)(nil)
