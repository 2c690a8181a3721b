package gateway

import (
	"bytes"
	"net/netip"
	"slices"
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
	gone    map[uint32]*client // those of them that have gone, by number
	queue   []*held            // in the order in which they began to wait
	bytes   int                // of all
	timer   eventloop.TimerID
	stopped bool // nothing is read of those whose events would be held too

	releasing bool
}

// held is what waits of one client, in order.
type held struct {
	c        *client
	returned []heldEvent // by its BusinessWorker, which leaves: in front of events
	events   []heldEvent
	bytes    int
	paused   bool
	closed   bool           // the client has gone, its OnClose is the last event
	since    time.Time      // when it began to wait without any BusinessWorker
	from     netip.AddrPort // of a client that has no connection any more
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
	p.count(h, len(body))
	if what == wire.OnClose {
		p.closeHeld(h)
	}
	switch {
	case h.closed:
		if c.link == nil && !h.tells() {
			p.drop(h)
		}
	case p.businessWait() == 0 && p.deserted(c):
		p.turnAway(h)
	}
	p.bound(h)
}

// count adds an event to what is held.
func (p *process) count(h *held, body int) {
	p.weigh(h, heldBytes+body)
}

func (p *process) weigh(h *held, bytes int) {
	h.bytes += bytes
	p.holding.bytes += bytes
}

// closeHeld says that nothing more comes of a client.
func (p *process) closeHeld(h *held) {
	t := &p.holding
	if t.gone == nil {
		t.gone = make(map[uint32]*client)
	}
	h.closed = true
	t.gone[h.c.id] = h.c
	p.weigh(h, goneBytes) // until drop
}

// bound stops reading of one who has as much as may be held, and of all.
func (p *process) bound(h *held) {
	if !h.closed && !h.paused && h.bytes >= positive(p.g.HoldPerClient, defaultHoldPerClient) {
		h.paused = true
		h.c.conn.PauseRecv()
	}
	switch l := h.c.link; {
	case p.holding.bytes < positive(p.g.HoldBytes, defaultHoldBytes) && !p.holding.stopped:
	case !p.holding.stopped:
		p.stopReading()
	case l != nil && !l.stuck: // it has just become so
		p.readSome()
	case h.c.conn != nil:
		h.c.conn.PauseRecv()
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
	going := slices.Clone(t.queue)
	for len(going) > 0 {
		going = slices.DeleteFunc(going, func(h *held) bool {
			return t.of[h.c] != h || !p.releaseSome(h)
		})
	}
	p.endRelease()
}

// releaseAtOnce is how many events of a client go out before one of the next: who
// waits with much is not to be handled before all others.
const releaseAtOnce = 4

// releaseSome is release for one client; true: it has more that can go.
func (p *process) releaseSome(h *held) bool {
	if len(h.returned) > 0 {
		if !h.c.link.gone { // more may come back
			return false
		}
		h.events, h.returned = append(h.returned, h.events...), nil
	}
	for n := 0; len(h.events) > 0; n++ {
		if n == releaseAtOnce {
			return true
		}
		e := h.events[0]
		if !p.deliver(h.c, e.what, e.flag, e.body) {
			return false
		}
		h.events[0] = heldEvent{}
		h.events = h.events[1:]
		h.bytes -= heldBytes + len(e.body)
		p.holding.bytes -= heldBytes + len(e.body)
	}
	p.drop(h)
	return false
}

// drop ends the holding of a client and reads on.
func (p *process) drop(h *held) {
	t := &p.holding
	if t.of[h.c] != h {
		return
	}
	delete(t.of, h.c)
	if t.gone[h.c.id] == h.c {
		delete(t.gone, h.c.id)
	}
	t.bytes -= h.bytes
	h.events, h.returned, h.bytes = nil, nil, 0
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
		case h.closed && h.c.link != nil: // somebody knew it, and is told when he is back
		case now.Sub(h.since) >= p.businessWait():
			p.turnAway(h)
		}
	}
	p.endRelease()
	if p.holding.stopped {
		p.readSome()
	}
}

// excuse keeps the heartbeat from cutting off clients whose messages are not read.
func (p *process) excuse() {
	if p.holding.stopped {
		for c := range p.clients.each() {
			if !p.flows(c) {
				c.heard()
			}
		}
		return
	}
	for _, h := range p.holding.queue {
		if h.paused {
			h.c.heard()
		}
	}
}

// turnAway closes a client that nobody is there for, or forgets one that has left by
// itself. What it has sent is dropped; that it has gone is held if it was known.
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
	t.stopped = true
	p.logRarely("full", "Gateway %s: %d bytes of events wait for BusinessWorkers: nothing is read "+
		"of clients whose BusinessWorker takes none, until half of it is free", p.g.Name, t.bytes)
	p.readSome()
}

// readSome reads, while others have to wait, of clients whose events go out at once:
// a BusinessWorker that hangs is not to hold up the clients of the others. New ones are
// for these too.
func (p *process) readSome() {
	for _, l := range p.links.list {
		l.stuck = !l.takes()
	}
	if p.accepting && p.links.take() {
		p.g.ResumeAccept()
	} else {
		p.g.PauseAccept()
	}
	for conn := range p.g.Connections() {
		if c := p.of[conn]; c != nil && p.flows(c) {
			conn.ResumeRecv()
		} else {
			conn.PauseRecv()
		}
	}
}

// take says that there is a link that events can go out over.
func (t *links) take() bool { return slices.ContainsFunc(t.list, (*Link).takes) }

// flows says that what a client sends goes out at once.
func (p *process) flows(c *client) bool {
	switch l := c.link; {
	case p.holding.of[c] != nil:
		return false
	case l != nil && !l.gone:
		return l.takes()
	}
	return p.links.take()
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
