package supervisor

import (
	"fmt"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// pause lets nobody ask any more: new commands wait in the queue of the
// socket, others with what they have sent. It reports true when nobody is about
// to bring a request to the loop: a moment later, but for those whose binary is
// read.
func (c *control) pause() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.paused {
		c.paused = true
		c.ln.SetDeadline(past)
		for cl := range c.callers {
			cl.conn.SetReadDeadline(past)
		}
	}
	return c.asking == 0
}

// reading notes what is read for a command; empty when nothing is any more.
func (c *control) reading(cl *caller, path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl.reads = path
}

// reader says whose binary is being read, if one is.
func (c *control) reader() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cl := range c.callers {
		if cl.reads == "" {
			continue
		}
		peer, _ := cl.conn.Peer()
		return fmt.Sprintf("%s is being read for pid %d of uid %d", cl.reads, peer.PID, peer.UID)
	}
	return ""
}

// freeze answers nobody any more either, see still.
func (c *control) freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = true
	close(c.halt)
	for cl := range c.callers {
		cl.conn.SetWriteDeadline(past)
	}
}

// still tells whether nobody is served.
func (c *control) still() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cl := range c.callers {
		if cl.carried {
			return false
		}
	}
	return !c.accepts
}

// save describes a command that nobody serves; control.mu is held.
func (cl *caller) save() ipc.CallerState {
	row := ipc.CallerState{
		FD: cl.conn.Descriptor(), Partial: cl.conn.Partial(), ReadBy: cl.readBy,
	}
	r := cl.request
	if r == nil {
		row.Request = cl.again
		return row
	}
	cl.takeReplies()
	row.Request, row.Digest = &r.Request, r.digest[:]
	row.Cut, row.Ended, row.Out = r.cut, r.ended, cl.rest
	return row
}

// takeReplies makes records of what the loop has answered.
func (cl *caller) takeReplies() {
	for {
		select {
		case m, open := <-cl.request.out:
			if !open {
				return
			}
			if recs, err := ipc.Records(m); err == nil {
				cl.rest = append(cl.rest, recs...)
			}
		default:
			return
		}
	}
}

// thaw undoes pause and freeze.
func (c *control) thaw() {
	c.mu.Lock()
	if c.frozen {
		c.halt = make(chan struct{})
	}
	c.paused, c.frozen = false, false
	c.ln.SetDeadline(time.Time{})
	c.mu.Unlock()
	c.carry()
}
