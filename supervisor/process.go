package supervisor

import (
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// spawn starts a process of the plan in a slot: to sit there at once, or as
// the replacement that waits for the seat.
func (s *Supervisor) spawn(sl *slot, pl plan, replacement bool) (*process, error) {
	got, err := s.sys.start(s.launchOf(sl, pl, !replacement))
	if err != nil {
		return nil, err
	}
	now := s.sys.now()
	p := &process{
		pid: got.pid, pidfd: got.pidfd, slot: sl, plan: pl,
		link:    openLink(got.link, s.messages, s.gone),
		words:   s.listenTo(got.words, s.sys.stderr),
		started: now, readyBy: now.Add(pl.spec.ReadyTimeout), inner: map[string]bool{},
		spread: 1 + maxSpread*rand.Float64(),
	}
	p.step(spawned)
	if pl.certs != nil {
		p.link.send(pl.certs.message()) // before anything else, see ipc/spec.md
	}
	s.byLink[p.link], s.byPID[p.pid] = p, p
	if replacement {
		sl.next = p
	} else {
		sl.current = p
	}
	return p, nil
}

func (s *Supervisor) launchOf(sl *slot, pl plan, seated bool) launch {
	l := launch{
		gen:      pl.gen,
		title:    rundir.WorkerTitle(s.cfg.Program, pl.spec.Name, pl.spec.Listen),
		environ:  s.cfg.environ(),
		ident:    pl.ident,
		listener: -1,
	}
	there := -1
	if lis := pl.listener(sl.number); lis != nil {
		l.listener, there = lis.FD, listenerDescriptor
	}
	spec := pl.spec
	spec.StopTimeout = s.stopTimeout(spec) // for ends that the process begins itself
	l.handover = ipc.Handover{
		Role: ipc.RoleWorker, Args: s.cfg.Args, Root: pl.gen.root,
		Worker: &ipc.WorkerHandover{
			Spec: spec, Slot: sl.number, Generation: pl.gen.number, Seated: seated,
			Listener: there, Debug: !s.cfg.Daemon,
		},
	}
	return l
}

// onMessage takes what a started process says on its link.
func (s *Supervisor) onMessage(m linkMessage) {
	closeDescriptors(m.fds) // nobody has a reason to pass one to the master
	p := s.byLink[m.from]
	if p == nil {
		if s.probe != nil && s.probe.link == m.from {
			s.onProbeMessage(s.probe, m)
		} else if s.watcher.link == m.from {
			s.watcher.onMessage(m)
		}
		if u := s.upgrade; u != nil && u.child != nil && u.child.link == m.from {
			s.onRehearsalMessage(u.child, m)
		}
		return
	}
	err := m.err
	switch m := m.m.(type) {
	case nil:
		s.onLinkEnd(p, err)
	case *ipc.Ready:
		s.onReady(p)
	case *ipc.Yielded:
		s.onYielded(p, m)
	case *ipc.TurnOver:
		p.onTurnOver()
	case *ipc.Report:
		s.onReport(p, m)
	case *ipc.Connections:
		s.onConnections(p, m)
	case *ipc.Log:
		s.log.Write(p.pid, fmt.Sprintf("worker %s: %s", p.slot.label(), m.Text))
	case *ipc.Listen:
		s.onListen(p, m)
	case *ipc.Paused:
		s.kick(p)
	case *ipc.Failed:
		p.failed = m
	case *ipc.Waiting:
		s.logf("%s is still leaving, waits for %s", p.name(), m.Text)
	case *ipc.Goodbye:
		p.goodbye = true
	}
}

// name is how logs call a process (features.md 2.14).
func (p *process) name() string { return fmt.Sprintf("worker[%s:%d]", p.slot.label(), p.pid) }

func (s *Supervisor) onReady(p *process) {
	if !p.step(isReady) {
		s.bug(p, isReady)
		return
	}
	p.readyBy, p.readyAt = time.Time{}, s.sys.now()
	s.progress(s.stepOf("ready", p, pidText(p)))
}

// onLinkEnd notes the end of a link. The process follows by itself; one that
// broke the protocol is killed, because nobody can talk to it any more.
func (s *Supervisor) onLinkEnd(p *process, err error) {
	p.linkGone = true
	p.link.close()
	if !ipc.Gone(err) {
		s.logf("%s link: %v", p.name(), err)
		s.kill(p)
	}
}

// tell asks a process to leave. A graceful one may take as long as its
// connections do. Unless the service or its Worker goes as well the process may
// close its connections one after another before its time begins.
func (s *Supervisor) tell(p *process, graceful bool) {
	now := s.sys.now()
	timeout := s.stopTimeout(p.plan.spec)
	restart := s.phase != leaving && !p.slot.unit.removed
	if restart && !p.toldAt.IsZero() && (graceful || !p.killAt.IsZero()) {
		return // it is on its way, and its limit has room for its pacing
	}
	if !graceful {
		p.limit(now.Add(timeout))
	}
	if !p.step(told) {
		s.bug(p, told)
		return
	}
	if p.toldAt.IsZero() {
		p.toldAt, p.yieldBy = now, now.Add(yieldTimeout)
	}
	p.readyBy = time.Time{}
	p.paced = restart && !graceful && !p.plan.spec.StopFirst
	if !restart {
		p.pacing = 0
	}
	s.lineUp(p)
	p.link.send(&ipc.Drain{
		Graceful: graceful, Timeout: timeout, Restart: restart, InLine: p.turn == waitsTurn,
	})
}

// onYielded frees the seat, and gives a process that spreads its closes the time
// for it; tendLine does where it waits for its turn.
func (s *Supervisor) onYielded(p *process, m *ipc.Yielded) {
	p.yieldBy, p.yielded = time.Time{}, true
	if s.gen != nil {
		s.dropUnused() // the socket that it has closed
	}
	if !p.paced {
		return
	}
	if p.paced = false; m.Pacing <= 0 {
		p.turn = noTurn
		return
	}
	if p.killAt.IsZero() || p.hung {
		return
	}
	p.pacing = min(m.Pacing, maxPacing)
	p.killAt = p.killAt.Add(p.pacing)
}

// stopTimeout is how long a process may take to leave.
func (s *Supervisor) stopTimeout(spec ipc.Spec) time.Duration {
	if t := spec.StopTimeout; t > 0 {
		return t
	}
	if t := s.settings.StopTimeout; t > 0 {
		return t
	}
	return defaultStopTimeout
}

// kill ends a process at once, by its descriptor so that a reused pid is
// never hit.
func (s *Supervisor) kill(p *process) {
	if p.killed || p.ended != nil {
		return
	}
	p.killed = true
	s.sys.kill(p.pidfd, unix.SIGKILL)
}

// bug reports a transition that the table does not have.
func (s *Supervisor) bug(p *process, o occurrence) {
	s.logf("%s bug: %v in state %v", p.name(), o, p.state)
	s.kill(p)
}

// killLate kills what was not ready or gone in time.
func (s *Supervisor) killLate(now time.Time) {
	for _, p := range s.byPID {
		if p.ended != nil || p.killed {
			continue
		}
		if !now.Before(p.yieldBy) {
			p.yieldBy = time.Time{} // a blocked loop forfeits its seat
		}
		switch {
		case !p.readyBy.IsZero() && !now.Before(p.readyBy):
			// Where it waits is its last words.
			s.logf("%s is not ready within %v, is killed", p.name(), p.plan.spec.ReadyTimeout)
			p.late, p.readyBy = true, time.Time{}
			p.link.send(&ipc.Dump{})
			p.limit(now.Add(dumpPatience))
		case !p.killAt.IsZero() && !now.Before(p.killAt):
			if !p.hung && !p.late {
				within := p.pacing.Round(time.Millisecond) + s.stopTimeout(p.plan.spec)
				s.logf("%s did not leave within %v, killed", p.name(), within)
			}
			s.kill(p)
		}
	}
}

// kick makes the processes of a unit look at the queue they share: a wake-up
// that went to p alone would be lost otherwise. A unit whose processes come and
// go at their limit is kicked once in kickEvery.
func (s *Supervisor) kick(p *process) {
	if u := p.slot.unit; u.kickAt.IsZero() {
		u.kickAt = latest(s.sys.now(), u.kicked.Add(kickEvery))
	}
}

// sendKicks sends the kicks that are due.
func (s *Supervisor) sendKicks(now time.Time) {
	for _, u := range s.units {
		if u.kickAt.IsZero() || now.Before(u.kickAt) {
			continue
		}
		u.kicked, u.kickAt = now, time.Time{}
		for _, sl := range u.slots {
			if p := sl.current; p != nil && p.state == running {
				p.link.send(&ipc.Kick{})
			}
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// stepOf is a line of progress about one process.
func (s *Supervisor) stepOf(kind string, p *process, text string) ipc.Progress {
	done, total := s.counts()
	return ipc.Progress{
		Kind: kind, Text: text,
		Worker: p.plan.spec.Key, Slot: p.slot.number, PID: p.pid, Done: done, Total: total,
	}
}

func pidText(p *process) string { return fmt.Sprintf("pid %d", p.pid) }

// counts tells how many slots have a ready process, of how many.
func (s *Supervisor) counts() (ready, total int) {
	for _, sl := range s.slots() {
		total++
		if sl.current != nil && sl.current.state == running {
			ready++
		}
	}
	return ready, total
}
