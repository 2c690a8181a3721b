package worker

import (
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
	// paceLook is how many connections one sweep looks at, most of which may be in
	// the middle of a message.
	paceLook = 1024
)

// pace is how a drain spreads its closes.
type pace struct {
	rate   float64 // closes a second; 0: all at once
	length time.Duration
	credit float64   // closes that are due
	paid   time.Time // up to when they are in credit
	timer  eventloop.TimerID

	set  int    // index in Process.workers: where the next sweep goes on
	next uint64 // the first id there that has not had its turn
}

// Pace says, after Leave, what the next Drain is: that of a process which is
// replaced, by a reload or a renewal, or that of a stop. Protocols with a farewell
// tell their peers so (a websocket closes with 1012 or 1001), and where the process
// is replaced their connections are closed at Life.DrainRate. It returns how long
// that takes: 0 where all are closed at once, and in a graceful drain, which closes
// none.
func (p *Process) Pace(replaced, graceful bool) time.Duration {
	d, life := &p.drain, p.w.Life
	p.loop.DelTimer(d.pace.timer)
	d.replaced, d.pace = replaced, pace{}
	p.published.rate.Store(0)
	if !replaced || graceful || life.StopFirst || life.DrainRate < 0 {
		return 0
	}
	n := p.farewells()
	rate := float64(positive(life.DrainRate, defaultDrainRate)) / float64(max(1, p.w.Count))
	d.pace.rate = max(rate, n/longestPace.Seconds())
	late := max(0, n-d.pace.most()) // for the first sweep
	d.pace.length = time.Duration(late / d.pace.rate * float64(time.Second))
	return d.pace.length
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

// beginPace begins to close, if the drain has a pace.
func (p *Process) beginPace() {
	pc := &p.drain.pace
	if pc.rate == 0 || pc.timer != 0 {
		return
	}
	p.published.rate.Store(max(1, int64(pc.rate)))
	pc.credit, pc.paid = pc.most(), p.loop.Now()
	pc.timer = p.loop.AddInnerTimer(paceSweep, true, p.sweepPaced)
	p.sweepPaced()
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
			return
		}
		if !c.queues() || Status(c.status) != Established {
			continue
		}
		if c.retire(); Status(c.status) != Established {
			pc.credit--
		}
	}
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
