package worker

// ReadNow reads what has arrived and delivers its messages now, without waiting for
// the loop to come to c, until nothing is left or most bytes were read, and returns
// how many. It is for a server in which the messages of several connections have an
// order; a connection that pauses, or waits for something, brings nothing. OnClose
// may run in it. Called on the loop goroutine in a timer or a posted function, and
// not in a callback of a connection, whose message lies where this reads to.
func (c *Connection) ReadNow(most int) int {
	c.p.own("Connection.ReadNow")
	before := c.BytesRead
	for c.fd >= 0 && c.flags&(opening|prefaced) == 0 && Status(c.status) == Established {
		c.p.rests.consumer = nil // a turn of its own, for the bounds of a turn
		if c.flags&resting != 0 {
			c.goOn()
			continue
		}
		if !c.reading() || c.BytesRead-before >= uint64(most) || c.fill() == 0 {
			break
		}
	}
	return int(c.BytesRead - before)
}
