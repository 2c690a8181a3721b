package supervisor

import (
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// Backoff between early ends of one slot.
const (
	backoffFirst  = 100 * time.Millisecond
	backoffMost   = 30 * time.Second
	backoffJitter = 0.2
	stableAfter   = 10 * time.Second // a longer life forgets earlier crashes
	suspectExit   = time.Second      // an exit 0 sooner than this is a crash too

	// essentialTries is how many early ends of one slot in a row end the
	// service; the pauses between them are about 13 s together.
	essentialTries = 8
)

// onExit notes the wait word; finishDead goes on when the pipes of the
// process are read to their ends.
func (s *Supervisor) onExit(x exit) {
	e := &ended{status: x.status, at: s.sys.now()}
	if p := s.byPID[x.pid]; p != nil {
		p.ended = e
	} else if s.probe != nil && s.probe.pid == x.pid {
		s.probe.ended = e
	} else if s.watcher.pid == x.pid {
		s.watcher.ended = e
	} else if u := s.upgrade; u != nil && u.child != nil && u.child.pid == x.pid {
		u.child.ended = e
	}
}

// finishDead takes the dead out of their slots once their last messages and
// last words have arrived.
func (s *Supervisor) finishDead(now time.Time) {
	for _, p := range s.byPID {
		if p.ended == nil {
			continue
		}
		pipesDone := p.linkGone && p.words.ended()
		if pipesDone || !now.Before(p.ended.at.Add(pipeTimeout)) {
			s.finish(p)
		}
	}
}

// finish accounts for one end and frees its seat.
func (s *Supervisor) finish(p *process) {
	early := p.early()
	p.finished = true
	p.link.close()
	unix.Close(p.pidfd)
	delete(s.byLink, p.link)
	delete(s.byPID, p.pid)
	s.shown(p.slot.unit).count(p)
	s.logEnd(p)
	s.forgetCollects(p)
	if !p.goodbye {
		s.kick(p)
	}
	held := p.slot.current == p
	if held && !p.readyAt.IsZero() && p.ended.at.Sub(p.started) >= stableAfter {
		p.slot.crashes = 0
	}
	p.slot.forget(p)
	switch {
	case s.alone != nil:
		s.endAlone(p)
	case early && p.toldAt.IsZero():
		p.step(crashed)
		s.onEarlyEnd(p, held)
	case p.toldAt.IsZero():
		p.step(exited)
	default:
		p.step(exited)
		s.tellStopped(p)
		if !p.yielded && s.gen != nil {
			s.dropUnused() // the socket that it has held until now
		}
	}
}

// onEarlyEnd decides what a crash means: the end of the start or the reload
// that it belongs to, or a pause before the next try.
func (s *Supervisor) onEarlyEnd(p *process, held bool) {
	if held {
		p.slot.backOff(p, s.sys.now())
		s.giveUp(p.slot)
	}
	if s.phase == filling {
		s.failStart(fmt.Errorf("%s was not ready: %s", p.slot.label(), p.reason()))
	}
	if s.roll != nil && s.roll.started(p) {
		s.roll.fail(fmt.Sprintf("%s was not ready: %s", p.slot.label(), p.reason()))
	}
}

// early tells whether the end counts as a crash (design, Backoff).
func (p *process) early() bool {
	lived := p.ended.at.Sub(p.started)
	switch {
	case p.readyAt.IsZero():
		return true
	case p.ended.status != 0:
		return lived < stableAfter
	}
	return lived < suspectExit
}

// reason is why a process ended, for people, with its last words.
func (p *process) reason() string { return p.cause() + quote(p.words) }

// cause is what a process ended of.
func (p *process) cause() string {
	switch {
	case p.failed != nil:
		return p.failed.Text
	case p.hung:
		return fmt.Sprintf("hung in a callback for more than %v", p.plan.spec.HangTimeout)
	case p.late:
		return fmt.Sprintf("not ready within %v", p.plan.spec.ReadyTimeout)
	}
	return describeStatus(p.ended.status)
}

// backOff makes the slot wait, twice as long after every crash.
func (sl *slot) backOff(p *process, now time.Time) {
	sl.crashes++
	sl.lastCause = p.cause()
	sl.lastWords = p.words.String()
	sl.step(crashed)
	sl.wait = now.Add(backoffDelay(sl.crashes))
}

// backoffDelay is the pause after the n-th crash in a row.
func backoffDelay(n int) time.Duration {
	delay := backoffMost
	if n < 10 {
		delay = min(backoffFirst<<(n-1), backoffMost)
	}
	spread := 1 + backoffJitter*(2*rand.Float64()-1)
	return time.Duration(float64(delay) * spread)
}

// shown is the unit whose exit table has the ends of u's processes: u, or the one
// of the same key that has come after it.
func (s *Supervisor) shown(u *unit) *unit {
	for _, units := range [][]*unit{s.units, s.removed} {
		if x := unitOf(units, u.spec.Key); x != nil {
			return x
		}
	}
	return u
}

// count adds an end to the exit table.
func (u *unit) count(p *process) {
	c := u.exits[p.ended.status]
	if c == nil {
		c = new(exitCount)
		u.exits[p.ended.status] = c
	}
	c.all++
	if !p.goodbye {
		c.unexpected++
	}
}

// logEnd writes what an operator has to know about an end.
func (s *Supervisor) logEnd(p *process) {
	if p.failed != nil {
		s.logf("%s %s", p.name(), p.failed.Text)
	}
	if p.ended.status != 0 {
		s.logf("%s exit with status %d (%s)", p.name(), p.ended.status, describeStatus(p.ended.status))
	}
	if !p.goodbye && !p.killed {
		s.logf("%s WORKER EXIT UNEXPECTED", p.name())
	}
	if words := p.words.String(); words != "" && (p.ended.status != 0 || !p.goodbye) {
		// The terminal has had them from the process itself.
		s.log.Record(os.Getpid(), fmt.Sprintf("%s last words:\n%s", p.name(), words))
	}
}

// fillVacant starts a process in every empty seat whose time has come.
func (s *Supervisor) fillVacant(now time.Time) {
	if s.phase != filling && s.phase != serving {
		return
	}
	for _, sl := range s.slots() {
		if s.phase != filling && s.phase != serving {
			return // the last one could not be started, and the start has failed
		}
		if sl.current != nil || s.roll.owns(sl) || now.Before(sl.wait) {
			continue
		}
		sl.step(due)
		s.fill(sl, now)
	}
}

// fill starts the process of a vacant slot. An executable that is being
// written is tried again; any other failure waits like a crash.
func (s *Supervisor) fill(sl *slot, now time.Time) {
	p, err := s.spawn(sl, sl.plan, false)
	if err == nil {
		sl.busySince = time.Time{}
		s.progress(s.stepOf("starting", p, pidText(p)))
		return
	}
	if sl.retryBusy(err, now) {
		return
	}
	s.logf("%s: %v", sl.label(), err)
	if s.phase == filling {
		s.failStart(fmt.Errorf("%s: %w", sl.label(), err))
	}
	sl.crashes++
	sl.lastCause = err.Error()
	sl.step(crashed)
	sl.wait = now.Add(backoffDelay(sl.crashes))
	s.giveUp(sl)
}

// giveUp ends the service when a process of an Essential Worker cannot be kept
// running: whoever started the master is to start it again, here or elsewhere.
func (s *Supervisor) giveUp(sl *slot) {
	if s.phase != serving || !sl.plan.spec.Essential || sl.crashes < essentialTries {
		return
	}
	s.err = fmt.Errorf("%s is essential and ended early %d times in a row, the last time: %s",
		sl.label(), sl.crashes, sl.lastCause)
	s.logf("the service ends: %v", s.err)
	s.leave(false)
}

// retryBusy schedules another attempt after ETXTBSY, for busyTimeout.
func (sl *slot) retryBusy(err error, now time.Time) bool {
	if !isBusy(err) {
		return false
	}
	if sl.busySince.IsZero() {
		sl.busySince = now
	}
	sl.wait = now.Add(busyRetry)
	return now.Sub(sl.busySince) < busyTimeout
}

// noteStarted ends the start when every seat is taken.
func (s *Supervisor) noteStarted() {
	if s.phase != filling {
		return
	}
	if ready, total := s.counts(); ready < total {
		return
	}
	s.phase, s.served = serving, true
	s.poke() // what is looked at again and again begins now
	s.logf("started, %s ready", processes(len(s.byPID)))
	s.rememberStart(ipc.CodeDone, "")
	if s.cfg.Started != nil {
		s.log.Flush(flushPatience) // the banner comes after the lines before it
		s.cfg.Started(s.snapshot())
	}
}
