package worker

// Descriptor is the socket of c, for tests that look at its options.
func Descriptor(c *Connection) int { return int(c.fd) }

// Step delivers one message to c, as if it had been read.
func Step(c *Connection, data []byte) { c.step(data) }

// Backlog is what the process accounts for all its connections.
func Backlog(p *Process) int64 { return p.output.backlog }

// Encodings is how often m was encoded for more than one receiver.
func Encodings(m *Prepared) int { return len(m.encoded) }
