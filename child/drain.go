package child

import (
	"fmt"
	"time"

	"github.com/workerman-go/wm/ipc"
)

const (
	// defaultStopTimeout is for a process that was told to stop by a signal
	// and has no time-out of its own.
	defaultStopTimeout = 10 * time.Second
	// waitingPatience is how long the loop may take at most to say what it
	// waits for; one that is blocked in a callback is described instead.
	waitingPatience = 100 * time.Millisecond
)

// departure is one order to leave.
type departure struct {
	graceful bool          // waits for its connections without a limit
	restart  bool          // others go on serving, see worker.Process.Pace
	inLine   bool          // until the master gives it its turn, see ipc.Drain
	within   time.Duration // then somebody ends the process
	enforced bool          // the harness does; otherwise the master
	answer   bool          // the master waits for yielded
	code     int           // exit status
}

// leaving is what became of the orders so far. Owned by the harness goroutine.
type leaving struct {
	begun    bool
	graceful bool
	restart  bool
	code     int
	within   time.Duration    // of the last order
	over     time.Time        // when limit comes; zero for never
	patience time.Duration    // with the loop, after warn
	warn     <-chan time.Time // time to say what is waited for
	limit    <-chan time.Time // time to end the process
}

// onDrain begins to leave by order of the master, who kills a late process.
func (p *process) onDrain(m *ipc.Drain) {
	p.leave(departure{
		graceful: m.Graceful, restart: m.Restart, inLine: m.InLine, within: m.Timeout,
		answer: true,
	})
}

// onTurn ends the wait of a process that stands in line: its time begins.
func (p *process) onTurn() {
	l := &p.leaving
	if !l.restart || l.within <= 0 {
		return // a stop has come first
	}
	l.warn = time.After(l.within * 4 / 5)
	p.loop.Post(func() {
		p.inLine.Store(false)
		p.pacing.Store(int64(p.served.Load().Turn()))
	})
}

// leave makes the process leave, or leave sooner than it was going to. It
// never becomes graceful again, nor a restart.
func (p *process) leave(d departure) {
	l := &p.leaving
	drain := !l.begun || l.graceful && !d.graceful || l.restart && !d.restart
	l.schedule(d)
	if l.begun {
		d.graceful, d.restart = l.graceful && d.graceful, l.restart && d.restart
	}
	l.begun, l.graceful, l.restart = true, d.graceful, d.restart
	if d.code != ipc.ExitDone {
		l.code = d.code
	}
	p.loop.Post(func() { p.depart(d, drain) })
}

// schedule sets the alarms of an order.
func (l *leaving) schedule(d departure) {
	if d.graceful || d.within <= 0 {
		return
	}
	l.within, l.warn = d.within, time.After(d.within*4/5)
	l.patience = min(waitingPatience, d.within/10)
	over := time.Now().Add(d.within)
	if d.enforced && (l.over.IsZero() || over.Before(l.over)) {
		l.over, l.limit = over, time.After(d.within)
	}
}

// depart runs on the loop. Yielded goes out before the drain begins, because
// OnWorkerStop may take its time and the seat is wanted.
func (p *process) depart(d departure, drain bool) {
	served := p.served.Load()
	if !p.left {
		p.left = true
		served.Leave()
	}
	var pacing time.Duration
	if drain {
		pacing = served.Pace(d.restart, d.graceful)
		if d.inLine {
			pacing = served.StandInLine()
		}
		p.inLine.Store(d.inLine && pacing > 0)
		p.pacing.Store(int64(pacing))
	}
	if d.answer {
		p.out.send(&ipc.Yielded{Pacing: pacing})
	}
	if d.code != ipc.ExitDone {
		p.code = d.code
	}
	if drain {
		p.loop.Post(func() { served.Drain(d.graceful) })
	}
}

// onWarning has sayWaiting called, when what was planned to take its time has
// taken it. In line there is nothing to tell.
func (p *process) onWarning() {
	if p.inLine.Load() {
		return // onTurn sets the alarm anew
	}
	if pacing := time.Duration(p.pacing.Swap(0)); pacing > 0 {
		p.leaving.warn = time.After(pacing)
		return
	}
	go p.sayWaiting(p.leaving.patience) // ends within waitingPatience
}

// sayWaiting tells the master what a late drain waits for.
func (p *process) sayWaiting(patience time.Duration) {
	said := make(chan string, 1)
	p.loop.Post(func() { said <- p.served.Load().Waiting() })
	select {
	case text := <-said:
		p.out.send(&ipc.Waiting{Text: text})
	case <-time.After(patience):
		text := fmt.Sprintf("busy %.1f s in a callback", p.busy().Seconds())
		p.out.send(&ipc.Waiting{Text: text})
	}
}

// waitsFor is what the process waits for, for status; empty when it does not
// leave. Unlike sayWaiting it does not ask the loop.
func (p *process) waitsFor() string {
	if !p.leaving.begun {
		return ""
	}
	served, busy := p.served.Load(), p.busy()
	switch {
	case served == nil:
		return "Start to return"
	case busy >= waitingPatience:
		return fmt.Sprintf("a callback (%.1f s so far), then %s", busy.Seconds(), served.Waiting())
	}
	return served.Waiting()
}

// stopTimeout is for a stop that the master did not order.
func (p *process) stopTimeout() time.Duration {
	if d := p.told.Spec.StopTimeout; d > 0 {
		return d
	}
	return defaultStopTimeout
}

// endNow ends a process whose time is over, whatever its loop does.
func (p *process) endNow() {
	p.sayGoodbye(p.leaving.code)
	p.end(p.leaving.code)
}
