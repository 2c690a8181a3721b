package eventloop

import "time"

// TimerID names a timer of one loop; 0 is none. An id is not given twice, so an
// old one never hits a later timer.
type TimerID int64

// AddTimer calls fn after d, once or, with repeat, again d after the end of
// each run: a late or slow timer is never made up for. A d of 0 or less is the
// next turn, with repeat every turn, which keeps the loop from resting. fn runs
// on the loop goroutine. Called on the loop goroutine, in any callback.
func (l *Loop) AddTimer(d time.Duration, repeat bool, fn func()) TimerID {
	l.check("adding a timer")
	isStart := l.start.open || l.start.running
	id := l.timers.create(timer{fn: fn, every: max(d, 0), repeat: repeat, start: isStart})
	switch {
	case isStart && l.start.stopped:
		l.timers.remove(id)
	case isStart && l.start.held:
		l.start.waiting = append(l.start.waiting, id)
	default:
		l.timers.arm(id, l.clock())
	}
	return id
}

// AddInnerTimer is AddTimer for the framework's own timers: they are no start
// timers, TimerCount does not count them and DelAllTimers leaves them.
func (l *Loop) AddInnerTimer(d time.Duration, repeat bool, fn func()) TimerID {
	id := l.timers.create(timer{fn: fn, every: max(d, 0), repeat: repeat, inner: true})
	l.timers.arm(id, l.clock())
	return id
}

// DelTimer deletes a timer and reports whether it was there. A repeating timer
// may delete itself in its first run; one that runs once is gone when it runs.
// Called on the loop goroutine.
func (l *Loop) DelTimer(id TimerID) bool {
	l.check("deleting a timer")
	return l.timers.remove(id)
}

// DelAllTimers deletes all timers but the inner ones. Called on the loop
// goroutine.
func (l *Loop) DelAllTimers() {
	l.check("deleting all timers")
	l.timers.removeAll(func(t *timer) bool { return !t.inner })
}

// TimerCount is the number of timers that are waiting, held or running, the
// inner ones not counted. Called on the loop goroutine.
func (l *Loop) TimerCount() int { return l.timers.count }

// runTimers runs what was due when the turn began. Timers armed in this turn
// have a number after last.
func (l *Loop) runTimers(last uint64) {
	for {
		id := l.timers.takeDue(l.now, last)
		if id == 0 {
			return
		}
		l.fire(id)
	}
}

func (l *Loop) fire(id TimerID) {
	t := *l.timers.find(id) // a copy: the callback may move the slab
	if !t.repeat {
		l.timers.remove(id)
	}
	l.start.running = t.start
	l.guard(t.fn)
	l.start.running = false
	if t.repeat && l.timers.find(id) != nil {
		l.timers.arm(id, l.clock())
	}
}

// timeout is how long the driver may wait in milliseconds. It is rounded up: a
// timer that is woken too early would only cost a turn.
func (l *Loop) timeout() int {
	const longest = time.Duration(1<<31-1) * time.Millisecond
	if l.advance.moving() {
		return 0
	}
	next, ok := l.timers.next()
	if !ok {
		return -1
	}
	left := min(next-l.clock(), longest)
	return max(int((left+time.Millisecond-1)/time.Millisecond), 0)
}
