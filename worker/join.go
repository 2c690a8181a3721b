package worker

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
)

// A service has one Worker per process. A test kit, and a service that is
// debugged, run all Workers in one, on one loop; this file is what they need beyond
// the life of a process.

// joined is a Worker of Join with its listener.
type joined struct {
	w        *Worker
	listener int // -1: none
}

// Join makes the process serve w too, with its own listener (-1: none),
// protocol, certificates and callbacks. Its OnWorkerStart runs in Serve, after
// those of the Workers before it, and nobody is accepted before all have
// returned. The process is ready, drains and ends as one. Self and AppDir are those
// of the app that calls; Limits.QueuedBytes and Life stay those of the Worker of
// NewProcess, but for the StopTimeout, which is the longest. For harnesses, before
// Serve; on the loop goroutine, or before the loop runs.
func (p *Process) Join(w *Worker, listener int) {
	p.adopt(w)
	p.joined = append(p.joined, joined{w, listener})
}

// Shares returns how many accepted connections each Worker of NewProcess and Join
// has open, in this order, as of the end of the last turn; nil without Join. For
// the harness only; it may be called by any goroutine once the loop runs.
func (p *Process) Shares() []int64 {
	if len(p.joined) == 0 {
		return nil
	}
	shares := []int64{p.w.open.Load()}
	for _, j := range p.joined {
		shares = append(shares, j.w.open.Load())
	}
	return shares
}

// Workers returns those that the process serves now: of NewProcess, Join and
// Worker.Listen, in this order. For test kits, on the loop goroutine.
func (p *Process) Workers() []*Worker { return slices.Clone(p.workers) }

// members yields the Workers whose OnWorkerStart is run here.
func (p *Process) members(yield func(w *Worker) bool) {
	if !yield(p.w) {
		return
	}
	for _, j := range p.joined {
		if !yield(j.w) {
			return
		}
	}
}

// attachAll attaches every member. After an error no descriptor is left that
// belongs to nobody.
func (p *Process) attachAll(listener int) (err error) {
	for _, j := range append([]joined{{p.w, listener}}, p.joined...) {
		if err == nil {
			err = p.attach(j.w, j.listener)
		}
		if err != nil && j.listener >= 0 {
			unix.Close(j.listener)
		}
	}
	return err
}

// startAll runs OnWorkerStart of every member, until one fails.
func (p *Process) startAll() error {
	for w := range p.members {
		err := p.onWorkerStart(w)
		if err != nil && len(p.joined) > 0 {
			return fmt.Errorf("Worker %s: %w", w.Name, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Rehearse is Declare for a program that runs one Start after another: undo
// puts Settings, http1.Sessions and the registered protocols back as they were. For test kits,
// while no process serves.
func Rehearse(app App) (made []*Worker, undo func()) {
	settings, registry, sessions := Settings, protocol.Snapshot(), http1.Sessions
	forgetNeighbours()
	undo = func() {
		forgetNeighbours()
		Settings, http1.Sessions = settings, sessions
		registry.Restore()
	}
	return Declare(app), undo
}

// forgetNeighbours lets go of the Workers of a test, and of what they have open.
func forgetNeighbours() {
	declared.mu.Lock()
	defer declared.mu.Unlock()
	declared.all = nil
}
