package supervisor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/workerman-go/wm/ipc"
)

// change is what a reload does, worked out before it does anything: a reload
// carries it out, and diff only tells it.
type change struct {
	steps []*step
	added []*unit // that do not run yet
	told  *ipc.Plan
}

// planFor compares what runs with units, which are those of gen. It touches
// nothing that runs: what is new is in the change alone. What goes for good
// goes in commit, when nothing can fail any more.
func (s *Supervisor) planFor(gen *generation, units []*unit) *change {
	c := &change{told: &ipc.Plan{
		Schema: ipc.SchemaVersion, Generation: s.gen.number, SameBinary: gen.digest == s.gen.digest,
		Version: s.cfg.WM, NextVersion: gen.version,
	}}
	for _, after := range units {
		before := unitOf(s.units, after.spec.Key)
		if before == nil {
			c.addUnit(after, s.units)
			continue
		}
		c.changeUnit(before, after)
	}
	for _, u := range s.units {
		if unitOf(units, u.spec.Key) == nil {
			c.removeUnit(u, units)
		}
	}
	c.compareAddresses(s.units, units)
	s.noteCertificates(c.told, units)
	return c
}

// addUnit lists the steps of a Worker that does not run yet.
func (c *change) addUnit(u *unit, old []*unit) {
	why := "new Worker"
	if !hasApp(old, u.spec.App) {
		why = "new app"
	}
	c.added = append(c.added, u)
	row := planRow(u.spec, ipc.PlanNew, why)
	row.Steps = c.addSlots(u, u)
	c.told.Workers = append(c.told.Workers, row)
}

// changeUnit lists the steps for a Worker: its slots change in order, missing
// ones are added, surplus ones leave.
func (c *change) changeUnit(before, after *unit) {
	kind, change := replacing, ipc.PlanReplaced
	if !before.spec.Reloadable {
		kind, change = telling, ipc.PlanKept
	}
	row := planRow(after.spec, change, c.reasons(before, after)...)
	if kind == telling && before.elsewhere(after) {
		after.plan = before.plan
		row.Listen = before.spec.Listen
	}
	for _, sl := range before.slots[:min(len(before.slots), after.spec.Count)] {
		c.steps = append(c.steps, &step{kind: kind, slot: sl, from: sl.plan, to: after.plan})
		row.Steps = append(row.Steps, sl.planStep(stepWord(kind, sl)))
	}
	row.Steps = append(row.Steps, c.addSlots(before, after)...)
	for _, sl := range surplus(before, after.spec.Count) {
		if sl.current != nil {
			row.Steps = append(row.Steps, sl.planStep(ipc.PlanDrain))
		}
	}
	c.told.Workers = append(c.told.Workers, row)
}

// addSlots lists the steps for the slots that in has not got yet.
func (c *change) addSlots(in, after *unit) (told []ipc.PlanStep) {
	for n := len(in.slots); n < after.spec.Count; n++ {
		sl := newSlot(in, n)
		sl.plan = after.plan
		c.steps = append(c.steps, &step{kind: adding, slot: sl, to: after.plan})
		told = append(told, sl.planStep(ipc.PlanStart))
	}
	return told
}

// removeUnit tells of a Worker that is not declared any more.
func (c *change) removeUnit(u *unit, units []*unit) {
	why := "Worker removed"
	if !hasApp(units, u.spec.App) {
		why = "app removed"
	}
	row := planRow(u.spec, ipc.PlanRemoved, why)
	for _, sl := range u.slots {
		if sl.current != nil {
			row.Steps = append(row.Steps, sl.planStep(ipc.PlanDrain))
		}
	}
	c.told.Workers = append(c.told.Workers, row)
}

// reasons says why the processes of a Worker change, what tells the most
// first.
func (c *change) reasons(before, after *unit) []string {
	why := specChanges(before.runs(), after.spec)
	if !before.spec.Reloadable {
		for i, text := range why {
			if before.elsewhere(after) || !strings.HasPrefix(text, "Count ") {
				why[i] = text + " waits for a restart"
			}
		}
		return append(why, "not reloadable")
	}
	if c.told.SameBinary {
		return append(why, "the same build again")
	}
	return append(why, "another build")
}

// compareAddresses tells which addresses are opened and which are closed. One
// that goes from one Worker to another is neither.
func (c *change) compareAddresses(old, units []*unit) {
	had, has := addressesOf(old), addressesOf(units)
	for _, u := range units {
		if key := addressKey(u.spec); u.spec.Network != "" && !had[key] {
			row := c.row(u.spec.Key)
			row.Opens = append(row.Opens, u.spec.Listen)
		}
	}
	for _, u := range old {
		if key := addressKey(u.spec); u.spec.Network != "" && !has[key] {
			row := c.row(u.spec.Key)
			row.Closes = append(row.Closes, u.spec.Listen)
		}
	}
}

func (c *change) row(key string) *ipc.PlanWorker {
	i := slices.IndexFunc(c.told.Workers, func(w ipc.PlanWorker) bool { return w.Key == key })
	return &c.told.Workers[i]
}

func addressesOf(units []*unit) map[string]bool {
	keys := map[string]bool{}
	for _, u := range units {
		keys[addressKey(u.spec)] = true
	}
	return keys
}

// elsewhere tells whether after has another address.
func (u *unit) elsewhere(after *unit) bool { return u.lis != after.lis || u.group != after.group }

// runs is what the processes of a unit were started from. Those of a Worker
// that is not reloadable may be older than what was declared last.
func (u *unit) runs() ipc.Spec {
	spec := u.spec
	if len(u.slots) > 0 {
		spec = u.slots[0].plan.spec
	}
	spec.Count = len(u.slots)
	return spec
}

// surplus is the slots beyond count.
func surplus(u *unit, count int) []*slot { return u.slots[min(len(u.slots), count):] }

func unitOf(units []*unit, key string) *unit {
	i := slices.IndexFunc(units, func(u *unit) bool { return u.spec.Key == key })
	if i < 0 {
		return nil
	}
	return units[i]
}

func hasApp(units []*unit, app string) bool {
	return slices.ContainsFunc(units, func(u *unit) bool { return u.spec.App == app })
}

// planRow is a row without steps; its lists are never null in JSON.
func planRow(spec ipc.Spec, change string, why ...string) ipc.PlanWorker {
	return ipc.PlanWorker{
		Key: spec.Key, App: spec.App, Listen: spec.Listen, Source: spec.Source, Change: change,
		Why: why, Opens: []string{}, Closes: []string{}, Steps: []ipc.PlanStep{},
	}
}

func stepWord(k kind, sl *slot) string {
	switch {
	case k == telling:
		return ipc.PlanKeep
	case sl.current == nil:
		return ipc.PlanStart
	}
	return ipc.PlanReplace
}

// planStep tells of a slot and of who sits there now.
func (sl *slot) planStep(action string) ipc.PlanStep {
	step := ipc.PlanStep{Slot: sl.number, Action: action}
	if p := sl.current; p != nil {
		step.PID, step.Generation = p.pid, p.plan.gen.number
		step.Connections = p.figures.Connections
	}
	return step
}

// maxToldWorkers bounds the lines about single Workers with which a reload
// begins; diff tells all.
const maxToldWorkers = 10

// announce tells who waits for a reload what it is about to do: the sum, the
// notes, and the Workers with more to say than that their code may be new.
func (r *reload) announce(p *ipc.Plan) {
	r.tell(ipc.Progress{Kind: "plan", Text: p.Summary()})
	for _, note := range p.Notes {
		r.tell(ipc.Progress{Kind: "note", Text: note})
	}
	left := 0
	for _, w := range p.Workers {
		if len(w.Why) < 2 && (w.Change == ipc.PlanReplaced || w.Change == ipc.PlanKept) {
			continue
		}
		if left++; left <= maxToldWorkers {
			r.tell(ipc.Progress{Kind: "plan", Text: w.Key + ": " + w.Reason()})
		}
	}
	if left -= maxToldWorkers; left > 0 {
		r.tell(ipc.Progress{Kind: "plan", Text: fmt.Sprintf("and %d more Workers", left)})
	}
}
