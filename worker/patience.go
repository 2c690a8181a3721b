package worker

import (
	"slices"
	"time"

	"github.com/workerman-go/wm/eventloop"
)

// A protocol that is protocol.Patient has peers that begin a message and do not
// go on. No connection has a timer for that: only those with an unfinished
// message are in a list, which is looked through once a second and is empty when
// messages arrive whole. Time is counted in looks, so that nobody is late because
// this process was.

const (
	defaultRequestTimeout = 60 * time.Second
	// lookInterval is how often the list is looked through, or four times in a
	// shorter Limits.RequestTimeout.
	lookInterval = time.Second
	// idleLooks is how often a connection is seen idle in Limits.IdleTimeout.
	idleLooks = 4
)

// patience is with the connections of one Worker in one process.
type patience struct {
	begun   []begun
	late    []*Connection // kept between looks for its room
	slow    []slow
	stalled []*Connection // as late
	timer   eventloop.TimerID
	idle    eventloop.TimerID
}

// begun is a message that has begun to come.
type begun struct {
	c     *Connection
	read  uint64 // BytesRead at the last look
	looks int    // in which the head was not complete, or nothing of the body had come
	body  bool
}

// unfinished is called when what was read ends with rest bytes of a message, or
// when the protocol may have taken some.
func (c *Connection) unfinished(rest int) {
	c.flags &^= skipped
	w := c.Worker
	if c.codec.patient == nil || w == nil || c.flags&listed != 0 || c.held() {
		return
	}
	interval, most := w.looks()
	if most == 0 || rest == 0 && !c.midway() {
		return
	}
	c.flags |= listed
	c.flags &^= anew
	p := &w.patience
	p.begun = append(p.begun, begun{c: c})
	w.lookEvery(interval)
}

// lookEvery has look called, as long as somebody is in a list.
func (w *Worker) lookEvery(interval time.Duration) {
	if p := &w.patience; p.timer == 0 {
		p.timer = w.p.loop.AddInnerTimer(interval, true, w.look)
	}
}

// looks is Limits.RequestTimeout as a number of looks; 0 is no limit.
func (w *Worker) looks() (interval time.Duration, most int) {
	d := w.Limits.RequestTimeout
	switch {
	case d < 0:
		return 0, 0
	case d == 0:
		d = defaultRequestTimeout
	}
	interval = max(min(lookInterval, d/4), time.Millisecond)
	return interval, int((d + interval - 1) / interval)
}

// look ends the connections whose peers were given time enough.
func (w *Worker) look() {
	p := &w.patience
	_, most := w.looks()
	p.begun = slices.DeleteFunc(p.begun, func(b begun) bool { return !b.c.unfinishedStill() })
	for i := range p.begun {
		b := &p.begun[i]
		if b.look(); b.looks > most {
			p.late = append(p.late, b.c)
		}
	}
	p.lookSlow(most)
	if len(p.begun)+len(p.slow) == 0 {
		w.p.loop.DelTimer(p.timer)
		p.timer, p.begun, p.slow = 0, nil, nil
	}
	for i, c := range p.late { // calls authors, who may do anything
		if p.late[i] = nil; Status(c.status) == Established {
			c.reject(c.late())
		}
	}
	p.late = p.late[:0]
	p.cutStalled()
}

// unfinishedStill says that c belongs into the list; otherwise it may come again.
func (c *Connection) unfinishedStill() bool {
	if Status(c.status) == Established && c.codec.patient != nil && (c.in != nil || c.midway()) {
		return true
	}
	c.flags &^= listed
	return false
}

// look counts another look in which the peer is to blame: a head has one time
// for all its bytes, so that one byte now and then does not help; a body has to
// go on.
func (b *begun) look() {
	c, body := b.c, b.c.midway()
	goesOn := body && (!b.body || c.BytesRead != b.read)
	if b.looks++; goesOn || c.flags&anew != 0 || c.held() {
		b.looks = 0
	}
	c.flags &^= anew
	b.body, b.read = body, c.BytesRead
}

// lookIdle closes the connections on which nothing has come, and nothing was
// under way, for Limits.IdleTimeout.
func (w *Worker) lookIdle() {
	for c := range w.conns.each {
		switch {
		case c.codec.patient == nil || c.flags&(prefaced|opening) != 0 || !c.rests() || c.unsent():
			c.idle = 0
		case c.idle < idleLooks:
			c.idle++
		default:
			c.readable(eventloop.Readable) // its next request may just have come
			if c.idle > 0 && c.rests() {
				c.Close()
			}
		}
	}
	if w.conns.len() == 0 {
		w.p.loop.DelTimer(w.patience.idle)
		w.patience.idle = 0
	}
}

// watchIdle begins to look, when there is somebody to look at.
func (w *Worker) watchIdle() {
	if d := w.Limits.IdleTimeout; d > 0 && w.patience.idle == 0 {
		interval := max(d/idleLooks, time.Millisecond)
		w.patience.idle = w.p.loop.AddInnerTimer(interval, true, w.lookIdle)
	}
}
