package supervisor

import "time"

const (
	maxRefusals   = 20 // lines about what was refused, in each refusedWithin
	refusedWithin = time.Minute
)

// refusals bounds what the control socket writes to the log: each connection
// with garbage would be a line.
type refusals struct {
	until time.Time // end of the period; zero when there is none
	lines int       // in it
	more  int       // beyond them
}

// noteRefused logs that a command could not be understood or was not allowed.
func (s *Supervisor) noteRefused(text string) {
	r := &s.refused
	if r.until.IsZero() {
		r.until = s.sys.now().Add(refusedWithin)
	}
	if r.lines == maxRefusals {
		r.more++
		return
	}
	r.lines++
	s.logf("%s", text)
}

// tendRefused ends a period.
func (s *Supervisor) tendRefused(now time.Time) {
	if !s.refused.until.IsZero() && !now.Before(s.refused.until) {
		s.endRefused()
	}
}

// endRefused says how many lines were left out, also before the master ends or
// is replaced.
func (s *Supervisor) endRefused() {
	if s.refused.more > 0 {
		s.logf("control socket: %d more like this", s.refused.more)
	}
	s.refused = refusals{}
}
