package worker

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol/preamble"
)

// What happens on a connection before its first message, in this order:
//
//	accepted:  PROXY header of a trusted proxy, OnConnect, TLS, handshake of the protocol
//	dialled:   connect, SOCKS5 or HTTP CONNECT, TLS, OnConnect, handshake of the protocol
//
// Until the last but one of them is over, what is sent waits as backlog.
// One deadline is for all of them together.

// welcome is the start of an accepted connection: everything about the peer is
// known.
func (c *Connection) welcome() {
	c.status = uint8(Established)
	if c.Worker.Handler != nil {
		c.byHandler()
		return
	}
	if c.network == overTLS { // first, so that nothing leaves in the clear
		c.secure(c.Worker.tls)
	}
	c.onConnect()
	if Status(c.status) == Closed || c.network == overTLS {
		return
	}
	c.checkOpened()
	if c.in != nil { // came behind the PROXY header
		c.flags |= resumed
		c.queue()
	}
}

// expect sets the deadline of the opening, once.
func (c *Connection) expect(d time.Duration, late func()) {
	if x := c.more(); d > 0 && x.deadline == 0 {
		x.deadline = c.p.loop.AddInnerTimer(d, false, late)
	}
}

// checkOpened takes the deadline away when nothing of the opening is left.
func (c *Connection) checkOpened() {
	x := c.extra
	if x == nil || x.deadline == 0 || !c.opened() {
		return
	}
	c.p.loop.DelTimer(x.deadline)
	x.deadline = 0
	if x.idle() {
		c.extra = nil
	}
}

// opened says that messages may come.
func (c *Connection) opened() bool {
	return c.flags&(opening|prefaced) == 0 && (c.codec.hand == nil || c.handDone())
}

// lateAccepted ends a connection whose opening took too long.
func (c *Connection) lateAccepted() {
	if c.extra.deadline = 0; !c.opened() {
		c.explain(errHandshake)
		c.destroy()
	}
}

// preface gives the bytes to come to what stands before the protocol.
func (c *Connection) preface(pre preamble.Preamble) {
	c.more().preamble = pre
	c.flags |= prefaced
	c.say(pre.Start())
}

// fillPreamble reads once for the preamble.
func (c *Connection) fillPreamble() int {
	scratch := c.p.loop.Scratch()
	n := c.readSocket(scratch)
	if n > 0 {
		c.hold(scratch[:n])
		c.feedPreamble()
	}
	return n
}

// feedPreamble goes on with the preamble, and behind it.
func (c *Connection) feedPreamble() {
	pre := c.extra.preamble
	for c.in != nil && Status(c.status) != Closed {
		n, reply, done, err := pre.Feed(c.in.bytes())
		if err != nil {
			c.refusePreamble(err)
			return
		}
		if c.in.off += n; c.in.size() == 0 {
			c.dropIn()
		}
		c.say(reply)
		if done {
			c.flags &^= prefaced
			c.extra.preamble = nil
			c.passed(pre)
			return
		}
		if n == 0 {
			return
		}
	}
}

func (c *Connection) refusePreamble(err error) {
	if c.Dialled() {
		c.connectFailed(err)
		return
	}
	c.explain(err)
	c.destroy()
}

// passed goes on behind the preamble.
func (c *Connection) passed(pre preamble.Preamble) {
	if c.Dialled() {
		c.proceed()
		return
	}
	if !c.introduce(pre.(*preamble.Header)) {
		c.flags |= prefaced // nobody has heard of it
		c.destroy()
		return
	}
	c.welcome()
}

// introduce believes a trusted proxy. It reports false for a client that has
// too many connections.
func (c *Connection) introduce(h *preamble.Header) bool {
	if !h.Present || h.Local || !h.Source.IsValid() {
		return true
	}
	c.ip, c.port = h.Source.Addr().As16(), h.Source.Port()
	return c.Worker.count(c)
}

// say writes a few bytes past everything that waits: the socket is new, so the
// kernel has room for them.
func (c *Connection) say(p []byte) {
	if len(p) == 0 {
		return
	}
	if n, ok := c.writeOnce(p); ok && n < len(p) {
		c.errno = uint16(unix.ENOBUFS)
		c.queue()
	}
}

// release lets go what was sent during the opening.
func (c *Connection) release() {
	c.flags &^= opening
	if c.flags&datagram != 0 {
		c.sendHeld()
		return
	}
	if c.queueSize() == 0 {
		c.account()
		if Status(c.status) != Established { // closed meanwhile: settle ends it
			c.queue()
		}
		return
	}
	c.flags |= blocked
	c.writable()
	if c.flags&blocked != 0 && Status(c.status) != Closed {
		c.rewatch()
	}
}

// explain logs, in debug mode, why a connection ended without the author's
// doing.
func (c *Connection) explain(err error) {
	if c.p.env.Debug {
		c.p.logf("connection %d of %s: %v", c.ID, c.RemoteAddr(), err)
	}
}

// idle says that nothing is in it any more.
func (x *extra) idle() bool {
	return x.ctx == nil && x.linger == 0 && x.deadline == 0 && x.preamble == nil && x.head == nil &&
		x.tls == nil && x.dial == nil && x.header == nil && x.upgrade == nil &&
		x.body == nil && x.handed == nil && x.awaits == nil && x.former == nil &&
		x.whenSent == nil
}
