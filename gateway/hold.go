package gateway

import (
	"bytes"
	"time"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// What clients do while no BusinessWorker can be told of it is held: when there is
// none, when theirs leaves, and when theirs has as much to read as it may have. Packets
// are made when they go out, so they have the session of then.

const (
	// holdSweep is how often held events are looked at.
	holdSweep = 100 * time.Millisecond
	// heldBytes is what a held event counts beside its body.
	heldBytes = 64
	// goneBytes is what a client counts that has gone: its connection and what is
	// known of it are kept for its events alone.
	goneBytes = 512
)

// holding are the clients of whom something is held. Owned by the loop.
type holding struct {
	of      map[*client]*held
	queue   []*held // in the order in which they began to wait
	bytes   int     // of all
	timer   eventloop.TimerID
	stopped bool // nothing is read of anybody

	releasing bool
}

// held is what waits of one client, in order.
type held struct {
	c      *client
	events []heldEvent
	bytes  int
	paused bool
	closed bool      // the client has gone, its OnClose is the last event
	since  time.Time // when it began to wait without any BusinessWorker
}

type heldEvent struct {
	what wire.Command
	flag wire.Flag
	body []byte
}

// hold keeps an event for later.
func (p *process) hold(c *client, what wire.Command, flag wire.Flag, body []byte) {
	h := p.holding.of[c]
	if h == nil {
		h = p.beginHold(c)
	}
	h.events = append(h.events, heldEvent{what, flag, bytes.Clone(body)})
	size := heldBytes + len(body)
	if what == wire.OnClose {
		size += goneBytes // until drop
	}
	h.bytes += size
	p.holding.bytes += size
	h.closed = what == wire.OnClose
	switch {
	case h.closed:
		if c.link == nil && !h.tells() {
			p.drop(h)
		}
	case p.businessWait() == 0 && p.deserted(c):
		p.turnAway(h)
	case !h.paused && h.bytes >= positive(p.g.HoldPerClient, defaultHoldPerClient):
		h.paused = true
		c.conn.PauseRecv()
	}
	if p.holding.bytes >= positive(p.g.HoldBytes, defaultHoldBytes) {
		p.stopReading()
	}
}

// deserted says that a client has no BusinessWorker, not even one that leaves and has
// not finished yet, and that there is none for it.
func (p *process) deserted(c *client) bool {
	return (c.link == nil || c.link.gone) && !p.links.usable()
}

// businessWait is how long to wait for a BusinessWorker. To a process that leaves none
// comes any more.
func (p *process) businessWait() time.Duration {
	if p.leaving {
		return 0
	}
	return p.g.BusinessWait
}

// tells says that somebody would want to know of a client that has come and gone
// unseen: it has sent something.
func (h *held) tells() bool {
	for _, e := range h.events {
		if e.what == wire.OnMessage {
			return true
		}
	}
	return false
}

func (p *process) beginHold(c *client) *held {
	t := &p.holding
	h := &held{c: c}
	if p.deserted(c) {
		h.since = worker.Loop().Now()
	}
	if t.of == nil {
		t.of = make(map[*client]*held)
	}
	t.of[c] = h
	t.queue = append(t.queue, h)
	if t.timer == 0 {
		t.timer = worker.Loop().AddInnerTimer(holdSweep, true, p.sweepHeld)
	}
	return h
}

// release sends what can go out now, in order.
func (p *process) release() {
	t := &p.holding
	if t.releasing || len(t.queue) == 0 {
		return
	}
	t.releasing = true
	defer func() { t.releasing = false }() // Router may panic
	for _, h := range t.queue {
		if t.of[h.c] == h {
			p.releaseOne(h)
		}
	}
	p.endRelease()
}

// releaseOne is release for one client.
func (p *process) releaseOne(h *held) {
	for len(h.events) > 0 {
		e := h.events[0]
		if !p.deliver(h.c, e.what, e.flag, e.body) {
			return
		}
		h.events[0] = heldEvent{}
		h.events = h.events[1:]
		h.bytes -= heldBytes + len(e.body)
		p.holding.bytes -= heldBytes + len(e.body)
	}
	p.drop(h)
}

// drop ends the holding of a client and reads on.
func (p *process) drop(h *held) {
	t := &p.holding
	if t.of[h.c] != h {
		return
	}
	delete(t.of, h.c)
	t.bytes -= h.bytes
	h.events, h.bytes = nil, 0
	if h.closed && h.c.link != nil {
		h.c.link.clients--
	}
	if h.paused && !t.stopped {
		h.c.conn.ResumeRecv()
	}
}

// endRelease tidies up behind release.
func (p *process) endRelease() {
	t := &p.holding
	kept := t.queue[:0]
	for _, h := range t.queue {
		if t.of[h.c] == h {
			kept = append(kept, h)
		}
	}
	clear(t.queue[len(kept):])
	t.queue = kept
	if len(kept) == 0 && t.timer != 0 {
		worker.Loop().DelTimer(t.timer)
		t.timer = 0
	}
	if t.stopped && t.bytes <= positive(p.g.HoldBytes, defaultHoldBytes)/2 {
		p.goOnReading()
	}
}

// sweepHeld turns away those who have waited for too long.
func (p *process) sweepHeld() {
	p.release()
	p.excuse()
	now := worker.Loop().Now()
	for _, h := range p.holding.queue {
		switch {
		case p.holding.of[h.c] != h:
		case !p.deserted(h.c):
			h.since = time.Time{}
		case h.since.IsZero():
			h.since = now
		case !h.closed && now.Sub(h.since) >= p.businessWait():
			p.turnAway(h)
		}
	}
	p.endRelease()
}

// excuse keeps the heartbeat from cutting off clients whose messages are not read.
func (p *process) excuse() {
	if p.holding.stopped {
		for c := range p.clients.each() {
			c.heard()
		}
		return
	}
	for _, h := range p.holding.queue {
		if h.paused {
			h.c.heard()
		}
	}
}

// turnAway closes a client that nobody is there for. What it has sent is dropped; that
// it has gone is held if it was known.
func (p *process) turnAway(h *held) {
	p.logRarely("wait", "Gateway %s: closing clients that have waited %v for a BusinessWorker",
		p.g.Name, p.businessWait())
	h.paused = false // it is not read any more
	p.drop(h)
	h.c.conn.CloseCode(tryLater, "try again later")
}

// stopReading is for when everybody together holds too much.
func (p *process) stopReading() {
	t := &p.holding
	if t.stopped {
		return
	}
	t.stopped = true
	p.logRarely("full", "Gateway %s: %d bytes of events wait for BusinessWorkers: nothing is read "+
		"of clients until half of it is free", p.g.Name, t.bytes)
	p.g.PauseAccept()
	for conn := range p.g.Connections() {
		conn.PauseRecv()
	}
}

// goOnReading ends stopReading.
func (p *process) goOnReading() {
	t := &p.holding
	t.stopped = false
	if p.accepting {
		p.g.ResumeAccept()
	}
	for conn := range p.g.Connections() {
		if h := t.of[p.of[conn]]; h == nil || !h.paused {
			conn.ResumeRecv()
		}
	}
}
