package eventloop

import "time"

// anchorAge is how old the wall clock reading behind Now may be: a change of
// the system time shows after it.
const anchorAge = time.Second

// clock reads monotonic time since the loop was made, never 0. Any goroutine.
type clock func() time.Duration

// monotonic makes the clock of a loop. time.Since on a monotonic base reads one
// clock where time.Now reads two, which counts once per turn.
func monotonic() clock {
	base := time.Now()
	return func() time.Duration { return time.Since(base) + 1 }
}

// anchor ties the loop's clock to the calendar.
type anchor struct {
	wall time.Time
	at   time.Duration
}

// tick reads the clock for a new turn.
func (l *Loop) tick() {
	if l.advance.moving() {
		l.advance.step(&l.timers)
	}
	l.now = l.clock()
	if l.wall.wall.IsZero() || l.now-l.wall.at >= anchorAge {
		l.wall = anchor{wall: time.Now().Add(l.advance.lead(l.now)), at: l.now}
	}
}

// Now is the time at which this turn began, with its monotonic part: cheap, and
// the same for all callbacks of a turn. Called on the loop goroutine.
func (l *Loop) Now() time.Time { return l.wall.wall.Add(l.now - l.wall.at) }

// Busy says how long the present turn has lasted, 0 while the loop waits for
// events. Any goroutine.
func (l *Loop) Busy() time.Duration {
	began := l.stamp.Load()
	if began == 0 {
		return 0
	}
	return max(l.clock()-time.Duration(began), 1)
}
