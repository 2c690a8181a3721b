package worker

import (
	"runtime/debug"
	"time"
)

const (
	// handshakeBytes is about what a TLS handshake allocates and drops.
	handshakeBytes = 128 << 10
	// muchGarbage is worth a collection of its own.
	muchGarbage = 64 << 20
	// garbageRest is how long no handshake ends before it begins.
	garbageRest = time.Second
)

// garbage is what handshakes leave behind. A burst of them, such as all clients
// coming back at once, doubles the memory of a process that is idle afterwards
// and may not collect for minutes: it gives back what it can when the burst is
// over.
type garbage struct {
	bytes   int64 // since the last collection of ours
	seen    int64 // of them when the timer was set
	waiting bool
}

// handshakeDone counts one more.
func (p *Process) handshakeDone() {
	g := &p.garbage
	if g.bytes += handshakeBytes; g.bytes >= muchGarbage && !g.waiting {
		p.awaitRest()
	}
}

func (p *Process) awaitRest() {
	g := &p.garbage
	g.waiting, g.seen = true, g.bytes
	p.loop.AddInnerTimer(garbageRest, false, func() {
		if g.bytes != g.seen { // a steady stream of them feeds the collector anyway
			p.awaitRest()
			return
		}
		*g = garbage{}
		go debug.FreeOSMemory() // ends with the collection
	})
}
