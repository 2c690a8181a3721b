package statusfmt

import (
	"fmt"
	"io"
	"strconv"

	"github.com/workerman-go/wm/ipc"
)

var checkColumns = []column{
	{"worker", left}, {"listening", left}, {"processes", right}, {"address", left},
	{"declared in", left},
}

var checkGiving = giving{
	leave: []string{"processes"}, cut: []string{"listening", "address", "declared in", "worker"},
}

// Check writes the page of wm check: the Workers, and then each finding with
// what to do about it. Called by the command line.
func Check(w io.Writer, found *ipc.Check, opt Options) error {
	p := newPage(opt)
	drawn := new(fitted)
	if len(found.Workers) > 0 {
		var rows [][]string
		for _, row := range found.Workers {
			address := row.Address
			if address == "" {
				address = none
			}
			rows = append(rows, []string{clean(row.Key), clean(row.Listen), strconv.Itoa(row.Count),
				clean(address), clean(row.Source)})
		}
		var err error
		if drawn, err = fit(checkColumns, rows, 2, opt.Width, checkGiving); err != nil {
			return err
		}
		p.head(drawn.lines[0], widest(drawn.lines...))
		for _, l := range drawn.lines[1:] {
			p.line("%s", l)
		}
	}
	for _, f := range found.Findings {
		p.finding(f)
	}
	p.missing(drawn)
	_, err := w.Write(p.Bytes())
	return err
}

// finding keeps the line breaks of compilers and last words.
func (p *page) finding(f ipc.Finding) {
	colour := yellow
	if f.Level == ipc.FindingError {
		colour = red
	}
	of := ""
	if f.Worker != "" {
		of = fmt.Sprintf("worker %s (%s): ", clean(f.Worker), clean(f.Source))
	}
	level := p.paint(colour, fmt.Sprintf("%-8s", clean(f.Level)))
	p.prose(level + " " + of + cleanLines(f.Text))
	if f.Advice != "" {
		p.prose("         " + clean(f.Advice))
	}
}

// CheckJSON writes the page of check --json. Lists are never null.
func CheckJSON(w io.Writer, found *ipc.Check) error {
	doc := *found
	doc.Schema = ipc.SchemaVersion
	doc.Workers = append([]ipc.CheckedWorker{}, found.Workers...)
	doc.Findings = append([]ipc.Finding{}, found.Findings...)
	return encode(w, doc)
}
