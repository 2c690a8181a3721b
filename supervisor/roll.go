package supervisor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// kind of a step.
type kind int

const (
	replacing kind = iota // a slot's process by one of the new generation
	adding                // a slot that was not there
	telling               // a process that stays: OnWorkerReload
	removing              // undo of adding
)

// step changes one slot; see advance for what it waits for.
type step struct {
	kind     kind
	slot     *slot
	from, to plan
	fresh    *process // the replacement
	old      *process // who held the seat
	alone    bool     // the seat was empty when the new process began

	retryAt, busySince time.Time // of an executable that is being written
	givenUp            bool      // while putting back: nothing more can be done
}

// owns tells whether the step under way fills this slot itself.
func (r *reload) owns(sl *slot) bool {
	if r == nil || r.stage != rolling && r.stage != undoing || r.at >= len(r.steps) {
		return false
	}
	st := r.steps[r.at]
	return st.slot == sl && st.kind != telling
}

// fail stops a rolling reload; what it has changed is put back. What fails
// while putting back leaves the service mixed.
func (r *reload) fail(cause string) {
	switch {
	case r.stage == undoing:
		r.mixed = append(r.mixed, cause)
	case r.cause == "":
		r.cause = cause
	}
}

// started tells whether p is a process that the reload brought.
func (r *reload) started(p *process) bool {
	return slices.ContainsFunc(r.steps, func(st *step) bool { return st.fresh == p })
}

// rollOn drives what is under way as far as it can go now, and ends what has
// settled.
func (s *Supervisor) rollOn(now time.Time) {
	s.nextOperation()
	if r := s.roll; r != nil {
		s.drive(r, now)
	}
	s.tendSettling()
}

// drive takes a reload as far as it goes without waiting.
func (s *Supervisor) drive(r *reload, now time.Time) {
	for r.cause == "" && r.moving() && s.advance(r, r.steps[r.at], now) {
		r.at++
	}
	if r.stage == rolling && r.cause != "" {
		s.undo(r)
	}
	for r.stage == undoing && r.moving() && s.advance(r, r.steps[r.at], now) {
		r.at++
	}
	switch {
	case r.moving():
	case r.stage == rolling:
		s.commit(r)
	case r.stage == undoing:
		s.endUndo(r)
	}
}

// moving tells whether a step is under way.
func (r *reload) moving() bool {
	return r != nil && (r.stage == rolling || r.stage == undoing) && r.at < len(r.steps)
}

// advance takes a step as far as it goes without waiting; true when the next
// one may begin.
func (s *Supervisor) advance(r *reload, st *step, now time.Time) bool {
	switch {
	case st.kind == telling:
		s.tellReload(st.slot)
		return true
	case st.kind == removing:
		s.remove(r, st.slot)
		return true
	case st.kind == adding || st.alone:
		return s.advanceAlone(r, st, now)
	case st.fresh == nil && (st.slot.current == nil || st.to.spec.StopFirst):
		return s.emptySeat(r, st, now) && s.advanceAlone(r, st, now)
	}
	return s.advanceNewFirst(r, st, now)
}

// advanceNewFirst: the replacement is ready before the old process is told to
// leave, and takes the seat when that one has yielded it.
func (s *Supervisor) advanceNewFirst(r *reload, st *step, now time.Time) bool {
	sl := st.slot
	if st.fresh == nil && !s.beginReplacement(r, st, now) {
		return st.givenUp // better what works than nothing
	}
	if st.fresh.state != running {
		return r.lost(st)
	}
	if st.old == nil && sl.current != nil {
		st.old = sl.current
		r.leaves = append(r.leaves, st.old)
		s.tell(st.old, r.graceful)
	}
	if old := st.old; old != nil && !old.finished && !old.yieldBy.IsZero() {
		return false
	}
	s.seat(st)
	return true
}

// beginReplacement starts the replacement, unless the slot still has too many
// processes draining; the oldest of them gets a limit then.
func (s *Supervisor) beginReplacement(r *reload, st *step, now time.Time) bool {
	if s.hurryOldest(st.slot, maxLeaving) {
		return false
	}
	return s.spawnFor(r, st, now, true)
}

// hurryOldest gives the oldest process that drains in a seat a limit when there
// are as many as most. A slot that has gone and come back is the same seat.
func (s *Supervisor) hurryOldest(sl *slot, most int) bool {
	n, oldest := s.leavers(func(p *process) bool {
		seat := p.slot.number == sl.number && p.plan.spec.Key == sl.plan.spec.Key
		return seat && p != sl.current
	})
	if n < most {
		return false
	}
	s.hurry(oldest)
	return true
}

// leavers counts the processes of a kind that were told to leave.
func (s *Supervisor) leavers(of func(*process) bool) (n int, oldest *process) {
	for _, p := range s.byPID {
		if p.toldAt.IsZero() || !of(p) {
			continue
		}
		n++
		if oldest == nil || p.toldBefore(oldest) {
			oldest = p
		}
	}
	return n, oldest
}

// hurry gives a process that leaves a limit, if it has none.
func (s *Supervisor) hurry(p *process) {
	if p.killAt.IsZero() && p.ended == nil {
		s.tell(p, false)
	}
}

// toldBefore tells which of two was told to leave first.
func (p *process) toldBefore(q *process) bool {
	if p.toldAt.Equal(q.toldAt) {
		return p.plan.gen.number < q.plan.gen.number
	}
	return p.toldAt.Before(q.toldAt)
}

// done counts what a reload has changed.
func (r *reload) done() string {
	started, replaced, kept := 0, 0, 0
	for _, st := range r.steps {
		switch {
		case st.kind == telling:
			kept++
		case st.old != nil:
			replaced++
		case st.fresh != nil:
			started++
		}
	}
	var words []string
	for _, c := range []struct {
		n    int
		word string
	}{{started, "started"}, {replaced, "replaced"}, {r.retired, "removed"}, {kept, "kept"}} {
		if c.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", c.n, c.word))
		}
	}
	return strings.Join(words, ", ")
}

// lost fails the reload when the step's new process is gone. It reports
// whether the step is over because of that: nothing is left to put back to.
func (r *reload) lost(st *step) bool {
	if !st.fresh.finished {
		return false
	}
	r.fail(fmt.Sprintf("%s was not ready: %s", st.slot.label(), st.fresh.reason()))
	return r.stage == undoing
}

// seat gives the seat to the replacement.
func (s *Supervisor) seat(st *step) {
	sl, fresh := st.slot, st.fresh
	if old := sl.current; old != nil && old != fresh {
		sl.leaving = append(sl.leaving, old)
	}
	sl.current, sl.next = fresh, nil
	fresh.link.send(&ipc.Seated{})
	sl.closeInner(fresh)
	sl.step(told) // a backoff of the old plan is over
	sl.plan, sl.crashes, sl.wait = st.to, 0, time.Time{}
	if st.old == nil {
		s.progress(s.stepOf("added", fresh, pidText(fresh)))
		return
	}
	s.progress(s.stepOf("replaced", fresh, fmt.Sprintf("pid %d -> %d", st.old.pid, fresh.pid)))
}

// emptySeat makes way for a process that cannot overlap with the old one.
func (s *Supervisor) emptySeat(r *reload, st *step, now time.Time) bool {
	sl := st.slot
	if old := sl.current; old != nil {
		if st.old == nil && s.mustWait(old, r.graceful) {
			return false // it serves until then
		}
		if st.old == nil {
			st.old = old
			r.leaves = append(r.leaves, old)
			s.tell(old, r.graceful)
			// The seat is empty until it is gone, so it has a limit even now.
			old.limit(now.Add(s.stopTimeout(old.plan.spec)))
		}
		return false
	}
	st.alone = true
	return true
}

// advanceAlone fills an empty seat and waits until its process is ready.
func (s *Supervisor) advanceAlone(r *reload, st *step, now time.Time) bool {
	sl := st.slot
	if st.fresh == nil {
		if !s.spawnFor(r, st, now, false) {
			if st.givenUp {
				sl.plan = st.to // a crash like any other: fillVacant tries again
			}
			return st.givenUp
		}
		if !slices.Contains(sl.unit.slots, sl) {
			sl.unit.slots = append(sl.unit.slots, sl)
		}
	}
	if st.fresh.state != running {
		if r.stage == undoing {
			sl.plan = st.to
		}
		return r.lost(st)
	}
	s.seat(st)
	return true
}

// spawnFor starts the new process of a step. An executable that is being
// written is tried again. Any other failure fails the reload; while putting
// back it ends the step, and fillVacant goes on trying.
func (s *Supervisor) spawnFor(r *reload, st *step, now time.Time, replacement bool) bool {
	if now.Before(st.retryAt) || s.waitForFiles(r) {
		return false
	}
	fresh, err := s.spawn(st.slot, st.to, replacement)
	switch {
	case err == nil:
		st.fresh = fresh
		s.progress(s.stepOf("starting", fresh, pidText(fresh)))
		return true
	case isBusy(err) && (st.busySince.IsZero() || now.Sub(st.busySince) < busyTimeout):
		if st.busySince.IsZero() {
			st.busySince = now
		}
		st.retryAt = now.Add(busyRetry)
		return false
	}
	r.fail(fmt.Sprintf("%s: %v", st.slot.label(), err))
	st.givenUp = r.stage == undoing
	return false
}

// tellReload is all that happens to a process that is not reloadable.
func (s *Supervisor) tellReload(sl *slot) {
	p := sl.current
	if p == nil || p.state != running {
		return
	}
	if !s.cfg.Daemon || p.link.pass(&ipc.Reload{}, unix.Stdout) != nil {
		p.link.send(&ipc.Reload{})
	}
	s.progress(s.stepOf("kept", p, pidText(p)+", not reloadable"))
}

// undo turns a failed reload round: what it touched is put back, newest first.
func (s *Supervisor) undo(r *reload) {
	done := r.steps[:min(r.at+1, len(r.steps))]
	r.stage, r.steps, r.at = undoing, nil, 0
	if r.renewal == nil {
		s.logReload(r, "reload fails, putting back: %s", r.cause)
		s.progress(ipc.Progress{Kind: "rollback", Text: r.cause})
	}
	for _, st := range slices.Backward(done) {
		s.discard(st)
		switch {
		case st.kind == adding && slices.Contains(st.slot.unit.slots, st.slot):
			st.slot.unit.removed = st.slot.unit.gen == r.gen // the whole Worker goes
			r.steps = append(r.steps, &step{kind: removing, slot: st.slot})
		case st.untouched():
			st.slot.closeInner(st.slot.current) // what the failed one opened
		case st.kind == replacing:
			r.steps = append(r.steps, &step{
				kind: replacing, slot: st.slot, from: st.to, to: st.from,
			})
		}
	}
}

// discard ends a replacement that never took its seat.
func (s *Supervisor) discard(st *step) {
	sl := st.slot
	if p := sl.next; p != nil {
		s.tell(p, false)
		sl.leaving = append(sl.leaving, p)
		sl.next = nil
	}
}

// untouched tells whether the seat is still held by the process that the
// reload found there.
func (st *step) untouched() bool {
	p := st.slot.current
	return p != nil && p.plan.gen == st.from.gen && p.toldAt.IsZero()
}

// remove takes back a slot that the reload added.
func (s *Supervisor) remove(r *reload, sl *slot) {
	s.retire(r, sl)
	sl.unit.slots = slices.DeleteFunc(sl.unit.slots, func(x *slot) bool { return x == sl })
}

// endUndo reports a reload that was put back.
func (s *Supervisor) endUndo(r *reload) {
	s.units = slices.DeleteFunc(s.units, func(u *unit) bool { return len(u.slots) == 0 })
	text := r.cause + "\n" + putBack
	if len(r.mixed) > 0 {
		r.tell(ipc.Progress{Kind: "mixed", Text: "generations are mixed"})
		text = r.cause
		text += "\nputting back failed as well, generations are mixed:\n" +
			strings.Join(r.mixed, "\n")
	}
	s.endReload(r, ipc.CodeFailed, text)
}
