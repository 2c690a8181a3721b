package supervisor

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// Bounds of an upgrade.
const (
	rehearsalTimeout = 10 * time.Second
	answerTimeout    = 6 * time.Second // for questions that are under way
	pauseTimeout     = 5 * time.Second // for requests that are about to come: their binaries are read
	freezeTimeout    = time.Second     // for all goroutines to stand still
	adoptTimeout     = 2 * time.Second // for the new image, up to its commit
)

// upgradeStep is called at the beginning of each step of an upgrade: open,
// rehearse, verify, quiesce, freeze, state, exec; rehearsal in the child;
// adopt, restore, commit, committed in the new image. Builds that are made to
// fail there replace it, see package e2e.
var upgradeStep = func(name string) {}

// ownExecutable is the running image, also after its file was replaced.
const ownExecutable = "/proc/self/exe"

// upgradeStage is how far an upgrade has come. What follows pausing is done in
// one turn of the loop, see exchange.
type upgradeStage int

const (
	opened     upgradeStage = iota // nothing was done
	rehearsing                     // the new image shows as a child that it can
	answering                      // open questions to the processes are answered
	pausing                        // nobody may ask any more
)

// upgrade replaces the image of the master.
type upgrade struct {
	gen     *generation // of the new image
	image   *generation // of the running one; nil in one that was carried over
	install string      // name that a copy of the binary gets after success
	by      []rundir.Asker
	began   time.Time
	waiters []*request
	then    *reload // what needs the new image

	stage              upgradeStage
	child              *rehearsal
	retryAt, busySince time.Time // of an executable that is being written
	limit              time.Time // of the stage
}

// newUpgrade opens the binary now, so that what is rehearsed is what stood
// there when the upgrade was asked for. Any goroutine may call it.
func newUpgrade(path, install string) (*upgrade, error) {
	gen, err := openGeneration(path)
	if err != nil {
		return nil, err
	}
	image, err := openGeneration(ownExecutable)
	if err != nil {
		gen.close()
		return nil, err
	}
	return &upgrade{gen: gen, image: image, install: install}, nil
}

// close gives back what newUpgrade has opened. The binary of a reload stays
// open for it.
func (u *upgrade) close() {
	if u.image != nil {
		u.image.close()
	}
	if u.then == nil {
		u.gen.close()
	}
}

func (s *Supervisor) upgradeByCommand(r *request) {
	if r.err != nil {
		r.finish(ipc.CodeFailed, r.err.Error()+"\nnothing was changed")
		return
	}
	r.upgrade.waiters = append(r.upgrade.waiters, r)
	s.requestUpgrade(r.upgrade)
}

// requestUpgrade queues u as the one that is next, or joins it to one of the
// same binary.
func (s *Supervisor) requestUpgrade(u *upgrade) {
	same := func(other *upgrade) bool {
		return other != nil && other.gen.digest == u.gen.digest && other.install == u.install
	}
	switch next := s.nextUpgrade; {
	case s.phase == leaving || s.phase == over:
		s.answerUpgrade(u, ipc.CodeFailed, stoppingText)
	case same(s.upgrade):
		s.upgrade.join(u)
	case next != nil: // the newer binary wins
		next.tell("another binary was asked for meanwhile, it is taken for both: " + u.gen.path)
		u.join(next)
		s.nextUpgrade = u
	default:
		s.nextUpgrade = u
	}
}

// join lets those who wait for other wait for u.
func (u *upgrade) join(other *upgrade) {
	u.waiters = append(u.waiters, other.waiters...)
	u.by = append(u.by, other.by...)
	other.waiters = nil
	other.close()
}

// upgradeFor begins an upgrade because a reload's binary is of another wm
// version. The reload is queued again in the new image, or refused with it. No
// upgrade is under way while a reload is.
func (s *Supervisor) upgradeFor(r *reload) {
	s.roll = nil
	s.lastNumber-- // it begins again
	r.gen.number, r.stage = 0, waiting
	image, err := openGeneration(ownExecutable)
	if err != nil {
		s.refuseReload(r, err)
		return
	}
	r.tell(ipc.Progress{Kind: "note", Text: fmt.Sprintf(
		"the binary is of wm %s, the master of %s: it is upgraded first", r.gen.version, s.cfg.WM)})
	s.upgrade = &upgrade{gen: r.gen, image: image, by: r.by, then: r}
	s.poke()
}

// otherImage tells whether a reload's binary needs a master of its own version.
func (s *Supervisor) otherImage(r *reload) bool {
	return s.cfg.WM != "" && r.renewal == nil && r.gen.version != s.cfg.WM
}

func (s *Supervisor) refuseReload(r *reload, err error) {
	text := fmt.Sprintf(
		"the master cannot be upgraded to its wm version: %v\nnothing was changed", err)
	s.endReload(r, ipc.CodeFailed, text)
}

// tendUpgrade takes the upgrade as far as it goes without waiting.
func (s *Supervisor) tendUpgrade(now time.Time) {
	if s.phase != serving {
		return
	}
	if s.idle() {
		s.upgrade, s.nextUpgrade = s.nextUpgrade, nil
	}
	u := s.upgrade
	if u == nil {
		return
	}
	var err error
	switch u.stage {
	case opened:
		err = s.openUpgrade(u, now)
	case rehearsing:
		err = s.tendRehearsal(u, now)
	case answering:
		s.quiesce(u, now)
	}
	if err == nil && u.stage == pausing && s.upgrade == u {
		err = s.tendPause(u, now)
	}
	if err != nil {
		s.refuseUpgrade(u, err)
	}
}

// openUpgrade begins; nothing else is under way.
func (s *Supervisor) openUpgrade(u *upgrade, now time.Time) error {
	if now.Before(u.retryAt) {
		return nil
	}
	if u.busySince.IsZero() {
		upgradeStep("open")
	}
	if u.image == nil {
		var err error
		if u.image, err = openGeneration(ownExecutable); err != nil {
			return err
		}
	}
	if u.gen.digest == u.image.digest {
		s.upgrade = nil
		s.answerUpgrade(u, ipc.CodeDone, "the master already runs this binary")
		s.poke() // for what waits
		return nil
	}
	if u.busySince.IsZero() {
		u.began = s.sys.now()
		s.logf("upgrading%s", askedBy(u.by))
	}
	err := s.rehearse(u, now)
	// A pipe that has just ended is closed while it is passed on.
	if !isBusy(err) && !errors.Is(err, unix.EBADF) {
		return err
	}
	if u.busySince.IsZero() {
		u.busySince = now
	}
	u.retryAt = now.Add(busyRetry)
	if now.Sub(u.busySince) < busyTimeout {
		return nil
	}
	return err
}

// quiesce goes on in a moment without open questions, or when they have taken
// their time.
func (s *Supervisor) quiesce(u *upgrade, now time.Time) {
	if len(s.collects) > 0 && now.Before(u.limit) {
		return
	}
	u.stage, u.limit = pausing, now.Add(pauseTimeout)
}

// tendPause keeps commands waiting. When the last question is answered the
// images change places.
func (s *Supervisor) tendPause(u *upgrade, now time.Time) error {
	quiet := s.control.pause()
	late := !now.Before(u.limit)
	if len(s.collects) > 0 && late {
		for _, c := range s.collects {
			c.by = now // what has not come is listed as missing
		}
		s.tendCollects(now)
	}
	switch {
	case quiet && len(s.collects) == 0:
		return s.exchange(u)
	case late:
		return errors.New("a request did not reach the master in time")
	}
	return nil
}

// next is when the master has to look at the upgrade without an event.
func (u *upgrade) next() time.Time {
	switch {
	case u == nil:
		return time.Time{}
	case u.stage == opened:
		return u.retryAt
	case u.stage == rehearsing && u.child.ended != nil:
		return u.child.ended.at.Add(pipeTimeout)
	case u.stage == rehearsing && u.child.late:
		return time.Time{} // nothing but its exit
	}
	return u.limit
}

// refuseUpgrade ends an upgrade that has changed nothing.
func (s *Supervisor) refuseUpgrade(u *upgrade, err error) {
	s.upgrade = nil
	s.control.thaw()
	s.logf("upgrade failed: %v", err)
	s.endRehearsal(u)
	if u.then != nil {
		s.refuseReload(u.then, err)
	}
	s.rememberUpgrade(u, ipc.CodeFailed, err.Error(), "")
	s.answerUpgrade(u, ipc.CodeFailed, err.Error()+"\nnothing was changed")
	s.poke() // for what waits
}

// answerUpgrade ends the wait of everybody who asked for it, and gives it back.
func (s *Supervisor) answerUpgrade(u *upgrade, code int, text string) {
	u.answer(code, text)
	u.close()
}

func (u *upgrade) answer(code int, text string) {
	for _, w := range u.waiters {
		w.finish(code, text)
	}
	u.waiters = nil
}

// cancelUpgrades answers those who wait for one that a stop has overtaken.
func (s *Supervisor) cancelUpgrades() {
	for _, u := range []*upgrade{s.upgrade, s.nextUpgrade} {
		if u == nil {
			continue
		}
		s.endRehearsal(u)
		s.cancel(u.then, stoppingText)
		s.rememberUpgrade(u, ipc.CodeFailed, stoppingText, "")
		s.answerUpgrade(u, ipc.CodeFailed, stoppingText)
	}
	if s.upgrade != nil && s.control != nil {
		s.control.thaw()
	}
	s.upgrade, s.nextUpgrade = nil, nil
}

// tell passes progress on to everybody who waits.
func (u *upgrade) tell(text string) {
	p := ipc.Progress{Kind: "note", Text: text}
	for _, w := range u.waiters {
		w.reply(&p)
	}
	if u.then != nil {
		u.then.tell(p)
	}
}
