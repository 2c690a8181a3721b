package worker

// Pipe sends everything that c delivers to dst and closes dst when c closes.
// When dst has as much backlog as it may have, c reads no more until that is
// gone. It replaces OnMessage and OnClose of c, and OnBufferFull and
// OnBufferDrain of dst; for both ways call it on both. Called on the loop
// goroutine.
func (c *Connection) Pipe(dst *Connection) {
	c.p.own("Connection.Pipe")
	c.OnMessage = func(_ *Connection, data []byte) { _, _ = dst.Write(data) }
	c.OnClose = func(*Connection) { dst.Close() }
	dst.OnBufferFull = func(*Connection) { c.PauseRecv() }
	dst.OnBufferDrain = func(*Connection) { c.ResumeRecv() }
}
