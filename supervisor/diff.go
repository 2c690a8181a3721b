package supervisor

import (
	"fmt"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
)

const (
	// diffPatience is how long a question for a plan waits for a start or a
	// reload that is under way.
	diffPatience = time.Minute
	// maxDiffs bounds the questions in line: each holds an executable open,
	// also when its command has gone.
	maxDiffs = 16
)

// diffing is one command that asks what a reload would do.
type diffing struct {
	request *request
	gen     *generation
	by      time.Time // then it waits no longer
}

// diffByCommand puts a question for a plan in line.
func (s *Supervisor) diffByCommand(r *request) {
	switch {
	case r.err != nil:
		r.finish(ipc.CodeFailed, r.err.Error())
	case s.phase == leaving || s.phase == over:
		r.gen.close()
		r.finish(ipc.CodeFailed, stoppingText)
	case len(s.diffs) >= maxDiffs:
		r.gen.close()
		r.finish(ipc.CodeFailed, fmt.Sprintf("%d others ask for a plan; try again", maxDiffs))
	default:
		by := s.sys.now().Add(diffPatience)
		s.diffs = append(s.diffs, &diffing{request: r, gen: r.gen, by: by})
	}
}

// tendDiffs begins with the first question in line when nothing else goes on:
// a plan that is out of date when it is read would be none.
func (s *Supervisor) tendDiffs(now time.Time) {
	for len(s.diffs) > 0 {
		d := s.diffs[0]
		if s.quiet() {
			s.diffs = s.diffs[1:]
			s.proveForDiff(d)
			continue
		}
		if now.Before(d.by) {
			return
		}
		s.diffs = s.diffs[1:]
		d.end(ipc.CodeTimeout, "another operation is under way; try again when it is over")
	}
}

// proveForDiff runs the probe of the binary. Meanwhile the processes say how
// many connections they have.
func (s *Supervisor) proveForDiff(d *diffing) {
	if err := s.probeBinary(d.gen, func(err error) { s.onDiffProved(d, err) }); err != nil {
		d.end(ipc.CodeFailed, err.Error())
		return
	}
	s.askFigures()
}

// askFigures has all processes report; no command waits for these.
func (s *Supervisor) askFigures() {
	for _, p := range s.byPID {
		if p.ended == nil {
			p.link.send(&ipc.AskReport{})
		}
	}
}

// onDiffProved answers with the plan, or with why a reload would be refused.
func (s *Supervisor) onDiffProved(d *diffing, err error) {
	if s.phase != serving {
		d.end(ipc.CodeFailed, stoppingText)
		return
	}
	var units []*unit
	if err == nil {
		units, err = s.unitsOf(d.gen, s.tryOut)
	}
	if err != nil {
		d.end(ipc.CodeFailed, err.Error())
		return
	}
	d.request.reply(s.planFor(d.gen, units).told)
	d.end(ipc.CodeDone, "")
}

// tryOut is obtain without keeping or changing anything: certificates are read,
// a new address is bound for a moment. A plan whose address is new gets a
// listener that is none.
func (s *Supervisor) tryOut(pl *plan) error {
	if err := s.tryCertificates(pl.spec.Files); err != nil {
		return err
	}
	if pl.spec.Network == "" {
		return nil
	}
	if err := s.findListener(pl); err != nil || pl.lis != nil || pl.group != nil {
		return err
	}
	if err := s.sys.try(addressOf(pl.spec)); err != nil {
		return err
	}
	if pl.spec.ReusePort {
		pl.group = new(portGroup)
		return nil
	}
	pl.lis = &listener{Socket: &listen.Socket{FD: -1}, address: pl.spec.Host}
	return nil
}

// end answers and gives the executable back.
func (d *diffing) end(code int, text string) {
	d.gen.close()
	d.request.finish(code, text)
}

// cancelDiffs answers those in line when the service stops; the probe of the
// first ends by itself.
func (s *Supervisor) cancelDiffs() {
	for _, d := range s.diffs {
		d.end(ipc.CodeFailed, stoppingText)
	}
	s.diffs = nil
}
