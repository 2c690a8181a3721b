package worker

import (
	"math"
	"time"

	"github.com/workerman-go/wm/eventloop"
)

// A process that is replaced closes its websockets one after another: their
// clients come back at once, and all of them together would be a storm for the
// processes that take over, and for what is behind them.

const (
	defaultDrainRate = 2000 // closes a second, of all processes of a Worker
	// longestPace bounds the time that Life.DrainRate takes: with more connections
	// the rate is higher.
	longestPace = 20 * time.Second
	// paceSweep is how often those that are due are closed.
	paceSweep = 5 * time.Millisecond
	// paceCredit is for how long the rate is made up for where a sweep was late:
	// in no span of time are there more closes than its share and that of so long.
	paceCredit = 2 * paceSweep
	// paceStraggle is for how long nobody could be closed, all being in the middle
	// of a message, when others begin with theirs.
	paceStraggle = time.Second
	// paceLook is how many connections one sweep looks at, most of which may be in
	// the middle of a message.
	paceLook = 1024
)

// pace is how a drain spreads its closes.
type pace struct {
	rate   float64 // closes a second; 0: all at once
	length time.Duration
	inLine bool // waits for Turn
	over   bool // and has said so
	timer  eventloop.TimerID

	credit float64   // closes that are due
	paid   time.Time // up to when they are in credit
	closed time.Time // the last one

	set     int    // index in Process.workers: where the next sweep goes on
	next    uint64 // the first id there that has not had its turn
	waiting int    // had theirs in this round, and are in the middle of a message
}

// Pace says, after Leave, what the next Drain is: that of a process which is
// replaced, by a reload or a renewal, or that of a stop. Protocols with a farewell
// tell their peers so (a websocket closes with 1012 or 1001), and where the process
// is replaced their connections are closed at Life.DrainRate. It returns how long
// that takes: 0 where there is none to close so, or all are closed at once, and in a
// graceful drain, which closes none.
func (p *Process) Pace(replaced, graceful bool) time.Duration {
	d, life := &p.drain, p.w.Life
	p.loop.DelTimer(d.pace.timer)
	d.replaced, d.pace = replaced, pace{}
	p.published.rate.Store(0)
	p.published.inLine.Store(false)
	if !replaced || graceful || life.StopFirst || life.DrainRate < 0 {
		return 0
	}
	d.pace.credit = math.Inf(1) // as much as there can be
	return p.measure()
}

// StandInLine says, after Pace, that other processes of the Worker still close
// their connections one after another: this one begins when Turn is called. It
// returns how long it takes from then.
func (p *Process) StandInLine() time.Duration {
	pc := &p.drain.pace
	if pc.rate == 0 {
		return 0
	}
	pc.inLine, pc.credit = true, 0 // who was before has had the credit
	p.published.inLine.Store(true)
	return p.measure()
}

// Turn ends StandInLine, and returns how long the closes take: connections that
// have ended meanwhile need no time.
func (p *Process) Turn() time.Duration {
	pc := &p.drain.pace
	if !pc.inLine {
		return 0
	}
	pc.inLine = false
	p.published.inLine.Store(false)
	if p.measure() == 0 {
		p.turnOver()
	}
	if p.drain.closing {
		p.beginPace()
	}
	return pc.length
}

// measure sets the rate and the length for the connections that there are.
func (p *Process) measure() time.Duration {
	pc, n := &p.drain.pace, p.farewells()
	if n == 0 {
		pc.rate, pc.length = 0, 0
		return 0
	}
	rate := float64(positive(p.w.Life.DrainRate, defaultDrainRate)) / float64(max(1, p.w.Count))
	pc.rate = max(rate, n/longestPace.Seconds())
	pc.credit = min(pc.credit, pc.most()) // the first sweep spends it
	late := max(0, n-pc.credit)
	pc.length = max(paceSweep, time.Duration(late/pc.rate*float64(time.Second)))
	return pc.length
}

// farewells is how many connections there are to close one after another.
func (p *Process) farewells() float64 {
	n := 0
	for _, w := range p.workers {
		for c := range w.conns.each {
			if c.codec.tells() {
				n++
			}
		}
	}
	return float64(n)
}

// tells says that the peer hears the end of its connection as its last word and
// not before.
func (k *codec) tells() bool { return k.farewell != nil && k.leave == nil }

// queues says that the connection waits for its turn to be closed. One whose
// handshake is not done has nobody to tell.
func (c *Connection) queues() bool {
	return c.p.drain.pace.rate > 0 && c.codec.tells() && c.opened()
}

// most is how much credit there can be.
func (pc *pace) most() float64 { return max(1, pc.rate*paceCredit.Seconds()) }

// beginPace begins to close, if the drain has a pace, unless it is to wait for its
// turn. The time of all connections begins with that.
func (p *Process) beginPace() {
	pc, now := &p.drain.pace, p.loop.Now()
	if pc.inLine {
		return
	}
	// Shortly before the master would kill: OnClose is promised.
	p.cutOffIn(pc.length + p.stopTimeout()*9/10)
	if pc.rate == 0 || pc.timer != 0 {
		return
	}
	p.published.rate.Store(max(1, int64(pc.rate)))
	pc.paid, pc.closed = now, now
	pc.timer = p.loop.AddInnerTimer(paceSweep, true, p.sweepPaced)
	p.sweepPaced()
}

// turnOver says once that nobody is left to be closed in turn.
func (p *Process) turnOver() {
	if pc := &p.drain.pace; !pc.over && p.env.TurnOver != nil {
		pc.over = true
		p.env.TurnOver()
	}
}

// sweepPaced closes as many connections as are due. Who is in the middle of a
// message has another turn when all others had theirs.
func (p *Process) sweepPaced() {
	pc, now := &p.drain.pace, p.loop.Now()
	pc.credit = min(pc.most(), pc.credit+pc.rate*now.Sub(pc.paid).Seconds())
	pc.paid = now
	for looked := 0; pc.credit >= 1 && looked < paceLook; looked++ {
		c := p.nextPaced()
		if c == nil {
			p.endRound(now)
			return
		}
		if !c.queues() || Status(c.status) != Established {
			continue
		}
		if c.retire(); Status(c.status) == Established {
			pc.waiting++
		} else {
			pc.credit--
			pc.closed = now
		}
	}
}

// endRound looks for the end of the turn when all connections had theirs.
func (p *Process) endRound(now time.Time) {
	pc := &p.drain.pace
	if pc.waiting == 0 || now.Sub(pc.closed) >= paceStraggle {
		p.turnOver()
	}
	pc.waiting = 0
}

// nextPaced returns the connection whose turn it is; nil at the end, after which
// it begins anew.
func (p *Process) nextPaced() *Connection {
	pc := &p.drain.pace
	for ; pc.set < len(p.workers); pc.set++ {
		set := &p.workers[pc.set].conns
		for i := set.from(pc.next); i < len(set.list); i++ {
			if c := set.list[i]; c != nil {
				pc.next = set.ids[i] + 1
				return c
			}
		}
		pc.next = 0
	}
	pc.set = 0
	return nil
}
