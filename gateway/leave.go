package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/worker"
)

// leaving is the end of a process: each link is emptied in a way that its Gateway
// understands, what has come is handled, then the author's OnWorkerStop runs, and
// the links are closed. Until then a job of worker.Go keeps the drain of the
// process from closing them.
type leaving struct {
	stop  func()        // the author's OnWorkerStop
	over  chan struct{} // closed at the end
	timer eventloop.TimerID
	until time.Time // shortly before the master kills
	ended bool
}

// stage is how far one link is on its way out.
type stage uint8

const (
	staying stage = iota
	asked         // Drain was sent; events come until it is answered
	told          // it was answered: no more come
	pausing       // PHP: what has come is being handled, and sent
	halved        // PHP: our side is shut, what comes now waits for the end of the link
	quiet         // no event comes any more, and all were handled
)

// farewell is the end of one link.
type farewell struct {
	stage stage
	late  []lateArrival // PHP: came behind our last command
	shut  bool          // PHP: nothing may be written to the link any more
	aside []byte        // PHP: commands for another connection
}

type lateArrival struct {
	s *seat
	a arrival
}

// How much of the StopTimeout may be used, in percent: the drain closes every
// connection at 90, and at 100 the master kills.
const (
	leaveShare = 80 // for handlers
	asideShare = 95 // for sending what they have sent, past the loop
)

// leave begins; it is called instead of the author's OnWorkerStop, once.
func (p *business) leave(stop func()) {
	if p.leaving != nil {
		return
	}
	limit := p.b.stopTimeout()
	v := &leaving{
		stop: stop, over: make(chan struct{}), until: time.Now().Add(limit / 100 * asideShare),
	}
	p.leaving = v
	worker.Go(context.Background(), func(context.Context) (struct{}, error) {
		<-v.over // closed by finish, at the latest when the time is over
		return struct{}{}, nil
	}, nil)
	v.timer = p.loop.AddInnerTimer(limit/100*leaveShare, false, p.abandon)
	p.registers.close()
	p.queue.check()
	p.links.drain()
	for _, l := range p.links.all() {
		l.leave()
	}
	p.checkGone()
}

// leave is the first step of a link.
func (l *uplink) leave() {
	switch {
	case l.farewell.stage != staying:
	case !l.standing:
		l.farewell.stage = quiet
		l.t.drop(l)
	case !l.settled: // settle calls again
	case l.wm:
		l.farewell.stage = asked
		l.write(wire.Packet{Command: wire.Drain, Flag: wire.Scalar})
	default:
		l.farewell.stage = pausing
		l.conn.PauseRecv()
		l.t.p.checkLeft(l)
	}
}

// drained is called when a Gateway has sent its last packet.
func (l *uplink) drained() {
	if l.farewell.stage == asked {
		l.farewell.stage = told
		l.t.p.checkLeft(l)
	}
}

// checkLeft takes the next step of a link whose events are all handled.
func (p *business) checkLeft(l *uplink) {
	if p.leaving == nil {
		return
	}
	if l.under == 0 {
		switch l.farewell.stage {
		case told:
			p.links.drain()
			l.farewell.stage = quiet
			l.write(wire.Packet{Command: wire.Drained, Flag: wire.Scalar})
		case pausing:
			l.halve()
		}
	}
	p.checkGone()
}

// halve tells a PHP Gateway that nothing more comes over this link. It reads what
// was sent before, closes, and binds the clients anew; what it had sent by then
// comes before its end.
func (l *uplink) halve() {
	l.t.drain()
	l.farewell.stage, l.farewell.shut = halved, true
	l.conn.WhenSent(func(c *worker.Connection) {
		// An error says that the Gateway is gone: reading finds it out.
		_ = unix.Shutdown(c.Fd(), unix.SHUT_WR)
		c.ResumeRecv()
	})
}

// late keeps an event for the time when the link has ended: only then has the
// Gateway done everything that was sent before, and what its handler sends, over
// another connection, comes behind that.
func (l *uplink) late(s *seat, a arrival) bool {
	if l.farewell.stage != halved {
		return false
	}
	l.farewell.late = append(l.farewell.late, lateArrival{s, a})
	return true
}

// fallen is the end of a link of a process that leaves.
func (l *uplink) fallen() {
	p, f := l.t.p, &l.farewell
	halfway := f.stage == halved
	f.stage = quiet
	if p.leaving.ended {
		return
	}
	if halfway {
		l.t.open(l)
	}
	late := f.late
	f.late = nil
	for _, e := range late {
		if p.queue.limit > 1 {
			p.queue.add(e.s, e.a)
		} else {
			p.runLate(e)
		}
	}
	p.checkGone()
}

// runLate lets a panic end this event alone.
func (p *business) runLate(e lateArrival) {
	worker.Post(func() {
		p.links.gather()
		defer p.links.settle()
		p.run(e.s, &e.a)
	})
}

// checkGone looks for the end: no link brings events, and none is being handled.
func (p *business) checkGone() {
	if p.leaving == nil {
		return
	}
	for _, l := range p.links.all() {
		if l.farewell.stage != quiet || l.under > 0 {
			return
		}
	}
	p.finish()
}

// abandon is the end of the time to leave: what waits is dropped, and those who are
// at work are told by their contexts.
func (p *business) abandon() {
	waiting := 0
	for _, l := range p.links.all() {
		waiting += l.under
	}
	worker.Log("BusinessWorker: no more time to leave, and %d events are not handled", waiting)
	p.queue.drop()
	p.finish()
}

// finish ends it all.
func (p *business) finish() {
	v := p.leaving
	if v.ended {
		return
	}
	v.ended = true
	p.loop.DelTimer(v.timer)
	defer p.closeLinks() // also when it panics
	v.stop()
}

func (p *business) closeLinks() {
	p.links.drain()
	p.contexts.end()
	for _, l := range p.links.all() {
		if len(l.farewell.aside) > 0 {
			l.deliver()
		}
		l.conn.Close()
	}
	_ = p.cluster.Close() // the connections for questions; its error is always nil
	close(p.leaving.over)
}

// all are the links, for ranges in which some go.
func (t *linkTable) all() []*uplink {
	all := make([]*uplink, 0, len(t.links))
	for _, l := range t.links {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *uplink) int { return strings.Compare(a.address, b.address) })
	return all
}
