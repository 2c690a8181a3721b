package worker

// Descriptor is the socket of c, for tests that look at its options.
func Descriptor(c *Connection) int { return int(c.fd) }
