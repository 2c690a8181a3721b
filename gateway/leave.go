package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

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
	hurry eventloop.TimerID
	until time.Time // shortly before the master kills
	ended bool
}

// stage is how far one link is on its way out.
type stage uint8

const (
	staying   stage = iota
	asked           // Drain was sent; events come until it is answered, and wait
	giving          // it was answered: no more come; those that wait go back
	told            // those that have begun, or did not go back, are being handled
	offered         // all is done; the Gateway says who handles what went back
	finishing       // PHP: what has come is being handled, and what still comes
	asking          // PHP: it was asked whether it has everything; what comes waits
	switched        // PHP: it has, and all else is sent over another connection
	halved          // PHP: our side is shut; it reads that, and closes
	quiet           // no event comes any more, and all were handled
)

// farewell is the end of one link.
type farewell struct {
	stage stage
	kept  []waiting // that have not begun
	gave  bool      // some have gone back

	// Of a link to PHP, see leavephp.go.
	shut  bool               // nothing may be written to the link any more
	sure  bool               // all that was written to it is done
	side  *worker.Connection // for what comes behind that; nil: it does not stand
	aside []byte             // that waits for both
}

// waiting is an event that waits.
type waiting struct {
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
	v.hurry = p.loop.AddInnerTimer(limit/100*hurryShare, true, p.hurry)
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
		l.farewell.kept = l.t.p.queue.take(l)
		l.write(wire.Packet{Command: wire.Drain, Flag: wire.Scalar})
	default:
		l.farewell.stage = finishing
		l.t.p.loop.Post(l.openSide) // behind the first look of the drain
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
			if l.farewell.stage = quiet; l.farewell.gave {
				l.farewell.stage = offered
			}
			l.write(wire.Packet{Command: wire.Drained, Flag: wire.Scalar})
		case finishing:
			if l.farewell.side != nil {
				l.ask()
			}
		case switched:
			l.halve()
		}
	}
	p.checkGone()
}

// fallen is the end of a link of a process that leaves.
func (l *uplink) fallen() {
	p, f := l.t.p, &l.farewell
	f.stage = quiet
	if p.leaving.ended {
		return
	}
	if f.shut {
		f.sure = true
		l.t.open(l)
		l.passAside()
	}
	l.begin()
	p.checkGone()
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

// abandon is the end of the time to leave: what waits goes back where it can, and
// those who are at work are told by their contexts.
func (p *business) abandon() {
	under, back := 0, 0
	for _, l := range p.links.all() {
		back += l.giveRest()
		under += l.under
	}
	worker.Log("BusinessWorker: no more time to leave, and %d events are not handled; "+
		"%d have gone back to their Gateways", under, back)
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
	p.loop.DelTimer(v.hurry)
	defer p.closeLinks() // also when it panics
	v.stop()
}

func (p *business) closeLinks() {
	p.links.drain()
	p.contexts.end()
	for _, l := range p.links.all() {
		l.endSide()
		l.conn.End() // an answer that still comes must not reset what was sent
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
