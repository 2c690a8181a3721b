package worker

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
