package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
	"github.com/workerman-go/wm/wayback"
)

// Bounds of an upgrade.
const (
	rehearsalTimeout = 10 * time.Second // to tell a slow one from one that hangs
	verifyTimeout    = 10 * time.Second // for the binary to be read once more, and copied
	freezeTimeout    = time.Second      // for all goroutines to stand still
	// adoptTimeout is for the new image, up to its commit, and for its rehearsal
	// up to the same point: what is slow there would be slow here.
	adoptTimeout = time.Duration(wayback.Limit)
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
	opened     upgradeStage = iota // the running image is read, nothing was done
	rehearsing                     // the new image shows as a child that it can
	verifying                      // its file is read again, and copied for the service
	answering                      // open questions to the processes are answered
	pausing                        // nobody may ask any more
	copying                        // it runs already: nothing but the copy is made
)

// upgrade replaces the image of the master.
type upgrade struct {
	gen     *generation // of the new image
	image   *generation // of the running one; nil until it was read
	install string      // name that a copy of the binary gets after success; empty: none is made
	by      []rundir.Asker
	began   time.Time
	waiters []*request
	then    *reload // what needs the new image
	staged  *staged // for install; nil until the binary is verified

	stage              upgradeStage
	child              *rehearsal
	retryAt, busySince time.Time // of an executable that is being written
	limit              time.Time // of the stage
	quietBy            time.Time // then there are no more pauses
	heldUp             string    // why the last pause was in vain; empty before the first
}

// newUpgrade opens the binary now, so that what is rehearsed is what stood
// there when the upgrade was asked for. Any goroutine may call it.
func newUpgrade(path, install string) (*upgrade, error) {
	gen, err := openGeneration(path)
	if err != nil {
		return nil, err
	}
	return &upgrade{gen: gen, install: install}, nil
}

// close gives back what was opened and made for it. The binary of a reload stays
// open for it.
func (u *upgrade) close() {
	u.staged.discard()
	if u.image != nil {
		u.image.close()
	}
	if u.then == nil {
		u.gen.close()
	}
}

func (s *Supervisor) upgradeByCommand(r *request) {
	if r.err != nil {
		s.logf("upgrade failed: %v", r.err)
		s.rememberRefused(r, r.err.Error())
		r.finish(ipc.CodeFailed, r.err.Error()+"\nnothing was changed")
		return
	}
	r.upgrade.waiters = append(r.upgrade.waiters, r)
	s.requestUpgrade(r.upgrade)
}

// tendUpgrade takes the upgrade as far as it goes without waiting.
func (s *Supervisor) tendUpgrade(now time.Time) {
	if s.phase != serving {
		return
	}
	if s.idle() && s.upgradeFirst() {
		next := s.upgrades[0]
		s.upgrades = slices.Delete(s.upgrades, 0, 1)
		s.beginUpgrade(next)
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
	case verifying, copying:
		if !now.Before(u.limit) {
			err = fmt.Errorf("%s within %v", u.slowDisk(), verifyTimeout)
		}
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

// beginUpgrade makes u the one under way, and has read what runs now. There is
// no limit for that: a master whose own file hangs hangs at its next page.
func (s *Supervisor) beginUpgrade(u *upgrade) {
	s.upgrade = u
	var image *generation
	var err error
	s.sendErrand("the running image", func() { image, err = openGeneration(ownExecutable) }, func() {
		switch {
		case s.upgrade != u && image != nil:
			image.close()
		case s.upgrade != u:
		case err != nil:
			s.refuseUpgrade(u, err)
		default:
			u.image = image
		}
	})
}

// openUpgrade begins; nothing else is under way.
func (s *Supervisor) openUpgrade(u *upgrade, now time.Time) error {
	if u.image == nil || now.Before(u.retryAt) {
		return nil
	}
	if u.busySince.IsZero() {
		upgradeStep("open")
	}
	if u.gen.digest == u.image.digest {
		s.installOnly(u, now)
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
