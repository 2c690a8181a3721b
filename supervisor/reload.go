package supervisor

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// Unchanged is the last line of what a reload says that was refused before it
// touched a process. The master may be a newer one all the same, see behindUpgrade.
const Unchanged = "no process was changed"

// putBack is the last line of one that has changed some, and has undone it.
const putBack = "everything was put back"

// stage is how far a reload has come.
type stage int

const (
	waiting  stage = iota // another reload or the start is under way
	proving               // the probe of the new binary runs
	rolling               // slots change, one at a time
	settling              // its code is live, the drained processes leave
	undoing               // changed slots are put back
)

// reload replaces one generation by another.
type reload struct {
	gen      *generation
	graceful bool
	install  string // rename the binary to this after success
	renewal  *slot  // not a reload: this slot gets a fresh process, see recycle.go
	waiters  []*request
	by       []rundir.Asker

	path    string // as it was asked for
	order   uint64 // of opening: a later look at one name finds a later binary
	began   time.Time
	ifNew   bool // do nothing when the binary is live
	watched bool // the watcher asked, which tells the terminal itself
	scarce  bool // has said that it waits for descriptors

	upgraded bool // the master, first

	stage  stage
	units  []*unit // what the new generation wants, in order of declaration
	steps  []*step
	at     int // index of the step under way
	cause  string
	mixed  []string   // what could not be put back
	leaves []*process // drained by this reload

	retired int    // slots that are no more
	did     string // what it has changed, once it is live
	failed  string // what did not follow then: its binary has not got the name
}

// openReload opens the binary now, so that what is proved and started is what
// stood there when the reload was asked for, or later. Any goroutine may call it.
func (s *Supervisor) openReload(path, install string, graceful bool) (*reload, error) {
	s.opening.Lock()
	s.opened++
	r := &reload{graceful: graceful, install: install, path: path, order: s.opened}
	file, err := openHigh(path)
	s.opening.Unlock()
	if err == nil {
		r.gen, err = generationOf(path, file)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// openedUpTo is the order of the binary that was opened last.
func (s *Supervisor) openedUpTo() uint64 {
	s.opening.Lock()
	defer s.opening.Unlock()
	return s.opened
}

// beginReload proves the binary; onProved goes on.
func (s *Supervisor) beginReload(r *reload) {
	if r.began.IsZero() { // else an upgrade came between
		r.began = s.sys.now()
	}
	if r.ifNew && s.runsAll(r.gen) {
		r.answer(ipc.CodeDone, fmt.Sprintf("generation %d runs this program already", s.gen.number))
		s.dropUnused()
		return
	}
	s.roll, r.stage = r, proving
	s.lastNumber++
	r.gen.number = s.lastNumber
	s.logReload(r, "reloading%s", askedBy(r.by))
	s.reopenFiles()
	if err := s.probeBinary(r.gen, func(err error) { s.onProved(r, err) }); err != nil {
		s.endReload(r, ipc.CodeFailed, err.Error()+"\n"+Unchanged)
	}
}

// runsAll tells whether gen has the program of every process, but of those that
// no reload replaces.
func (s *Supervisor) runsAll(gen *generation) bool {
	return gen.digest == s.gen.digest && !slices.ContainsFunc(s.slots(), func(sl *slot) bool {
		return sl.plan.spec.Reloadable && sl.plan.gen.digest != gen.digest
	})
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
		err = s.enoughFiles(r.gen.specs)
	}
	if err == nil {
		r.units, err = s.unitsOf(r.gen, s.obtain)
	}
	if err != nil {
		s.endReload(r, ipc.CodeFailed, err.Error()+"\n"+Unchanged)
		return
	}
	c := s.planFor(r.gen, r.units)
	s.units, r.steps = append(s.units, c.added...), c.steps
	r.announce(c.told)
	r.stage = rolling
}

// commit makes the new generation the one that stays: removed units and
// surplus slots leave, the order of declaration is the new one, the binary gets
// its name, and the next operation may begin.
func (s *Supervisor) commit(r *reload) {
	r.stage = settling
	defer s.stepAside(r)
	if r.renewal != nil {
		return
	}
	var units []*unit
	for _, after := range r.units {
		u := unitOf(s.units, after.spec.Key)
		u.plan = after.plan
		for _, sl := range slices.Backward(surplus(u, u.spec.Count)) {
			s.retire(r, sl)
		}
		u.slots = u.slots[:min(len(u.slots), u.spec.Count)]
		units = append(units, u)
	}
	s.retireMissing(r)
	s.units, s.gen, s.settings = units, r.gen, r.gen.settings
	if r.install != "" {
		if err := r.gen.install(r.install); err != nil {
			r.failed = notInstalled(r.install, err)
			s.logf("%s", r.failed)
		}
	}
	r.did = r.done()
	s.catchUp(r)
	r.tell(ipc.Progress{Kind: "live", Text: fmt.Sprintf("generation %d is live", r.gen.number)})
	s.giveSockets()
	s.dropUnused()
}

// retireMissing empties the Workers that are not declared any more. Their exits
// are still shown, and added to those of a Worker of the same key that comes back.
func (s *Supervisor) retireMissing(r *reload) {
	for _, u := range s.units {
		if unitOf(r.units, u.spec.Key) != nil {
			s.recall(u)
			continue
		}
		u.removed = true
		for _, sl := range u.slots {
			s.retire(r, sl)
		}
		s.removed = append(s.removed, u)
	}
	s.removed = slices.Delete(s.removed, 0, max(0, len(s.removed)-maxRemoved))
}

// recall adds the exits of the removed Worker that u was before, see shown.
func (s *Supervisor) recall(u *unit) {
	before := unitOf(s.removed, u.spec.Key)
	if before == nil {
		return
	}
	for status, c := range before.exits {
		if sum := u.exits[status]; sum != nil {
			sum.all, sum.unexpected = sum.all+c.all, sum.unexpected+c.unexpected
		} else {
			u.exits[status] = c
		}
	}
	s.removed = slices.DeleteFunc(s.removed, func(x *unit) bool { return x == before })
}

// retire empties a slot for good.
func (s *Supervisor) retire(r *reload, sl *slot) {
	if p := sl.current; p != nil {
		r.retired++
		s.tell(p, r.graceful)
		sl.leaving = append(sl.leaving, p)
		sl.current = nil
		r.leaves = append(r.leaves, p)
		s.hurryOldest(sl, maxLeaving+1)
		s.progress(s.stepOf("removed", p, pidText(p)))
	}
	sl.closeInner(nil)
}

// endReload tells everybody who waits. One that was not live takes its turn back.
func (s *Supervisor) endReload(r *reload, code int, text string) {
	if s.roll == r {
		s.roll = nil
	}
	switch {
	case r.renewal != nil:
		s.endRenewal(r, code, text)
	case code != ipc.CodeDone:
		text = s.behindUpgrade(r, text)
		s.logReload(r, "reload failed: %s", text)
		s.refuse(r, text)
		s.rememberReload(r, code, text)
	default:
		text = fmt.Sprintf("%s: %s%s", s.liveWords(r), r.did, killedWords(r.leaves))
		if r.failed != "" {
			code, text = ipc.CodeFailed, joinLines(text, r.failed)
		}
		s.logReload(r, "reload complete, %s", text)
		s.rememberReload(r, code, text)
		r.answer(code, text)
	}
	s.dropUnused()
	s.poke() // for the next one
}

// behindUpgrade adds to what a refused reload says what the master has become for it,
// before the line that says what became of the processes.
func (s *Supervisor) behindUpgrade(r *reload, text string) string {
	if !r.upgraded {
		return text
	}
	now := fmt.Sprintf("the master is wm %s now", s.cfg.WM)
	for _, end := range []string{Unchanged, putBack} {
		if cause, found := strings.CutSuffix(text, "\n"+end); found {
			return joinLines(cause, now, end)
		}
	}
	return joinLines(text, now)
}

// liveWords says what serves now; r's generation may have been followed by others.
func (s *Supervisor) liveWords(r *reload) string {
	live := processes(len(s.slots()))
	if s.gen == r.gen {
		return fmt.Sprintf("generation %d is live, %s", r.gen.number, live)
	}
	return fmt.Sprintf("generation %d went live, generation %d has followed, %s",
		r.gen.number, s.gen.number, live)
}

// logReload writes a line about a reload; what the watcher asked for it shows on
// the terminal itself.
func (s *Supervisor) logReload(r *reload, format string, a ...any) {
	if r.watched {
		s.log.Record(os.Getpid(), fmt.Sprintf(format, a...))
		return
	}
	s.logf(format, a...)
}

// answer ends the wait of everybody who asked for this reload. Whoever asked for
// another binary is told that a newer one is live in its place.
func (r *reload) answer(code int, text string) {
	for _, w := range r.waiters {
		said := text
		if code == ipc.CodeDone && w.digest != r.gen.digest {
			said += "\nit has a newer binary than the one that was asked for"
		}
		w.finish(code, said)
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
