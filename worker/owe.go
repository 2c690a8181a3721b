package worker

// A protocol that owes an answer to each message (protocol.Failer) gets one
// message after another: the next is delivered when the last was answered,
// however long that takes. An answer that comes late can so never be taken for
// that of another message.

// maxAhead is how much is read behind a message that waits for its answer.
const maxAhead = 64 << 10

// ahead says that a connection which delivers nothing until it has answered
// reads nevertheless, so that a peer that leaves meanwhile is noticed.
func (c *Connection) ahead() bool {
	const others = resting | awaiting | paused | blocked
	return c.flags&(owing|others) == owing && c.in.size() < maxAhead
}

// deliverOwed calls the callback for a message that may be owed an answer.
func (c *Connection) deliverOwed(v any, frame []byte) {
	k := c.codec
	if k.fail != nil && k.quiet != nil {
		c.flags |= owing
		outer := c.p.delivering
		c.p.delivering = c
		defer func() { c.p.delivering = outer }()
	}
	if k.release != nil {
		defer c.released(k)
	}
	c.deliver(v, frame)
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
