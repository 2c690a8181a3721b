package worker

import (
	"fmt"

	"github.com/workerman-go/wm/protocol"
)

// Await is protocol.Awaiter. Called in Encode it makes that message wait. On a
// connection that has closed, whose protocol tidies up, it only runs work. Called on
// the loop goroutine.
func (c *Connection) Await(work, done func()) { c.await(ofProtocol, work, done) }

// AwaitLoad is protocol.StoreAwaiter. Called on the loop goroutine.
func (c *Connection) AwaitLoad(work, done func()) { c.await(ofLoads, work, done) }

// AwaitSave is protocol.StoreAwaiter. Called on the loop goroutine.
func (c *Connection) AwaitSave(work, done func()) { c.await(ofSaves, work, done) }

func (c *Connection) await(kind jobKind, work, done func()) {
	p := c.p
	p.own("Connection.Await")
	var count *int // of this life
	if Status(c.status) != Closed {
		count = c.beginAwait()
	}
	p.offLoop(kind, work, func(err error) {
		if c.waitsFor(count) {
			c.awaited(count, done, err)
		}
	})
}

// RunBeside is protocol.StoreAwaiter. Called on the loop goroutine.
func (c *Connection) RunBeside(work func()) {
	c.p.own("Connection.RunBeside")
	c.p.offLoop(ofLoads, work, func(error) {})
}

// offLoop runs work on a goroutine and then on the loop, with its panic.
func (p *Process) offLoop(kind jobKind, work func(), then func(err error)) {
	p.jobs.start(kind, func() {
		_, err := attempt(p, func() (struct{}, error) { work(); return struct{}{}, nil })
		p.loop.Post(func() {
			p.jobs.alive.Add(-1)
			then(err)
		})
	})
}

// beginAwait stops the connection in both directions, once for all that overlap.
func (c *Connection) beginAwait() (count *int) {
	x := c.more()
	if x.awaits != nil {
		*x.awaits++
		return x.awaits
	}
	if c.p.output.encoding != c {
		c.offer() // what came before has not to wait
	}
	x.awaits = new(int)
	*x.awaits = 1
	c.flags |= awaiting
	c.account()
	if c.flags&blocked != 0 {
		c.rewatch()
	}
	return x.awaits
}

// waitsFor is false when the connection has closed meanwhile, also when it has
// connected again.
func (c *Connection) waitsFor(count *int) bool {
	return count != nil && c.extra != nil && c.extra.awaits == count
}

// awaited goes on where Await has stopped. What a panic has left undone cannot be
// told: the connection ends.
func (c *Connection) awaited(count *int, done func(), err error) {
	if err != nil {
		c.destroy()
		return
	}
	defer c.resume(count)
	done()
}

// unkept ends a connection whose answer promises what could not be stored. The answer
// still waits, and goes with it.
func (c *Connection) unkept(err error) {
	c.p.counters.sendFail++
	c.p.sessionFailed(fmt.Sprintf("connection %d: closed without its answer: %v", c.ID, err))
	c.onError(SendFail, err)
	c.destroy()
}

// resume ends the wait of one Await.
func (c *Connection) resume(count *int) {
	if !c.waitsFor(count) {
		return
	}
	if *count--; *count > 0 {
		return
	}
	c.extra.awaits = nil
	c.flags &^= awaiting
	c.account()
	if c.unsent() {
		c.flags |= blocked
		c.writable()
		if c.flags&blocked != 0 && Status(c.status) != Closed {
			c.rewatch()
			c.watchPeer()
		}
	}
	switch Status(c.status) {
	case Closed:
	case Established:
		c.attend()
	default:
		c.queue() // settle ends it
	}
}

var (
	_ protocol.Awaiter      = (*Connection)(nil)
	_ protocol.StoreAwaiter = (*Connection)(nil)
)
