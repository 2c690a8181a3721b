package eventloop

import (
	"sync/atomic"
	"time"
)

// advance is a clock that can be moved on. Owned by the loop, but for what the
// clock itself reads.
type advance struct {
	real   clock
	ahead  atomic.Int64 // of real, while the clock runs
	stands atomic.Int64 // the time while the clock is moved on; 0: it runs
	goal   time.Duration
	done   func()
}

// leastAdvance is a step past timers that are due in every turn.
const leastAdvance = time.Millisecond

// AllowAdvance makes Advance possible; in a service the clock is that of the
// system. For the test kit; called before Run and before the clock is used.
func (l *Loop) AllowAdvance() {
	a := &advance{real: l.clock}
	l.clock, l.advance = a.read, a
}

// Advance moves the clock of the loop on by d without waiting: from one timer
// to the next, each moment with a turn of its own in which Now is that moment,
// so that timers run in order and repeating ones several times. Descriptors
// keep real time: they are looked at once in each of these turns. done is called
// on the loop when it is over; there is one Advance at a time. Called on the
// loop goroutine, after AllowAdvance.
func (l *Loop) Advance(d time.Duration, done func()) {
	a := l.advance
	now := l.clock()
	a.stands.Store(int64(now))
	a.goal, a.done = now+max(d, 0), done
}

// moving says that the clock is being moved on. A loop that cannot has none.
func (a *advance) moving() bool { return a != nil && a.goal != 0 }

// read is the clock. Any goroutine.
func (a *advance) read() time.Duration {
	if at := a.stands.Load(); at != 0 {
		return time.Duration(at)
	}
	return a.real() + time.Duration(a.ahead.Load())
}

// step chooses the moment of the turn that begins.
func (a *advance) step(timers *timerSet) {
	now := time.Duration(a.stands.Load())
	if now >= a.goal {
		a.end(now)
		return
	}
	next, found := timers.next()
	if found && next <= now {
		next = now + leastAdvance
	}
	if !found || next > a.goal {
		next = a.goal
	}
	a.stands.Store(int64(next))
}

// end lets the clock run again from where it stands.
func (a *advance) end(now time.Duration) {
	done := a.done
	a.goal, a.done = 0, nil
	a.ahead.Store(int64(now - a.real()))
	a.stands.Store(0)
	done()
}

// lead is how far now is ahead of the system's clock.
func (a *advance) lead(now time.Duration) time.Duration {
	if a == nil {
		return 0
	}
	return now - a.real()
}
