package worker

import "github.com/workerman-go/wm/eventloop"

// Descriptor is the socket of c, for tests that look at its options.
func Descriptor(c *Connection) int { return int(c.fd) }

// Step delivers one message to c, as if it had been read.
func Step(c *Connection, data []byte) { c.step(data) }

// Backlog is what the process accounts for all its connections.
func Backlog(p *Process) int64 { return p.output.backlog }

// Encodings is how often m was encoded for more than one receiver.
func Encodings(m *Prepared) int { return len(m.encoded) }

// Deaf says that the loop does not report bytes for c.
func Deaf(c *Connection) bool { return c.flags&deaf != 0 }

// Watched says that the loop still reports anything of c, which is deaf.
func Watched(c *Connection) bool {
	return c.p.loop.Rewatch(int(c.fd), 0) != eventloop.ErrNotWatched
}
