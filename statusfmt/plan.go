package statusfmt

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/ipc"
)

var planColumns = []column{
	{"  slot", right}, {"action", left}, {"pid", right}, {"generation", right}, {"connections", right},
}

// planColours are those of what becomes of a Worker, of a slot and of an
// address.
var planColours = map[string]colour{
	ipc.PlanNew: green, ipc.PlanStart: green, "opens": green,
	ipc.PlanReplace: yellow, ipc.PlanReplaced: yellow,
	ipc.PlanRemoved: red, ipc.PlanDrain: red, "closes": red,
}

// Plan writes the page of wm diff: what becomes of each Worker and why, of its
// addresses and slots, the notes, and the sum. Called by the command line.
func Plan(w io.Writer, plan *ipc.Plan, opt Options) error {
	var rows [][]string
	for _, worker := range plan.Workers {
		for _, s := range worker.Steps {
			rows = append(rows, planRow(s))
		}
	}
	lines, err := table(planColumns, rows, 2)
	if err != nil {
		return err
	}
	p := newPage(opt)
	p.head(lines[0], widest(lines...))
	if plan.Upgrade() {
		p.prose(fmt.Sprintf("master %s -> %s, while all processes keep running",
			clean(plan.Version), clean(plan.NextVersion)))
	}
	lines = lines[1:]
	for _, worker := range plan.Workers {
		p.planWorker(worker, lines[:len(worker.Steps)])
		lines = lines[len(worker.Steps):]
	}
	for _, note := range plan.Notes {
		p.prose(p.paint(yellow, "note") + " " + clean(note))
	}
	reload := opt.ReloadCommand
	if reload == "" {
		reload = "wm reload"
	}
	p.prose(clean(plan.Summary()) + "; " + clean(reload) + " does this")
	_, err = w.Write(p.Bytes())
	return err
}

// planWorker draws a Worker above the lines of its slots.
func (p *page) planWorker(w ipc.PlanWorker, slots []string) {
	p.prose(fmt.Sprintf("%s  %s  %s: %s", p.paint(bold, clean(w.Key)), clean(w.Listen),
		p.planWord(w.Change), clean(w.Reason())))
	for _, address := range w.Opens {
		p.prose("  " + p.planWord("opens") + " " + clean(address))
	}
	for _, address := range w.Closes {
		p.prose("  " + p.planWord("closes") + " " + clean(address))
	}
	for i, l := range slots {
		action := clean(w.Steps[i].Action)
		p.line("%s", strings.Replace(l, action, p.planWord(action), 1))
	}
}

func (p *page) planWord(word string) string { return p.paint(planColours[word], clean(word)) }

func planRow(s ipc.PlanStep) []string {
	row := []string{strconv.Itoa(s.Slot), clean(s.Action), none, none, none}
	if s.PID > 0 {
		row = append(row[:2], strconv.Itoa(s.PID), strconv.Itoa(s.Generation), number(s.Connections))
	}
	return row
}

// PlanJSON writes the page of diff --json. Lists are never null.
func PlanJSON(w io.Writer, plan *ipc.Plan) error {
	doc := *plan
	doc.Schema = ipc.SchemaVersion
	doc.Workers = append([]ipc.PlanWorker{}, plan.Workers...)
	for i := range doc.Workers {
		row := &doc.Workers[i]
		row.Why, row.Opens = append([]string{}, row.Why...), append([]string{}, row.Opens...)
		row.Closes = append([]string{}, row.Closes...)
		row.Steps = append([]ipc.PlanStep{}, row.Steps...)
	}
	summary := doc.Summary()
	if doc.Refused != "" {
		summary = "refused"
	}
	return encode(w, planDocument{doc, summary})
}

// planDocument is what diff --json prints.
type planDocument struct {
	ipc.Plan
	Summary string `json:"summary"`
}
