package ipc

import (
	"fmt"
	"strings"
)

// Plan says what a reload would do, or what one that begins is about to do.
// It answers CommandDiff.
type Plan struct {
	Schema     int    `json:"schema"`
	Generation int    `json:"generation"` // that runs now
	SameBinary bool   `json:"same_binary"`
	Version    string `json:"version"` // of wm, of the master that runs
	// NextVersion is that of the binary. When it differs from Version, the
	// master is replaced too.
	NextVersion string `json:"next_version"`
	// Refused says why a reload would be refused; nothing else is known then.
	// The command line fills it in.
	Refused string `json:"refused,omitempty"`
	// Notes say in words what is not as it should be, and what is done then.
	Notes   []string     `json:"notes,omitempty"`
	Workers []PlanWorker `json:"workers"` // in the order of the new declaration, removed ones last
}

// What becomes of a Worker.
const (
	PlanNew      = "new"      // it does not run yet
	PlanReplaced = "replaced" // its processes are replaced
	PlanKept     = "kept"     // it is not reloadable: its processes stay
	PlanRemoved  = "removed"  // the binary does not declare it any more
)

// PlanWorker is what becomes of one Worker.
type PlanWorker struct {
	Key    string `json:"key"`
	App    string `json:"app"`
	Listen string `json:"listen"`           // that it has afterwards
	Source string `json:"source,omitempty"` // file:line of the New call
	Change string `json:"change"`           // new, replaced, kept or removed
	// Why lists the reasons, the first of which tells the most: "new app",
	// "Count 2 -> 4", "another build".
	Why    []string   `json:"why"`
	Opens  []string   `json:"opens"`  // addresses
	Closes []string   `json:"closes"` // addresses
	Steps  []PlanStep `json:"steps"`  // by slot
}

// Reason is all of Why in one line.
func (w *PlanWorker) Reason() string { return strings.Join(w.Why, ", ") }

// What becomes of a slot.
const (
	PlanStart   = "start"   // it has no process, and gets one
	PlanReplace = "replace" // its process leaves when another is ready
	PlanDrain   = "drain"   // its process leaves for good
	PlanKeep    = "keep"    // its process stays, and OnWorkerReload runs
)

// PlanStep is what becomes of one slot. Of what runs there now PID, Generation
// and Connections tell; 0 where nothing runs.
type PlanStep struct {
	Slot        int    `json:"slot"`
	Action      string `json:"action"` // start, replace, drain or keep
	PID         int    `json:"pid"`
	Generation  int    `json:"generation"`
	Connections int64  `json:"connections"` // last known
}

// PlanSum counts what a Plan holds. It is comparable.
type PlanSum struct{ Start, Replace, Drain, Keep, Opens, Closes int }

// Sum counts the steps and addresses of p.
func (p *Plan) Sum() PlanSum {
	var sum PlanSum
	counts := map[string]*int{
		PlanStart: &sum.Start, PlanReplace: &sum.Replace, PlanDrain: &sum.Drain, PlanKeep: &sum.Keep,
	}
	for _, w := range p.Workers {
		sum.Opens, sum.Closes = sum.Opens+len(w.Opens), sum.Closes+len(w.Closes)
		for _, step := range w.Steps {
			if n := counts[step.Action]; n != nil {
				*n++
			}
		}
	}
	return sum
}

// Upgrade tells whether the master is replaced too: the binary has another
// version of wm.
func (p *Plan) Upgrade() bool { return p.NextVersion != p.Version }

// Summary is p in one line: "3 start, 8 replace, 1 drain, 1 address closes".
func (p *Plan) Summary() string {
	var words []string
	if p.Upgrade() {
		words = append(words, fmt.Sprintf("master %s -> %s", p.Version, p.NextVersion))
	}
	sum := p.Sum()
	for _, c := range []struct {
		n         int
		one, many string
	}{
		{sum.Start, "start", "start"}, {sum.Replace, "replace", "replace"},
		{sum.Drain, "drain", "drain"}, {sum.Keep, "keep", "keep"},
		{sum.Opens, "address opens", "addresses open"},
		{sum.Closes, "address closes", "addresses close"},
	} {
		switch {
		case c.n == 1:
			words = append(words, "1 "+c.one)
		case c.n > 1:
			words = append(words, fmt.Sprintf("%d %s", c.n, c.many))
		}
	}
	if len(words) == 0 {
		return "nothing to do"
	}
	return strings.Join(words, ", ")
}
