package worker

import (
	"fmt"
	"strings"
	"time"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/protocol"
)

const (
	// drainSweep is how often a draining process looks for connections that
	// have become idle without an event.
	drainSweep = 50 * time.Millisecond
	// drainSilence is how long a keep-alive connection may stay after the
	// drain began or after it was last heard, so that a client that is just
	// about to use it is answered and told, and not cut off. The same for one
	// that has not sent anything yet: its first message may be on its way.
	drainSilence = 500 * time.Millisecond
)

// drain is the last part of a process's life.
type drain struct {
	on      bool
	closing bool // all idle connections are closed; not in a graceful drain
	gone    bool
	began   time.Time
	timer   eventloop.TimerID
	last    eventloop.TimerID // cutOff
	lastAt  time.Time
	// Another process takes over, see Pace.
	replaced bool
	pace     pace

	// Of StopAll, which drains this process by its own wish.
	exiting bool
	code    int
	why     string
}

// Leave stops accepting for good, after serving those who already wait, and
// deletes the timers of OnWorkerStart. The seat may then be given to another
// process. Connections stay.
func (p *Process) Leave() {
	if p.life.left {
		return
	}
	p.life.left = true
	for _, w := range p.workers {
		w.returnLent()
		if w.listener != nil {
			w.listener.leave()
		}
	}
	p.loop.StopStartTimers()
}

// Drain ends the process in order: OnWorkerStop, then it waits until no
// connection and no worker.Go work is left, and calls Env.Gone. Protocols that
// can tell their peers to go (protocol.Leaver) do so, and their idle connections
// are closed: such a peer connects again, to another process. A graceful drain
// leaves all other connections alone for as long as their peers keep them, and
// those of a Handler; an ordinary one closes them when they are idle. A graceful
// drain becomes an ordinary one by a second call. The drain is that of a
// stop unless Pace has said something else.
func (p *Process) Drain(graceful bool) {
	p.Leave()
	p.stop()
	d := &p.drain
	if !d.on {
		d.on, d.began = true, p.loop.Now()
		d.timer = p.loop.AddInnerTimer(drainSweep, true, p.sweep)
		p.handled.draining.Store(true)
	}
	if !graceful {
		d.closing = true
		p.beginPace()
	}
	p.sweep()
}

// cutOffIn sets the time of cutOff, which may come sooner than it was going to
// and never later.
func (p *Process) cutOffIn(wait time.Duration) {
	d, at := &p.drain, p.loop.Now().Add(wait)
	if d.last != 0 && !at.Before(d.lastAt) {
		return
	}
	p.loop.DelTimer(d.last)
	d.lastAt, d.last = at, p.loop.AddInnerTimer(wait, false, p.cutOff)
}

// occasion is why a connection is closed now.
func (d *drain) occasion() protocol.Occasion {
	switch {
	case !d.on:
		return protocol.Parting
	case d.replaced:
		return protocol.Restarting
	}
	return protocol.Stopping
}

// cutOff ends the connections that a drain has waited for long enough.
func (p *Process) cutOff() {
	if n := p.counters.connections; n > 0 {
		p.logf("closing %s that did not end in time, with %d bytes not sent",
			plural(n, "connection"), p.output.backlog)
	}
	p.cutRequests()
	p.destroyAll()
}

// stop tells the author, once, that the process is about to leave.
func (p *Process) stop() {
	if p.life.serving && !p.life.stopped {
		p.life.stopped = true
		for w := range p.members {
			p.onWorker(w, w.OnWorkerStop, "OnWorkerStop")
		}
	}
	p.cancel()
}

// sweep closes what is idle. Dialled connections serve the accepted ones: they
// are closed when none of those is left, also in a graceful drain. Those that
// do not stand yet need not serve worker.Go, whose work finds their addresses.
func (p *Process) sweep() {
	accepted := 0
	for _, w := range p.workers {
		accepted += w.conns.len()
		for c := range w.conns.each {
			if p.drain.closing && !c.queues() || c.mayLeave() {
				c.retire()
			}
		}
	}
	p.published.oldest.Store(int64(p.oldest()) + 1)
	if accepted > 0 {
		return
	}
	for c := range p.dialled.each {
		switch {
		case Status(c.status) == Ending: // it waits for its peer, with a limit
		case c.early() || p.jobs.alive.Load() == 0: // a job may be its own name lookup
			c.Close()
		}
	}
}

// mayLeave says that a graceful drain need not wait until the peer closes. One
// that has not finished a handshake has a deadline for that.
func (c *Connection) mayLeave() bool {
	return c.codec.leave != nil && c.flags&(prefaced|opening) == 0
}

// retire closes a connection of a draining process once it rests. What has
// arrived by then is still served.
func (c *Connection) retire() {
	if c.flags&(prefaced|opening) != 0 { // nobody may ever finish it
		if c.silence() >= drainSilence {
			c.destroy()
		}
		return
	}
	if s := c.handedConn(); s != nil {
		s.retire(c.p.drain.began)
		return
	}
	k := c.codec
	if k.leave != nil && c.flags&told == 0 && Status(c.status) == Established {
		c.flags |= told
		c.tell()
	}
	hopeful := k.leave != nil || c.BytesRead == 0 // its next message is still served
	if !c.rests() || c.unsent() || hopeful && c.silence() < drainSilence {
		return
	}
	c.readable(eventloop.Readable)
	if c.rests() && (k.leave == nil || c.queueSize() == 0) {
		c.Close()
	}
}

// rests says that no message is under way: no partial one, and no request in
// progress. Who pauses is waiting for something. What a Handler does is not known
// here.
func (c *Connection) rests() bool {
	if c.handles() {
		return false
	}
	return Status(c.status) == Established && c.flags&paused == 0 &&
		c.in == nil && c.errno == 0 && (c.codec.quiet == nil || c.isQuiet()) &&
		(c.codec.patient == nil || !c.midway())
}

// silence is for how long nothing has come, from the beginning of the drain.
func (c *Connection) silence() time.Duration {
	drained := c.p.loop.Now().Sub(c.p.drain.began)
	return drained - time.Duration(c.heard)*time.Millisecond
}

// checkGone looks for the end of a drain.
func (p *Process) checkGone() {
	if p.drain.on && p.counters.connections == 0 && p.jobs.alive.Load() == 0 &&
		p.handled.settled() {
		p.end()
	}
}

// end reports the end of a drain, once.
func (p *Process) end() {
	d := &p.drain
	if d.gone {
		return
	}
	d.gone = true
	p.loop.DelTimer(d.timer)
	p.loop.DelTimer(d.last)
	p.loop.DelTimer(d.pace.timer)
	p.endAccess()
	p.tellFailures()
	if d.exiting {
		p.flushAll()
		p.env.Exit(d.code, d.why)
		return
	}
	p.env.Gone()
}

// Waiting says what a drain still waits for: "3 connections (oldest 41 s),
// 1 worker.Go". It may be called by any goroutine, also while the loop is blocked:
// the connections are those of the end of its last turn, and how old they are is
// known since the drain began.
func (p *Process) Waiting() string {
	var parts []string
	if n := p.published.connections.Load(); n > 0 {
		text := plural(n, "connection")
		if since := p.published.oldest.Load(); since > 0 {
			age := int64(time.Since(p.began)/time.Second) - (since - 1)
			text += fmt.Sprintf(" (oldest %d s)", max(0, age))
		}
		if rate := p.published.rate.Load(); rate > 0 {
			text += fmt.Sprintf(", closes %d a second", rate)
		} else if p.published.inLine.Load() {
			text += ", in line to close them"
		}
		parts = append(parts, text)
	}
	if n := p.jobs.alive.Load(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d worker.Go", n))
	}
	if n := p.handled.running.Load(); n > 0 {
		parts = append(parts, plural(n, "request")+" in a Handler")
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// oldest is when the first of the connections came.
func (p *Process) oldest() uint32 {
	first := p.seconds()
	for _, w := range p.workers {
		for c := range w.conns.each {
			first = min(first, c.since)
			break
		}
	}
	return first
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
