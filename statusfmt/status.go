package statusfmt

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/ipc"
)

var exitGiving = giving{cut: []string{"worker_name"}}

var exitColumns = []column{{"worker_name", left}, {"exit_status", right}, {"exit_count", right}}

// Status writes the page of wm status: the service, the ends of its processes
// and one line for each process. Called by the command line.
func Status(w io.Writer, snap *ipc.Snapshot, opt Options) error {
	exits, err := fit(exitColumns, exitRows(snap), 2, opt.Width, exitGiving)
	if err != nil {
		return err
	}
	procs, err := drawProcesses(snap, opt.Width)
	if err != nil {
		return err
	}
	version := versionLine(snap, opt)
	p := newPage(opt, append(procs.lines, version)...)
	p.line("Start worker in %s mode.", clean(snap.Mode))
	p.ruler("GLOBAL STATUS")
	p.prose(version)
	p.pair(fmt.Sprintf("start time:%s run %s", snap.Started.Format("2006-01-02 15:04:05"),
		uptime(snap.Taken.Sub(snap.Started))), "load average: "+load(snap.Load))
	p.line("%d workers %d processes", len(snap.Workers), live(snap))
	p.head(exits.lines[0], widest(exits.lines...))
	for _, l := range exits.lines[1:] {
		p.line("%s", l)
	}
	p.ruler("PROCESS STATUS")
	procs.writeTo(p)
	for _, n := range notes(snap) {
		p.prose(n)
	}
	p.missing(procs.fitted)
	if opt.Live {
		p.line("\nPress Ctrl+C to quit.")
	}
	_, err = w.Write(p.Bytes())
	return err
}

func load(averages []float64) string {
	if len(averages) == 0 {
		return none
	}
	words := make([]string, len(averages))
	for i, a := range averages {
		words[i] = strconv.FormatFloat(a, 'f', 2, 64)
	}
	return strings.Join(words, ", ")
}

// live counts the processes that exist.
func live(snap *ipc.Snapshot) int {
	n := 0
	for _, p := range snap.Processes {
		if p.PID > 0 && !p.Shares {
			n++
		}
	}
	return n
}

// exitRows lists the ends by Worker in the order of declaration, then those of
// Workers that a reload removed. A Worker without any end has one row "0 0".
func exitRows(snap *ipc.Snapshot) (rows [][]string) {
	order, names := declaration(snap)
	exits := slices.Clone(snap.Exits)
	slices.SortStableFunc(exits, func(a, b ipc.ExitRow) int {
		return cmp.Or(cmp.Compare(order(a.Key), order(b.Key)), cmp.Compare(a.Key, b.Key),
			cmp.Compare(a.Status, b.Status))
	})
	row := func(name string, status, count int) {
		rows = append(rows, []string{orWord(name), strconv.Itoa(status), strconv.Itoa(count)})
	}
	for i, name := range names {
		if len(exits) == 0 || order(exits[0].Key) != i {
			row(name, 0, 0)
		}
		for len(exits) > 0 && order(exits[0].Key) == i {
			row(exits[0].Name, exits[0].Status, exits[0].Count)
			exits = exits[1:]
		}
	}
	for _, e := range exits {
		row(e.Name, e.Status, e.Count)
	}
	return rows
}

// declaration returns the place of each key in the order of declaration, which
// is behind all others for an unknown one, and the names in that order.
func declaration(snap *ipc.Snapshot) (order func(key string) int, names []string) {
	place := map[string]int{}
	for i, w := range snap.Workers {
		place[w.Key] = i
		names = append(names, w.Name)
	}
	return func(key string) int {
		if i, known := place[key]; known {
			return i
		}
		return len(names)
	}, names
}
