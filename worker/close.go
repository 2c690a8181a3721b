package worker

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/eventloop"
)

const (
	// lingerTime is how long End waits for a peer that sends nothing to have
	// read everything.
	lingerTime = time.Second
	// mostLingers is how often it does so for one that goes on sending.
	mostLingers = 30
)

// Close sends last, if given, then the farewell of the protocol, and closes
// when all that was sent is with the kernel. No message is delivered any more.
// OnClose follows at the end of the turn, or when the backlog is gone. A
// dialled connection that does not stand yet is destroyed. What waits for the
// handshake of a websocket, last included, is lost with it: to send and close,
// wait for OnWebSocketConnected. A second Close does nothing. Where requests are
// answered (http) it is End for a peer that has sent more of them. Called on the
// loop goroutine.
func (c *Connection) Close(last ...any) {
	c.p.own("Connection.Close")
	if Status(c.status) == Ending {
		c.setStatus(Closing)
		return
	}
	c.leave(Closing, last)
}

// End is Close for a peer that may still be sending: it shuts down our side
// only and throws away what comes, until the peer closes, or has sent nothing
// for a second, or 30 s have gone, so that the last message is not lost to a
// reset. Called on the loop goroutine.
func (c *Connection) End(last ...any) {
	c.p.own("Connection.End")
	c.leave(Ending, last)
}

// leave is the orderly way out of Established.
func (c *Connection) leave(status Status, last []any) {
	switch {
	case c.early(), c.handles():
		c.destroy()
		return
	case Status(c.status) != Established:
		return
	case c.extra != nil && c.extra.upgrade != nil && c.refuseUpgrade(last):
		return
	}
	for _, v := range last {
		if err := c.Send(v); err != nil && err != ErrClosed && err != ErrBufferFull {
			c.p.logf("connection %d: last message: %v", c.ID, err)
		}
	}
	if Status(c.status) != Established { // the protocol, or a callback, was faster
		if status == Ending && Status(c.status) == Closing {
			c.setStatus(Ending)
		}
		return
	}
	if c.flags&datagram != 0 {
		if c.flags&opening != 0 { // in OnConnect: what was sent early goes first
			c.release()
		}
		c.finish()
		return
	}
	if c.codec.farewell != nil && c.errno == 0 {
		_ = c.put(c.farewell())
	}
	c.setStatus(status)
}

// conclude ends a connection whose last message is with the kernel.
func (c *Connection) conclude() {
	if c.flags&opening != 0 && c.out.size() == 0 { // nothing waits for the handshake
		c.finish()
		return
	}
	if c.unsent() || c.flags&(opening|awaiting) != 0 {
		return
	}
	c.notify()
	switch {
	case c.queueSize() > 0 || c.errno != 0 || Status(c.status) == Closed:
	case Status(c.status) == Closing && !c.endsEarly():
		c.finish()
	default:
		c.status = uint8(Ending)
		c.halfClose()
	}
}

// setStatus begins the end of a connection; settle does the rest.
func (c *Connection) setStatus(status Status) {
	if Status(c.status) == Closed {
		return
	}
	c.status = uint8(status)
	if c.in != nil {
		c.flags |= ahead
	}
	c.dropIn()
	c.queue()
}

// endsEarly says that the peer has sent, or is just sending, more than it gets
// answers for: to close now would reset what it has not read yet. Of others it
// is not asked whether they are sending, but while the process drains, when the
// end comes unexpectedly.
func (c *Connection) endsEarly() bool {
	switch {
	case c.p.drain.replaced && c.codec.tells(): // it may send: it is to read why, not a reset
		return true
	case c.codec.fail == nil:
		return false
	case c.flags&ahead != 0, c.flags&layered != 0 && c.extra.tls.Buffered():
		return true
	case !c.p.drain.on:
		return false
	}
	unread, err := unix.IoctlGetInt(int(c.fd), unix.SIOCINQ)
	return err == nil && unread > 0
}

// Destroy closes at once: what is pending is offered to the kernel once, a
// backlog is dropped, and OnClose runs before Destroy returns. Called on the
// loop goroutine.
func (c *Connection) Destroy() {
	c.p.own("Connection.Destroy")
	c.destroy()
}

func (c *Connection) destroy() {
	if Status(c.status) == Closed {
		return
	}
	if c.offer(); c.errno != 0 {
		c.p.counters.sendFail++
	} else if !c.unsent() {
		c.notify()
	}
	c.finish()
}

// hangup is the end that the peer made. What it was still to get is offered
// once; if that fails the end of the turn tells the author.
func (c *Connection) hangup() {
	if c.Dialled() && Status(c.status) < Ending && !c.opened() {
		c.connectFailed(errHungUp)
		return
	}
	c.offer()
	if c.notify(); c.errno == 0 {
		c.finish()
	}
}

// fail is the end of a connection after a write error.
func (c *Connection) fail() {
	if c.Dialled() && Status(c.status) < Ending && !c.opened() {
		c.connectFailed(syscall.Errno(c.errno))
		return
	}
	c.p.counters.sendFail++
	c.onError(SendFail, syscall.Errno(c.errno))
	c.finish()
}

// halfClose is the second half of End: the last byte is with the kernel.
func (c *Connection) halfClose() {
	if c.flags&halfOpen != 0 {
		return
	}
	c.flags |= halfOpen
	// An error says that the peer is gone: reading will find it out.
	_ = unix.Shutdown(int(c.fd), unix.SHUT_WR)
	if c.flags&deaf != 0 {
		c.flags &^= deaf
		c.rewatch()
	}
	c.more()
	c.linger(mostLingers)
}

// linger gives the peer a second, and again one as long as it goes on sending:
// to close before it has done so would reset what it has not read yet.
func (c *Connection) linger(left int) {
	heard := c.BytesRead
	c.extra.linger = c.p.loop.AddInnerTimer(lingerTime, false, func() {
		if left--; left == 0 || c.BytesRead == heard {
			c.destroy()
			return
		}
		c.linger(left)
	})
}

// finish is the one place where a connection ends.
func (c *Connection) finish() {
	if Status(c.status) == Closed {
		return
	}
	c.refresh()
	introduced := c.Worker == nil || c.flags&prefaced == 0
	c.status = uint8(Closed)
	if c.Worker != nil && c.flags&datagram != 0 { // the socket is the listener's
		if c.extra != nil {
			c.extra.end(c.p.loop)
		}
		return
	}
	c.account()
	if c.fd >= 0 {
		c.p.loop.Forget(int(c.fd)) // ignore may have done it; closeSocket follows
	}
	if c.extra != nil {
		c.extra.end(c.p.loop)
		c.endBody()
	}
	if introduced {
		c.onClose()
	}
	c.closeSocket()
	c.dropIn()
	c.p.output.pool.put(c.out)
	c.out, c.state = nil, nil
	c.p.forget(c)
}

// end stops what goes on beside the connection.
func (x *extra) end(loop *eventloop.Loop) {
	for _, id := range []eventloop.TimerID{x.linger, x.deadline} {
		if id != 0 {
			loop.DelTimer(id)
		}
	}
	x.linger, x.deadline, x.preamble, x.awaits, x.whenSent = 0, 0, nil, nil, nil
	if x.cancel != nil {
		x.cancel()
	}
	if x.dial != nil {
		x.dial.end(loop)
	}
}

// closeSocket gives the descriptor back, and what TLS holds.
func (c *Connection) closeSocket() {
	if c.flags&layered != 0 {
		c.extra.tls.Close()
	}
	if s := c.handedConn(); s != nil {
		s.kill()
		return
	}
	if c.fd < 0 {
		return
	}
	if err := unix.Close(int(c.fd)); err != nil {
		c.p.logf("connection %d: close: %v", c.ID, err)
	}
	c.fd = -1
}

// forget takes a closed connection out of its set.
func (p *Process) forget(c *Connection) {
	p.counters.connections--
	if c.Worker == nil {
		p.dialled.remove(c)
		c.comeBack()
		return
	}
	c.Worker.left(c)
}

// dropIn forgets bytes that were read and will not be parsed.
func (c *Connection) dropIn() {
	c.p.output.pool.put(c.in)
	c.in, c.need = nil, 0
}
