package worker

import (
	"reflect"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/eventloop"
)

// Descriptor is the socket of c, for tests that look at its options.
func Descriptor(c *Connection) int { return int(c.fd) }

// Step delivers one message to c, as if it had been read.
func Step(c *Connection, data []byte) { c.step(data) }

// TooMuch says that c has more backlog than its process has left for it.
func TooMuch(c *Connection) bool { return c.p.tooMuch(c.waiting()) }

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

// AfterTurns calls fn at the end of each turn of the loop, when all is flushed.
func AfterTurns(p *Process, fn func()) {
	p.loop.SetTurnHook(func() { fn(); p.endTurn() })
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

// Stuck says what c waits for in vain, at a moment when its loop has nothing to
// do; empty if nothing.
func Stuck(c *Connection) string {
	counted := 0
	if c.flags&(waits|holding) != 0 && Status(c.status) != Closed {
		counted = c.waiting()
	}
	is := func(f flags) bool { return c.flags&f != 0 }
	switch {
	case int(c.counted) != counted:
		return "another backlog than is accounted for"
	case Status(c.status) == Closed || c.early() || is(datagram):
		return ""
	case is(full) && c.waiting() == 0:
		return "OnBufferDrain, without a backlog"
	case is(blocked) && c.sendable() == 0:
		return "a socket for nothing"
	case is(queued):
		return "the end of a turn"
	case is(resumed):
		return "a turn for what was read"
	case Status(c.status) == Closing && c.queueSize() == 0 && !is(opening):
		return "its end"
	case !is(waits) && c.queueSize() > 0:
		return "nobody who sends what is pending"
	case is(deaf) && c.reading() && !c.shaking() && !c.finishes():
		return "bytes that the loop does not report"
	case is(layered) && !is(opening) && Status(c.status) == Established && !c.held() &&
		c.extra.tls.Buffered():
		return "a turn for what was decrypted"
	}
	want := eventloop.Readable
	if is(deaf) {
		return ""
	}
	if is(blocked) {
		want |= eventloop.Writable
	}
	if c.p.loop.Rewatch(int(c.fd), want) != nil {
		return "events of a descriptor that is not watched"
	}
	return ""
}

// Mixed says whether a buffer is used twice.
func Mixed(p *Process) bool {
	used := map[*byte]bool{}
	twice := false
	take := func(b *buffer) {
		if b == nil || cap(b.data) == 0 {
			return
		}
		first := &b.data[:1][0]
		twice = twice || used[first]
		used[first] = true
	}
	for _, free := range p.output.pool.free {
		for _, b := range free {
			take(b)
		}
	}
	for _, w := range append([]*Worker{{conns: p.dialled}}, p.workers...) {
		for c := range w.conns.each {
			take(c.in)
			take(c.out)
		}
	}
	return twice
}

// LookIdle looks so often at the connections of w that who is idle is closed.
func LookIdle(w *Worker) {
	for range idleLooks + 1 {
		w.lookIdle()
	}
}

// Resting is how many connections have something left for a later turn.
func Resting(p *Process) int { return len(p.rests.waiting) }

// Kept is how much of c the kernel has and the peer has not.
func Kept(c *Connection) int {
	kept, err := unix.IoctlGetInt(int(c.fd), unix.SIOCOUTQ)
	if err != nil {
		return -1
	}
	return kept
}
