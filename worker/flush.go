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
// dropped, what it sent raw goes out.
func (o *output) endEncoding() {
	c := o.encoding
	if c == nil {
		return
	}
	raw := o.aside
	o.encoding, o.aside = nil, nil
	c.put(raw)
	c.releaseOut()
}

// settle does what a connection left for the end of the turn.
func (c *Connection) settle() {
	if c.flags&resumed != 0 {
		c.flags &^= resumed
		c.consumeHeld()
	}
	c.offer()
	switch {
	case Status(c.status) == Closed:
	case c.errno != 0:
		c.fail()
	case c.out == nil && Status(c.status) == Closing:
		c.finish()
	case c.out == nil && Status(c.status) == Ending:
		c.halfClose()
	}
}

// offer gives what is pending to the kernel, once.
func (c *Connection) offer() {
	if c.out == nil || c.flags&blocked != 0 || c.errno != 0 {
		return
	}
	size := len(c.out.data)
	if !c.write() {
		return
	}
	c.codec.measureTurn(size)
	if c.out == nil {
		return
	}
	c.flags |= blocked
	c.rewatch()
	c.checkFull()
}

// write moves bytes from out to the kernel; false after an error, which the
// end of the turn deals with.
func (c *Connection) write() bool {
	for c.out != nil {
		n, errno := sysWrite(c.fd, c.out.bytes())
		switch errno {
		case 0:
			c.BytesWritten += uint64(n)
			c.out.off += n
			if c.out.size() > 0 {
				return true // a short write: the kernel has no room
			}
			c.releaseOut()
		case unix.EAGAIN:
			return true
		case unix.EINTR:
		default:
			c.errno = uint16(errno)
			c.queue()
			return false
		}
	}
	return true
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
	if c.flags&blocked == 0 || !c.write() || c.out != nil {
		return
	}
	c.flags &^= blocked | full
	c.rewatch()
	if Status(c.status) == Established {
		c.attend()
	} else {
		c.queue()
	}
	c.onBufferDrain()
}

// Flush offers what was sent so far to the kernel now instead of at the end of
// the turn, for the rare case of a callback that goes on for long. Called on
// the loop goroutine.
func (c *Connection) Flush() {
	c.p.own("Connection.Flush")
	c.offer()
}

var _ eventloop.Flusher = (*turnEnd)(nil)
