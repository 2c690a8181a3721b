package eventloop

// startGroup knows the start timers: those added in OnWorkerStart and, for
// ever after, by their callbacks. While two generations of a process overlap
// only one of them may run its start timers.
type startGroup struct {
	open    bool // between BeginStart and EndStart
	running bool // the callback of a start timer is running
	held    bool
	stopped bool
	waiting []TimerID // held timers in the order of adding
}

// BeginStart makes timers added from now on start timers. When held is true
// they exist but do not run before ReleaseStartTimers. Called on the loop
// goroutine.
func (l *Loop) BeginStart(held bool) {
	l.start.open, l.start.held = true, held
}

// EndStart ends what BeginStart began. Called on the loop goroutine.
func (l *Loop) EndStart() { l.start.open = false }

// ReleaseStartTimers lets the held start timers begin: the first run of each is
// its interval from now. Called on the loop goroutine.
func (l *Loop) ReleaseStartTimers() {
	now := l.clock()
	for _, id := range l.start.waiting {
		if l.timers.find(id) != nil {
			l.timers.arm(id, now)
		}
	}
	l.start.held, l.start.waiting = false, nil
}

// StopStartTimers deletes all start timers; one that its running callback, or
// an unfinished start, adds later is deleted at once. Called on the loop
// goroutine.
func (l *Loop) StopStartTimers() {
	l.start.stopped, l.start.waiting = true, nil
	l.timers.removeAll(func(t *timer) bool { return t.start })
}
