package supervisor

import (
	"fmt"
	"slices"

	"github.com/workerman-go/wm/ipc"
)

// The master does one operation at a time. A reload takes its turn until its
// code is live (roll); then it steps aside (settling) and waits for the old
// processes beside the next one. What is asked meanwhile waits as one follow-up
// (queued), with the newest binary of all that ask.

// requestReload starts r, joins it to a reload of the same binary that has not
// started a process yet, or lets it wait as the one follow-up. It is never
// dropped, and what its processes read when they start is newer than it.
func (s *Supervisor) requestReload(r *reload) {
	s.generations[r.gen] = true
	running, next := s.roll, s.queued
	switch {
	case s.phase == leaving || s.phase == over:
		s.cancel(r, stoppingText)
	case running.canTake(r) && (next == nil || next.newer(r)):
		running.join(r)
		s.logf("a reload%s joins the one that begins", askedBy(r.by))
		s.reopenFiles() // the request may come from a log rotation
	case next != nil:
		s.merge(next, r)
	default:
		s.queued = r
		if before := s.ahead(); before != "" {
			r.tell(ipc.Progress{Kind: "note", Text: "waits for " + before})
		}
	}
}

// stoppingText is what a reload is told that a stop has ended.
const stoppingText = "the service is stopping"

// canTake tells whether other may join r: it has the same binary and no
// process of it was started yet.
func (r *reload) canTake(other *reload) bool {
	return r != nil && r.renewal == nil && r.stage < rolling && r.gen.digest == other.gen.digest
}

// merge makes one follow-up of two: the newer binary is proved and run for all.
func (s *Supervisor) merge(next, r *reload) {
	s.logf("a reload%s joins the one that waits", askedBy(r.by))
	older, newer := next, r
	if next.newer(r) {
		older, newer = r, next
	}
	newer.join(older)
	s.queued = newer
	if older.gen != newer.gen {
		delete(s.generations, older.gen)
		older.gen.close() // nothing was started from it
	}
}

// join lets other's waiters wait for this reload. An impatient one makes it
// so, and whoever asked for the other way is told.
func (r *reload) join(other *reload) {
	if r.graceful != other.graceful {
		note := ipc.Progress{Kind: "note", Text: "joined by a reload that is not graceful"}
		if r.graceful {
			r.tell(note)
		} else {
			other.tell(note)
		}
	}
	if r.gen.digest == other.gen.digest {
		r.install = firstSet(r.install, other.install)
	}
	r.waiters = append(r.waiters, other.waiters...)
	r.by = append(r.by, other.by...)
	r.graceful = r.graceful && other.graceful
	r.ifNew, r.watched = r.ifNew && other.ifNew, r.watched && other.watched
	r.upgraded = r.upgraded || other.upgraded
}

// newer tells whether r's binary is later than that of other. Under one name
// the later look finds the later binary. A build that is to take the service's
// name is later than what has that name, unless that was put there since.
func (r *reload) newer(other *reload) bool {
	built := func(r *reload) bool { return r.install != "" }
	if r.path != other.path && built(r) != built(other) && !r.gen.changed.Equal(other.gen.changed) {
		return r.gen.changed.After(other.gen.changed)
	}
	return r.order > other.order
}

// catchUp keeps the follow-up from going back behind r, which is live now: it
// was asked for before, or reads what r's binary has replaced.
func (s *Supervisor) catchUp(r *reload) {
	next := s.queued
	if next == nil || !r.newer(next) || next.gen.digest == r.gen.digest {
		return
	}
	again, err := r.gen.again()
	if err != nil {
		s.queued = nil
		s.endReload(next, ipc.CodeFailed, err.Error())
		return
	}
	delete(s.generations, next.gen)
	next.gen.close()
	next.gen, next.path, next.order, next.install = again, r.path, r.order, ""
	s.generations[again] = true
}

// idle tells whether an operation may begin: the service runs, and no other
// one is under way. A reload that settles is none.
func (s *Supervisor) idle() bool {
	return s.phase == serving && s.roll == nil && s.probe == nil && s.upgrade == nil
}

// quiet tells whether nothing waits for its turn either.
func (s *Supervisor) quiet() bool {
	return s.idle() && s.queued == nil && len(s.upgrades) == 0
}

// upgradeFirst tells whether an upgrade is the next operation: a reload is then done
// by the newer master. But one that the master was upgraded for comes before later
// upgrades: it would take the master back to its own version behind them.
func (s *Supervisor) upgradeFirst() bool {
	return len(s.upgrades) > 0 && (s.queued == nil || !s.queued.upgraded)
}

// nextOperation begins the reload that waits, when its time has come; tendUpgrade
// does so with an upgrade.
func (s *Supervisor) nextOperation() {
	if !s.idle() || s.upgradeFirst() {
		return
	}
	if r := s.queued; r != nil {
		s.queued = nil
		s.beginReload(r)
	}
}

// stepAside lets the next operation begin: r is live and waits for nothing but
// the processes that it has drained.
func (s *Supervisor) stepAside(r *reload) {
	s.roll = nil
	s.settling = append(s.settling, r)
	s.poke() // for the next one
}

// tendSettling ends the reloads whose old processes are gone.
func (s *Supervisor) tendSettling() {
	s.settling = slices.DeleteFunc(s.settling, func(r *reload) bool {
		if !r.settled() {
			return false
		}
		s.endReload(r, ipc.CodeDone, "")
		return true
	})
}

// settled tells whether nothing of the old generation is left that somebody
// waits for. A graceful reload does not wait for connections.
func (r *reload) settled() bool {
	return r.graceful || !slices.ContainsFunc(r.leaves, func(p *process) bool { return !p.finished })
}

// reloading tells whether somebody waits for the end of a reload.
func (s *Supervisor) reloading() bool {
	isReload := func(r *reload) bool { return r.renewal == nil }
	return s.roll != nil && isReload(s.roll) || slices.ContainsFunc(s.settling, isReload)
}

// renewing tells whether a renewed process is not gone yet.
func (s *Supervisor) renewing() bool {
	return slices.ContainsFunc(s.settling, func(r *reload) bool { return r.renewal != nil })
}

// cancelReloads answers those who wait for a reload when the service stops.
func (s *Supervisor) cancelReloads() {
	for _, r := range s.settling {
		s.cancel(r, fmt.Sprintf("generation %d went live; %s", r.gen.number, stoppingText))
	}
	for _, r := range []*reload{s.roll, s.queued} {
		s.cancel(r, stoppingText)
	}
	s.roll, s.queued, s.settling = nil, nil, nil
}

func (s *Supervisor) cancel(r *reload, text string) {
	if r != nil && r.renewal == nil {
		s.rememberReload(r, ipc.CodeFailed, text)
		r.answer(ipc.CodeFailed, text)
	}
}

// refuse tells everybody that the reload failed. Whoever asked for another
// binary than the one that was tried hears what became of that.
func (s *Supervisor) refuse(r *reload, text string) {
	for _, w := range r.waiters {
		w.finish(ipc.CodeFailed, text+s.standing(w, r))
	}
	r.waiters = nil
}

// standing says whether the code that w was called for is live.
func (s *Supervisor) standing(w *request, r *reload) string {
	const tried = "\na newer binary was tried in place of the one that was asked for, which "
	switch w.digest {
	case r.gen.digest:
		return ""
	case s.gen.digest:
		return fmt.Sprintf(tried+"is live as generation %d", s.gen.number)
	}
	return fmt.Sprintf(tried+"is not live; generation %d goes on", s.gen.number)
}

// title names an operation for those who wait for it.
func (r *reload) title() string {
	if r.renewal != nil {
		return "the renewal of " + r.renewal.label()
	}
	return "the reload under way"
}
