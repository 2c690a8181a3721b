package supervisor

import (
	"cmp"
	"slices"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// A process that is replaced closes its connections one after another, at its
// part of worker.Life.DrainRate. The parts of all slots make the rate of the
// Worker, so the processes of one reload close beside each other; those of the
// next one stand in line until the earlier ones are done.

// turn is the place of a process in that line.
type turn int

const (
	noTurn    turn = iota // closes nothing one after another, or is done
	waitsTurn             // its connections are served until the others are done
	hasTurn
)

var turnNames = [...]string{"", "waits", "has"}

func (t turn) String() string { return turnNames[t] }

// turnNamed is that of a saved state; an older one has none.
func turnNamed(name string) turn { return turn(max(0, slices.Index(turnNames[:], name))) }

// lineUp gives a process that is told to leave its place. One that was never
// ready has no connections.
func (s *Supervisor) lineUp(p *process) {
	p.turn = noTurn
	if !p.paced || p.readyAt.IsZero() {
		return
	}
	p.turn = waitsTurn
	if len(s.before(p)) == 0 {
		p.turn = hasTurn
	}
}

// before are the processes whose connections are closed before those of p, which
// has no turn yet.
func (s *Supervisor) before(p *process) (first []*process) {
	for _, q := range s.byPID {
		if q == p || q.ended != nil || q.turn == noTurn || !q.excludes(p) {
			continue
		}
		if q.turn == hasTurn || q.ahead(p) < 0 {
			first = append(first, q)
		}
	}
	return first
}

// mustWait tells whether p would wait for its turn if it were told to leave now.
func (s *Supervisor) mustWait(p *process, graceful bool) bool {
	return !graceful && !p.plan.spec.StopFirst && len(s.before(p)) > 0
}

// excludes tells whether the parts of two processes of a Worker may be more than
// its rate together: they had the same seat one after the other, or may be of
// another Count or rate.
func (p *process) excludes(q *process) bool {
	return p.plan.spec.Key == q.plan.spec.Key &&
		(p.slot.number == q.slot.number || p.plan.gen.number != q.plan.gen.number)
}

// ahead is the order of the line: who was told to leave first. q may not have been
// told yet.
func (p *process) ahead(q *process) int {
	switch {
	case q.toldAt.IsZero() || p.toldBefore(q):
		return -1
	case q.toldBefore(p):
		return 1
	}
	return cmp.Compare(p.pid, q.pid) // of one reload, they do not exclude each other
}

// tendLine gives those their turn who have nobody before them any more. A limit
// begins with the turn; until then it is the latest that it can be.
func (s *Supervisor) tendLine(now time.Time) {
	var line []*process
	for _, p := range s.byPID {
		if p.turn == waitsTurn && p.ended == nil {
			line = append(line, p)
		}
	}
	slices.SortFunc(line, (*process).ahead)
	for _, p := range line {
		first, from := s.before(p), now
		if len(first) == 0 {
			p.turn = hasTurn
			p.link.send(&ipc.Turn{})
		}
		for _, q := range first {
			from = latest(from, q.killAt)
		}
		if p.yielded && !p.hung {
			p.killAt = from.Add(p.pacing + s.stopTimeout(p.plan.spec))
		}
	}
}

// onTurnOver lets the next one begin.
func (p *process) onTurnOver() { p.turn = noTurn }
