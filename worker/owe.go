package worker

import "github.com/workerman-go/wm/protocol"

// A protocol that owes an answer to each message (protocol.Failer) gets one
// message after another: the next is delivered when the last was answered,
// however long that takes. An answer that comes late can so never be taken for
// that of another message.

// deliverOwed calls the callback for a message that may be owed an answer.
func (c *Connection) deliverOwed(v any, frame []byte) {
	k := c.codec
	c.flags |= anew
	if k.fail != nil && k.quiet != nil {
		c.flags |= owing
	}
	outer := c.p.delivering
	c.p.delivering = c
	defer c.delivered(k, outer)
	c.deliver(v, frame)
}

// delivered is called when the callback has returned, or has panicked.
func (c *Connection) delivered(k *codec, outer *Connection) {
	c.p.delivering = outer
	if x := c.extra; x != nil && x.former != nil {
		all := x.former
		x.former = nil
		for _, f := range all {
			c.forget(f)
		}
		return
	}
	if k.release != nil && c.codec == k {
		c.released(k)
	}
}

// former is a protocol that was switched, with its state.
type former struct {
	by    protocol.Forgetter
	state any
}

// leaveProtocol is called before the protocol is switched: what it keeps for the
// message that is being delivered lasts as long as the callback.
func (c *Connection) leaveProtocol() {
	f := former{c.codec.forget, c.state}
	switch {
	case f.by == nil || f.state == nil:
	case c.p.delivering == c:
		c.more().former = append(c.more().former, f)
	default:
		c.forget(f)
	}
}

// answered is called when the protocol was done with one Encode.
func (c *Connection) answered() {
	if c.flags&owing != 0 && c.isQuiet() {
		c.paid()
	}
}

// paid lets the next message come.
func (c *Connection) paid() {
	if c.flags&owing == 0 {
		return
	}
	c.flags &^= owing
	if c.p.delivering != c && Status(c.status) == Established {
		c.attend()
	}
}

// maxAhead is how much is read, for later, of a peer that is owed an answer.
const maxAhead = 16 << 10

// owes says that an answer is all that the next message waits for.
func (c *Connection) owes() bool {
	return c.flags&(owing|resting|awaiting|paused|blocked|streaming) == owing
}

// listens says that bytes are read although they are for later: a peer that
// leaves before its answer, or in the middle of a stream of events, is found out
// by reading alone.
func (c *Connection) listens() bool {
	return c.owes() && c.flags&deaf == 0 && c.in.size() < maxAhead
}

// deserted says that a peer whose last bytes have come waits for nothing but the
// answer that is owed. As in PHP and in nginx it has left then.
func (c *Connection) deserted() bool { return c.owes() && c.in == nil }
