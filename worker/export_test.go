package worker

import (
	"reflect"

	"github.com/workerman-go/wm/eventloop"
)

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

// CountTurns adds the turns of the loop to n.
func CountTurns(p *Process, n *int) {
	p.loop.SetTurnHook(func() { *n++; p.endTurn() })
}

// Attempts is how often a dialled connection of p came to life.
func Attempts(p *Process) int { return int(p.enrolled) }

// Left counts what the loop of p still has of connections: descriptors that it
// watches and timers, those of the framework included.
func Left(p *Process) (watches, timers int) {
	loop := reflect.ValueOf(p.loop).Elem()
	slots := loop.FieldByName("slots")
	for i := range slots.Len() {
		source := slots.Index(i).FieldByName("source")
		if source.IsNil() {
			continue
		}
		switch source.Elem().Type() {
		case reflect.TypeFor[*socket](), reflect.TypeFor[*packets](), reflect.TypeFor[*connecting]():
			watches++
		}
	}
	return watches, loop.FieldByName("timers").FieldByName("heap").Len()
}
