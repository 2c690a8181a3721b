package supervisor

import (
	"fmt"
	"time"

	"github.com/workerman-go/wm/ipc"
)

const (
	lookEvery    = time.Second      // at processes whose Worker has limits
	dumpPatience = time.Second      // for the stacks of a hanging process
	renewAgain   = 30 * time.Second // after a renewal that failed
	maxSpread    = 0.1              // of MaxAge and MaxRequests, see worker.Life
)

// limited tells whether the Worker has a limit that must be looked at. With
// ReusePort the processes are looked at too, see frozen.
func limited(spec ipc.Spec) bool {
	return spec.HangTimeout > 0 || spec.MaxAge > 0 || spec.MaxRequests > 0 || spec.MaxMemory > 0
}

// lookAfter kills processes that hang and renews those that have reached a
// limit: one at a time, the oldest first, so that each gets its turn.
func (s *Supervisor) lookAfter(now time.Time) {
	if s.phase != serving || now.Before(s.nextLook) {
		return
	}
	s.nextLook = time.Time{}
	var oldest *process
	for _, sl := range s.slots() {
		p := sl.current
		if p == nil || !limited(sl.plan.spec) && sl.plan.group == nil {
			continue
		}
		s.nextLook = now.Add(lookEvery)
		if p.state != running || p.ended != nil {
			continue
		}
		s.endHang(p, now)
		if p.exhausted(now) != "" && !now.Before(sl.renewAfter) &&
			(oldest == nil || p.started.Before(oldest.started)) {
			oldest = p
		}
		p.link.send(&ipc.AskReport{}) // no command waits for this one
	}
	if oldest != nil && s.quiet() && !s.renewing() {
		s.renew(oldest, now)
	}
}

// endHang kills a process whose loop has been in one turn for too long, or
// that does not even answer, after it has shown where.
func (s *Supervisor) endHang(p *process, now time.Time) {
	limit := p.plan.spec.HangTimeout
	silent := !p.answeredAt.IsZero() && now.Sub(p.answeredAt) > limit+2*lookEvery
	if limit <= 0 || p.hung || p.figures.Busy <= limit && !silent {
		return
	}
	p.hung = true
	p.killAt = now.Add(dumpPatience)
	p.link.send(&ipc.Dump{})
	s.logf("%s hangs in a callback for more than %v, is killed", p.name(), limit)
}

// exhausted says which limit the process has reached; empty when none.
func (p *process) exhausted(now time.Time) string {
	spec := p.plan.spec
	age := now.Sub(p.started)
	switch {
	case spec.MaxAge > 0 && age >= time.Duration(float64(spec.MaxAge)*p.spread):
		return fmt.Sprintf("is %v old", age.Round(time.Second))
	case spec.MaxRequests > 0 &&
		float64(p.figures.TotalRequest) >= float64(spec.MaxRequests)*p.spread:
		return fmt.Sprintf("had %d requests", p.figures.TotalRequest)
	case spec.MaxMemory > 0:
		if used := privateMemory(p.pid); used >= spec.MaxMemory {
			return fmt.Sprintf("uses %.1f MiB", float64(used)/(1<<20))
		}
	}
	return ""
}

// renew replaces one process by another of its own plan, the new one first.
// One that cannot be replaced is left alone for a while.
func (s *Supervisor) renew(p *process, now time.Time) {
	sl := p.slot
	sl.renewAfter = now.Add(renewAgain)
	s.logf("%s %s, is renewed", p.name(), p.exhausted(now))
	s.roll = &reload{
		gen: sl.plan.gen, stage: rolling, renewal: sl,
		steps: []*step{{kind: replacing, slot: sl, from: sl.plan, to: sl.plan}},
	}
}

// endRenewal logs how a renewal ended.
func (s *Supervisor) endRenewal(r *reload, code int, text string) {
	if code != ipc.CodeDone {
		s.logf("%s was not renewed: %s", r.renewal.label(), text)
		return
	}
	r.renewal.renewAfter = time.Time{}
}
