package statusfmt

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// busyAfter is how long a turn of the loop lasts before it is worth a word: a
// process under load is in some turn whenever it is looked at.
const busyAfter = 100 * time.Millisecond

// maxCauseColumns bounds the cause behind [backoff]; notes tell all of it.
const maxCauseColumns = 40

var processColumns = []column{
	{"pid", right}, {"memory", right}, {"listening", left}, {"worker_name", left},
	{"connections", right}, {"send_fail", right}, {"timers", right}, {"total_request", right},
	{"qps", right}, {"throw_exception", right}, {"timestamp", right},
	{"gen", right}, {"age", right}, {"status", left},
}

// processGiving keeps who it is, what it serves now and how it is. What went
// wrong leaves last.
var processGiving = giving{
	leave: []string{
		"timestamp", "listening", "timers", "gen", "memory", "age", "qps", "total_request",
		"throw_exception", "send_fail",
	},
	cut: []string{"listening", "worker_name"},
}

// processTable is the drawn table; cells and tags are those of lines[1:].
type processTable struct {
	*fitted
	cells []string
	tags  []tag
}

// drawProcesses draws the table in width columns. Where the causes of backoffs have
// no room they are in the notes alone, which tell all of them.
func drawProcesses(snap *ipc.Snapshot, width int) (*processTable, error) {
	t, err := processesWith(snap, width, maxCauseColumns)
	if err == nil && t.note(width, "") != "" {
		t, err = processesWith(snap, width, 0)
	}
	return t, err
}

func processesWith(snap *ipc.Snapshot, width, causeColumns int) (*processTable, error) {
	t := &processTable{}
	var rows [][]string
	add := func(row []string, tag tag, cause string) {
		cell := tag.text
		if cause != "" && causeColumns > 0 {
			cell += " " + cause
		}
		rows = append(rows, append(row, cell))
		t.cells, t.tags = append(t.cells, cell), append(t.tags, tag)
	}
	for _, p := range sorted(snap) {
		tag, cause := state(p, snap.Taken)
		add(processRow(p, snap.Taken), tag, shorten(cause, causeColumns))
	}
	add(summaryRow(snap), tag{"[Summary]", bold}, "")
	var err error
	t.fitted, err = fit(processColumns, rows, 2, width, processGiving)
	return t, err
}

func (t *processTable) writeTo(p *page) {
	p.head(t.lines[0], widest(t.lines...))
	for i, l := range t.lines[1:] {
		if i == len(t.cells)-1 {
			p.ruler("")
		}
		p.row(l, t.cells[i], t.tags[i])
	}
}

// sorted orders processes by pid; slots without one follow in the order of
// declaration.
func sorted(snap *ipc.Snapshot) []ipc.ProcessRow {
	order, _ := declaration(snap)
	rows := slices.Clone(snap.Processes)
	slices.SortStableFunc(rows, func(a, b ipc.ProcessRow) int {
		if (a.PID > 0) != (b.PID > 0) {
			return cmp.Compare(b.PID, a.PID)
		}
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(order(a.Key), order(b.Key)),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.Slot, b.Slot))
	})
	return rows
}

// processRow makes all cells but status.
func processRow(p ipc.ProcessRow, now time.Time) []string {
	if p.PID <= 0 {
		return []string{none, none, orWord(p.Listen), orWord(p.Worker),
			none, none, none, none, none, none, none, none, none}
	}
	if p.Shares {
		return []string{strconv.Itoa(p.PID), none, orWord(p.Listen), orWord(p.Worker),
			number(p.Connections), none, none, none, none, none,
			strconv.FormatInt(p.Started.Unix(), 10),
			strconv.Itoa(p.Generation), age(now.Sub(p.Started))}
	}
	return []string{
		strconv.Itoa(p.PID), memory(p.Memory), orWord(p.Listen), orWord(p.Worker),
		number(p.Connections), number(p.SendFail), number(p.Timers), number(p.TotalRequest),
		rate(p.QPS), number(p.ThrowException), strconv.FormatInt(p.Started.Unix(), 10),
		strconv.Itoa(p.Generation), age(now.Sub(p.Started)),
	}
}

func summaryRow(snap *ipc.Snapshot) []string {
	var sum ipc.ProcessRow
	for _, p := range snap.Processes {
		if p.PID <= 0 {
			continue
		}
		sum.Memory += max(p.Memory, 0)
		sum.Connections += p.Connections
		sum.SendFail += p.SendFail
		sum.Timers += p.Timers
		sum.TotalRequest += p.TotalRequest
		sum.QPS += p.QPS
		sum.ThrowException += p.ThrowException
	}
	return []string{
		"Summary", memory(sum.Memory), none, none,
		number(sum.Connections), number(sum.SendFail), number(sum.Timers),
		number(sum.TotalRequest), rate(sum.QPS), number(sum.ThrowException), none, none, none,
	}
}

// state is the word in the last column and, for a slot in backoff, why.
func state(p ipc.ProcessRow, now time.Time) (t tag, cause string) {
	switch p.State {
	case "backoff":
		return tag{"[backoff next " + until(p.NextTry.Sub(now)) + "]", red}, clean(p.LastCause)
	case "starting": // has not answered yet, which is no news
		return tag{"[starting]", yellow}, ""
	}
	word, colour := clean(p.State), yellow
	switch {
	case p.State == "running":
		word, colour = "idle", green
	case !p.ToldAt.IsZero():
		word += " " + age(now.Sub(p.ToldAt))
	}
	if busy := busyWord(p); busy != "" {
		word, colour = strings.TrimPrefix(word+", "+busy, "idle, "), yellow
	}
	return tag{"[" + word + "]", colour}, ""
}

// busyWord tells how long the loop has not come round, or nothing when it
// does. A process that gave no answer at all is busy since its last one.
func busyWord(p ipc.ProcessRow) string {
	switch {
	case !p.Answered:
		return "busy " + since(max(p.Busy, p.Silent))
	case p.Busy >= busyAfter:
		return "busy " + since(p.Busy)
	}
	return ""
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func rate(perSecond float64) string { return strconv.FormatFloat(perSecond, 'f', 0, 64) }
