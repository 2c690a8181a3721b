package worker

import (
	"slices"
	"unsafe"
)

// maxPending is how much may be sent in a turn before the kernel is asked to
// take it.
const maxPending = 64 << 10

// Send sends v as the protocol of the connection encodes it: bytes and strings
// as they are, numbers and bools as PHP prints them, other values as JSON; see
// the protocol for its own types. The message joins those of this turn, which
// go out together when the turn ends, or when 8 KiB have come together. nil says
// that it was taken. ErrClosed says that the connection is closed or closing, or
// that a Handler has it: that one cannot be sent to. ErrBufferFull says that the
// backlog is at MaxSendBufferSize, or above what Limits.QueuedBytes leaves: the
// message was dropped and OnError was called, unless OnError sent it. Any other
// error is the protocol's refusal to encode v, or, for datagrams, the system's.
// What is sent before a dialled connection stands, or before the end of a
// handshake, waits and counts as backlog. Called on the loop goroutine.
func (c *Connection) Send(v any) error {
	switch v := v.(type) {
	case []byte:
		if c.codec.writes != nil || c.codec.proto == nil {
			return c.sendBytes(v)
		}
	case string:
		if c.codec.writes != nil || c.codec.proto == nil {
			return c.sendBytes(bytesOf(v))
		}
	case *Prepared:
		return c.sendPrepared(v)
	}
	return c.sendValue(v)
}

// Write sends p as one message, without an allocation where the protocol
// speaks bytes. It implements io.Writer: fmt.Fprintf(c, ...) sends one message.
// Errors are those of Send. Called on the loop goroutine.
func (c *Connection) Write(p []byte) (int, error) {
	var err error
	if c.codec.writes != nil || c.codec.proto == nil {
		err = c.sendBytes(p)
	} else {
		err = c.sendValue(p)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString is Write for a string.
func (c *Connection) WriteString(s string) (int, error) {
	var err error
	if c.codec.writes != nil || c.codec.proto == nil {
		err = c.sendBytes(bytesOf(s))
	} else {
		err = c.sendValue(s)
	}
	if err != nil {
		return 0, err
	}
	return len(s), nil
}

// SendRaw sends p as it is, past the protocol. Errors are those of Send. Called
// on the loop goroutine.
func (c *Connection) SendRaw(p []byte) error {
	if err := c.admit(); err != nil {
		return err
	}
	if c.p.output.encoding != c {
		c.paid() // an answer that the protocol does not see
	}
	return c.put(p)
}

// SendBinary sends p as one binary message where the protocol tells those from
// text (websocket), and as Write elsewhere. Errors are those of Send. Called on
// the loop goroutine.
func (c *Connection) SendBinary(p []byte) error {
	k := c.codec
	if k.binary == nil {
		_, err := c.Write(p)
		return err
	}
	if err := c.admit(); err != nil {
		return err
	}
	b := c.begin(len(p) + 16)
	out, err := k.binary.EncodeBinary(b.data, p, c)
	return c.commit(k, b, out, err)
}

// bytesOf is s without a copy; nobody writes to what is sent.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// admit decides whether a message is taken.
func (c *Connection) admit() error {
	c.p.own("Connection.Send")
	if Status(c.status) != Established && !c.early() || c.errno != 0 || c.flags&handed != 0 {
		return ErrClosed
	}
	if c.crowded() {
		c.p.counters.sendFail++
		c.complain()
		if c.codec.fail != nil && Status(c.status) == Established {
			c.setStatus(Closing) // the next answer would be taken for this one
		}
		return ErrBufferFull
	}
	return nil
}

// crowded says that a message would be refused for a full buffer. The answer of
// a handshake never is: what waited for it, and was taken, follows in one piece.
func (c *Connection) crowded() bool {
	switch {
	case c.flags&(waits|holding) == 0 || c.p.output.forwarding == c:
		return false
	case c.codec.keeps != nil && Status(c.status) == Established && c.waiting() == 0:
		return false
	}
	return c.atLimit()
}

// complain tells the author of a refused message. What is refused inside that,
// such as the last message of a Close, is only counted: it would be told for
// ever.
func (c *Connection) complain() {
	o := &c.p.output
	if o.complaining == c {
		return
	}
	outer := o.complaining
	o.complaining = c
	c.onError(SendFail, ErrBufferFull)
	o.complaining = outer
}

// early says that a dialled connection does not stand yet.
func (c *Connection) early() bool {
	return Status(c.status) == Initial || Status(c.status) == Connecting
}

// atLimit says that the connection, or the process, has as much backlog as it
// may have.
func (c *Connection) atLimit() bool {
	n := c.waiting()
	return n >= c.MaxSendBufferSize || c.p.tooMuch(n)
}

func (c *Connection) sendBytes(p []byte) error {
	if err := c.admit(); err != nil {
		return err
	}
	k := c.codec
	if k.proto == nil {
		return c.put(p)
	}
	b := c.begin(len(p) + 16)
	out, err := k.writes.EncodeBytes(b.data, p, c)
	return c.commit(k, b, out, err)
}

func (c *Connection) sendValue(v any) error {
	if err := c.admit(); err != nil {
		return err
	}
	k := c.codec
	b := c.begin(k.messageRoom())
	out, err := k.encode(b.data, v, c)
	return c.commit(k, b, out, err)
}

// begin returns the send buffer for a protocol to append to. What it sends
// raw meanwhile must not land in the same array: see put.
func (c *Connection) begin(room int) *buffer {
	b := c.room(room)
	c.p.output.encoding = c
	return b
}

// commit makes what was appended to b part of the stream.
func (c *Connection) commit(k *codec, b *buffer, out []byte, err error) error {
	o := &c.p.output
	o.encoding = nil
	if Status(c.status) == Closed { // by the protocol
		o.aside = o.aside[:0]
		return ErrClosed
	}
	start := len(b.data)
	if err != nil {
		out = b.data
	}
	if len(o.aside) > 0 { // sent raw from inside Encode, so it goes first
		out = slices.Insert(out, start, o.aside...)
		o.aside = o.aside[:0]
	}
	b.data = out
	if len(b.data) > start {
		k.measureMessage(len(b.data) - start)
		if added := c.added(); err == nil {
			err = added
		}
	} else {
		c.releaseOut()
		c.noteHeld()
	}
	if err == nil && k.sent != nil {
		k.sent.Sent(c)
		c.answered()
	}
	return err
}

// noteHeld makes backlog of what the protocol holds back.
func (c *Connection) noteHeld() {
	if c.codec.keeps != nil && c.keeps() > 0 {
		c.hasHeld()
	}
}

// hasHeld is for a message that waits outside out.
func (c *Connection) hasHeld() {
	c.flags |= holding
	c.account()
	c.checkFull()
}

// put appends bytes as they are.
func (c *Connection) put(p []byte) error {
	o := &c.p.output
	if o.encoding == c {
		o.aside = append(o.aside, p...)
		c.queue()
		return nil
	}
	if len(p) == 0 {
		return nil
	}
	b := c.room(len(p))
	b.data = append(b.data, p...)
	return c.added()
}

// room returns the send buffer with room for n more bytes.
func (c *Connection) room(n int) *buffer {
	last := &c.out
	if c.flags&streaming != 0 {
		last = &c.extra.body.after
	}
	pool := &c.p.output.pool
	if *last == nil {
		*last = pool.get(max(n, c.codec.turnRoom()))
	} else {
		pool.grow(*last, n)
	}
	return *last
}

// waits are the reasons why what is sent now is backlog and not pending.
const waits = blocked | opening | awaiting

// added is what every message comes to: into the backlog, or pending until the
// turn ends or enough has come together. A datagram goes out at once.
func (c *Connection) added() error {
	switch {
	case c.flags&datagram != 0:
		return c.sendPacket()
	case c.flags&waits != 0:
		c.account()
		c.checkFull()
		return nil
	}
	c.queue()
	if c.out.size() >= min(maxPending, c.MaxSendBufferSize) {
		c.offer()
	}
	return nil
}

// checkFull tells the author, once, that the backlog has reached the limit.
func (c *Connection) checkFull() {
	if c.flags&full == 0 && c.waiting() >= c.MaxSendBufferSize {
		c.flags |= full
		c.onBufferFull()
	}
}
