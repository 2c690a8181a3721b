package supervisor

import (
	"fmt"
	"time"
)

// Bounds of the wait for a moment in which the master may stand still. A command
// waits in a pause, and `wm status` has 2 s of patience: so a pause is short,
// and when it was in vain the commands go on for a while.
const (
	answerTimeout = 6 * time.Second        // for questions and readers, before the first pause
	pauseTimeout  = 500 * time.Millisecond // of one pause
	breath        = time.Second            // between two pauses
	quietTimeout  = 20 * time.Second       // of all this; then the upgrade is refused
)

// beginQuiet is the way from a verified binary to the exec.
func (s *Supervisor) beginQuiet(u *upgrade, now time.Time) {
	upgradeStep("quiesce")
	u.stage, u.limit, u.quietBy = answering, now.Add(answerTimeout), now.Add(quietTimeout)
}

// quiesce goes on in a moment without open questions, or when they have taken
// their time.
func (s *Supervisor) quiesce(u *upgrade, now time.Time) {
	open := len(s.collects) > 0 || s.reader() != "" || u.heldUp != ""
	if open && now.Before(u.limit) {
		return
	}
	u.stage, u.limit = pausing, now.Add(pauseTimeout)
}

// tendPause keeps commands waiting. When the last question is answered the
// images change places.
func (s *Supervisor) tendPause(u *upgrade, now time.Time) error {
	quiet := s.control.pause() && len(s.away) == 0
	last := !now.Before(u.quietBy)
	switch {
	case quiet && last:
		for _, c := range s.collects {
			c.by = now // what has not come is listed as missing
		}
		s.tendCollects(now)
		return s.exchange(u)
	case quiet && len(s.collects) == 0:
		return s.exchange(u)
	case now.Before(u.limit):
		return nil
	case last:
		return fmt.Errorf("the master could not stand still within %v: %s", quietTimeout, s.holdUp())
	}
	s.endPause(u, now)
	return nil
}

// endPause lets the commands go on. The next try is in a while.
func (s *Supervisor) endPause(u *upgrade, now time.Time) {
	first := u.heldUp == ""
	u.heldUp = s.holdUp()
	if first {
		u.tell("waits: " + u.heldUp)
	}
	s.control.thaw()
	u.stage, u.limit = answering, now.Add(breath)
}

// reader says who reads a binary, if somebody does: an exec would wait for a
// read that hangs in the kernel, with the whole service.
func (s *Supervisor) reader() string {
	if what := s.control.reader(); what != "" {
		return what
	}
	if what := s.errandAway(); what != "" {
		return what + " is being read"
	}
	return ""
}

// holdUp says what keeps the master from standing still.
func (s *Supervisor) holdUp() string {
	switch what := s.reader(); {
	case what != "":
		return what
	case len(s.collects) > 0:
		return "questions to the processes are open"
	}
	return "the control socket is busy"
}
