package worker

import "time"

// defaultStopTimeout is how long a process may take to leave.
const defaultStopTimeout = 10 * time.Second

// StopAll ends this worker process with a status and a line for the log, and
// the master puts another one in its place. The process leaves in order: it
// stops accepting, runs OnWorkerStop, finishes what is under way, closes its
// connections, and ends when none is left, or after the StopTimeout. Called on
// the loop goroutine; it returns at once.
func StopAll(code int, log string) {
	p := current.Load()
	if p == nil {
		return
	}
	p.own("StopAll")
	d := &p.drain
	if d.exiting {
		return
	}
	d.exiting, d.code, d.why = true, code, log
	p.flushAll()
	p.loop.Post(func() {
		if d.pace.inLine {
			p.Pace(false, false) // its time is short
		}
		p.Drain(false)
		p.loop.AddInnerTimer(p.stopTimeout(), false, p.end)
	})
}

func (p *Process) stopTimeout() time.Duration {
	longest := time.Duration(0)
	for w := range p.members {
		longest = max(longest, w.Life.StopTimeout)
	}
	for _, d := range []time.Duration{longest, Settings.StopTimeout} {
		if d > 0 {
			return d
		}
	}
	return defaultStopTimeout
}
