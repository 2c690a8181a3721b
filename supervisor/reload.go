package supervisor

import (
	"fmt"
	"slices"

	"github.com/workerman-go/wm/ipc"
)

// stage is how far a reload has come.
type stage int

const (
	waiting  stage = iota // another reload or the start is under way
	proving               // the probe of the new binary runs
	rolling               // slots change, one at a time
	settling              // the drained processes leave
	undoing               // changed slots are put back
)

// reload replaces one generation by another.
type reload struct {
	gen      *generation
	graceful bool
	install  string // rename the binary to this after success
	renewal  *slot  // not a reload: this slot gets a fresh process, see recycle.go
	waiters  []*request
	by       string // who asked, for the log

	stage  stage
	units  []*unit // what the new generation wants, in order of declaration
	steps  []*step
	at     int // index of the step under way
	cause  string
	mixed  []string   // what could not be put back
	leaves []*process // drained by this reload
}

// newReload opens the binary now, so that what is proved and started is what
// stood there when the reload was asked for. Any goroutine may call it.
func newReload(path, install string, graceful bool) (*reload, error) {
	gen, err := openGeneration(path)
	if err != nil {
		return nil, err
	}
	return &reload{gen: gen, graceful: graceful, install: install}, nil
}

// requestReload starts r, joins it to a reload of the same binary that has not
// started a process yet, or queues it as the one follow-up. It is never
// dropped, and what its processes read when they start is newer than it.
func (s *Supervisor) requestReload(r *reload) {
	s.generations[r.gen] = true
	running, next := s.roll, s.queued
	switch {
	case s.phase == leaving || s.phase == over:
		r.answer(ipc.CodeFailed, "the service is stopping")
	case next != nil:
		if next.gen.digest != r.gen.digest {
			next.gen, next.install = r.gen, r.install
		}
		next.join(r)
	case running != nil && running.renewal == nil && running.stage < rolling &&
		running.gen.digest == r.gen.digest:
		running.join(r)
		s.reopenFiles() // the request may come from a log rotation
	default:
		s.queued = r
		if running != nil {
			s.hurryFor(r, running)
		}
	}
}

// join lets r's waiters wait for this reload. An impatient one makes it so.
func (r *reload) join(other *reload) {
	r.waiters = append(r.waiters, other.waiters...)
	r.graceful = r.graceful && other.graceful
}

// hurryFor keeps a graceful reload from blocking one that is not.
func (s *Supervisor) hurryFor(next, running *reload) {
	running.graceful = running.graceful && next.graceful
	s.hurry(running)
}

// hurry gives the drains of a reload that is not graceful any more a limit.
func (s *Supervisor) hurry(r *reload) {
	if r.graceful {
		return
	}
	for _, p := range r.leaves {
		if p.ended == nil && p.killAt.IsZero() {
			s.tell(p, false)
		}
	}
}

// beginReload takes the queued reload when its time has come.
func (s *Supervisor) beginReload() {
	if s.queued == nil || s.roll != nil || s.phase != serving || s.probe != nil ||
		s.upgrade != nil || s.nextUpgrade != nil {
		return
	}
	r := s.queued
	s.roll, s.queued = r, nil
	r.stage = proving
	s.lastNumber++
	r.gen.number = s.lastNumber
	s.logf("reloading%s", r.by)
	s.reopenFiles()
	if err := s.probeBinary(r.gen, func(err error) { s.onProved(r, err) }); err != nil {
		s.endReload(r, ipc.CodeFailed, err.Error())
	}
}

// onProved plans the steps once the new binary has said what it declares.
func (s *Supervisor) onProved(r *reload, err error) {
	if s.roll != r || s.phase != serving {
		return
	}
	if err == nil && s.otherImage(r) {
		s.upgradeFor(r)
		return
	}
	if err == nil {
		r.units, err = s.unitsOf(r.gen)
	}
	if err != nil {
		s.endReload(r, ipc.CodeFailed, err.Error())
		return
	}
	s.units = append(s.units, r.plan(s.units)...)
	r.stage = rolling
}

// plan lists what has to change, in order of declaration, and returns the
// units that are new. What goes for good goes in commit, when nothing can
// fail any more.
func (r *reload) plan(old []*unit) (added []*unit) {
	for _, u := range r.units {
		before := unitOf(old, u.spec.Key)
		if before == nil {
			before, added = u, append(added, u)
		}
		r.planUnit(before, u)
	}
	return added
}

// planUnit lists the steps for a unit: its slots change in order, missing
// ones are added.
func (r *reload) planUnit(before, after *unit) {
	if !before.spec.Reloadable && (before.lis != after.lis || before.group != after.group) {
		r.tell(ipc.Progress{Kind: "note", Text: fmt.Sprintf(
			"%s is not reloadable, its new address waits for a restart", before.spec.Key)})
		after.plan = before.plan
	}
	for _, sl := range before.slots[:min(len(before.slots), after.spec.Count)] {
		kind := replacing
		if !before.spec.Reloadable {
			kind = telling
		}
		r.steps = append(r.steps, &step{kind: kind, slot: sl, from: sl.plan, to: after.plan})
	}
	for n := len(before.slots); n < after.spec.Count; n++ {
		sl := newSlot(before, n)
		sl.plan = after.plan
		r.steps = append(r.steps, &step{kind: adding, slot: sl, to: after.plan})
	}
}

func unitOf(units []*unit, key string) *unit {
	i := slices.IndexFunc(units, func(u *unit) bool { return u.spec.Key == key })
	if i < 0 {
		return nil
	}
	return units[i]
}

// commit makes the new generation the one that stays: removed units and
// surplus slots leave, and the order of declaration is the new one.
func (s *Supervisor) commit(r *reload) {
	r.stage = settling
	if r.renewal != nil {
		return
	}
	var units []*unit
	for _, after := range r.units {
		u := unitOf(s.units, after.spec.Key)
		if u == nil {
			u = after
		} else {
			u.plan = after.plan
		}
		for len(u.slots) > u.spec.Count {
			s.retire(r, u.slots[len(u.slots)-1])
			u.slots = u.slots[:len(u.slots)-1]
		}
		units = append(units, u)
	}
	for _, u := range s.units {
		if unitOf(r.units, u.spec.Key) == nil {
			for _, sl := range u.slots {
				s.retire(r, sl)
			}
			s.removed = append(s.removed, u)
		}
	}
	s.units, s.gen, s.settings = units, r.gen, r.gen.settings
	s.giveSockets()
	s.dropUnused()
}

// retire empties a slot for good.
func (s *Supervisor) retire(r *reload, sl *slot) {
	if p := sl.current; p != nil {
		s.tell(p, r.graceful)
		sl.leaving = append(sl.leaving, p)
		sl.current = nil
		r.leaves = append(r.leaves, p)
		s.progress(s.stepOf("removed", p, pidText(p)))
	}
	sl.closeInner(nil)
}

// settled tells whether nothing of the old generation is left that somebody
// waits for. A graceful reload does not wait for connections.
func (r *reload) settled() bool {
	return r.graceful || !slices.ContainsFunc(r.leaves, func(p *process) bool { return !p.finished })
}

// endReload tells everybody who waits and takes the next one.
func (s *Supervisor) endReload(r *reload, code int, text string) {
	if code == ipc.CodeDone && r.install != "" {
		if err := r.gen.install(r.install); err != nil {
			s.logf("%v", err)
		}
	}
	switch {
	case r.renewal != nil:
		s.endRenewal(r, code, text)
	case code != ipc.CodeDone:
		s.logf("reload failed: %s", text)
	default:
		text = fmt.Sprintf("generation %d is live, %s", r.gen.number, processes(len(s.slots())))
		text += killedWords(r.leaves)
		s.logf("reload complete, %s", text)
	}
	s.roll = nil
	r.answer(code, text)
	s.dropUnused()
	s.poke() // for the next one
}

// answer ends the wait of everybody who asked for this reload.
func (r *reload) answer(code int, text string) {
	for _, w := range r.waiters {
		w.finish(code, text)
	}
	r.waiters = nil
}

// tell passes progress on to everybody who waits.
func (r *reload) tell(p ipc.Progress) {
	for _, w := range r.waiters {
		w.reply(&p)
	}
}

// reopenFiles lets log rotation work by a reload (features.md 3.14).
func (s *Supervisor) reopenFiles() {
	s.log.Reopen()
	s.logCrashes()
	if err := s.openOutput(); err != nil {
		s.logf("standard output stays as it is: %v", err)
	}
}
