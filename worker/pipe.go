package worker

// Pipe sends everything that c delivers to dst and closes dst when c closes.
// Nothing is lost: when dst, or the process, has as much backlog as it may
// have, c reads no more until that of dst is gone. It replaces OnMessage and
// OnClose of c, and OnBufferFull and OnBufferDrain of dst; for both ways call
// it on both. Called on the loop goroutine.
func (c *Connection) Pipe(dst *Connection) {
	c.p.own("Connection.Pipe")
	c.OnMessage = func(_ *Connection, data []byte) { c.forward(dst, data) }
	c.OnClose = func(*Connection) { dst.Close() }
	dst.OnBufferFull = func(*Connection) { c.PauseRecv() }
	dst.OnBufferDrain = func(*Connection) { c.ResumeRecv() }
	c.yieldTo(dst)
}

// forward sends what has been read already, whatever the limits say: a stream
// with a hole in it is worth nothing.
func (c *Connection) forward(dst *Connection, data []byte) {
	o := &c.p.output
	o.forwarding = dst
	defer func() { o.forwarding = nil }()
	_, _ = dst.Write(data)
	c.yieldTo(dst)
}

// yieldTo stops reading for a dst that is slower.
func (c *Connection) yieldTo(dst *Connection) {
	if dst.flags&(waits|holding) != 0 && dst.waiting() > 0 && dst.atLimit() {
		c.PauseRecv()
	}
}
