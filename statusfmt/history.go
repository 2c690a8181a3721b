package statusfmt

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

var historyColumns = []column{
	{"when", left}, {"what", left}, {"result", left}, {"took", right}, {"gen", right},
	{"by", left}, {"changed", left},
}

var historyGiving = giving{leave: []string{"gen", "took"}, cut: []string{"changed", "by"}}

// maxByColumns holds a uid and a pid of seven digits each.
const maxByColumns = 28

// historyDocument is what history --json prints.
type historyDocument struct {
	Schema  int                   `json:"schema"`
	Entries []rundir.HistoryEntry `json:"entries"`
	Damaged int                   `json:"damaged"`
}

// History writes the page of wm history, in the order of entries. What a
// failure said follows its row, and a note how many lines of the file could
// not be read. Called by the command line with what it read of wm.history.
func History(w io.Writer, entries []rundir.HistoryEntry, damaged int, opt Options) error {
	cells := make([][]string, 0, len(entries))
	for _, e := range entries {
		cells = append(cells, historyCells(e))
	}
	drawn, err := fit(historyColumns, cells, 2, opt.Width, historyGiving)
	if err != nil {
		return err
	}
	p := newPage(opt, drawn.lines...)
	p.ruler(" WM HISTORY ")
	for i, l := range drawn.lines {
		p.line("%s", l)
		if i > 0 {
			for _, said := range historyWords(entries[i-1]) {
				p.prose("    " + said)
			}
		}
	}
	if len(entries) == 0 && damaged == 0 {
		p.line("nothing has been done to this service yet")
	}
	if damaged > 0 {
		p.line("left out: %s that cannot be read", plural(damaged, "damaged line"))
	}
	p.missing(drawn)
	_, err = w.Write(p.Bytes())
	return err
}

// HistoryJSON writes the page of wm history --json. Lists are never null.
func HistoryJSON(w io.Writer, entries []rundir.HistoryEntry, damaged int) error {
	return encode(w, historyDocument{
		Schema:  ipc.SchemaVersion,
		Entries: append([]rundir.HistoryEntry{}, entries...),
		Damaged: damaged,
	})
}

func historyCells(e rundir.HistoryEntry) []string {
	result := "ok"
	if e.Code != ipc.CodeDone {
		result = "failed"
	}
	gen := none
	if e.Generation > 0 {
		gen = fmt.Sprint(e.Generation)
	}
	return []string{
		e.Time.Format(time.DateTime), orNone(clean(e.What)), result, since(max(e.Duration, 0)), gen,
		shorten(askers(e), maxByColumns), orNone(clean(e.Changed)),
	}
}

// askers names the first and counts the others.
func askers(e rundir.HistoryEntry) string {
	if len(e.By) == 0 {
		return none
	}
	text := clean(e.By[0].String())
	if more := len(e.By) - 1 + e.Others; more > 0 {
		text += fmt.Sprintf(" +%d", more)
	}
	return text
}

// historyWords is what is worth a line of its own: why something failed, and
// what a success had to say beyond its row.
func historyWords(e rundir.HistoryEntry) []string {
	if e.Text == "" || e.Code == ipc.CodeDone && e.What == "reload" {
		return nil
	}
	text := e.Text
	if e.Code == ipc.CodeDone && e.Changed != "" { // an upgrade says more of the same
		text = strings.TrimPrefix(text, e.Changed+", ")
	}
	var lines []string
	for _, l := range strings.Split(text, "\n") {
		lines = append(lines, clean(l))
	}
	return lines
}
