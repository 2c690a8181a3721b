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
	// garbageRest is how long nothing more is dropped before it begins.
	garbageRest = time.Second
	// garbagePause is between two of them.
	garbagePause = time.Minute
)

// garbage is what bursts leave behind: handshakes of clients that all come back
// at once, backlog of clients that did not read. A process that is idle
// afterwards may not collect for minutes, and keeps the memory for longer: it
// gives back what it can when the burst is over.
type garbage struct {
	bytes   int64 // since the last collection of ours
	seen    int64 // of them when the timer was set
	waiting bool
	last    time.Time
}

// litter counts n bytes that were dropped.
func (p *Process) litter(n int64) {
	g := &p.garbage
	if g.bytes += n; g.bytes >= muchGarbage && !g.waiting {
		p.awaitRest()
	}
}

// awaitRest looks every second whether the burst is over. A steady stream feeds
// the collector anyway.
func (p *Process) awaitRest() {
	g := &p.garbage
	g.waiting, g.seen = true, g.bytes
	p.loop.AddInnerTimer(garbageRest, false, func() {
		now := p.loop.Now()
		if g.bytes != g.seen || !g.last.IsZero() && now.Sub(g.last) < garbagePause {
			p.awaitRest()
			return
		}
		*g = garbage{last: now}
		go debug.FreeOSMemory() // ends with the collection
	})
}
