package main

import (
	"cmp"
	"fmt"
	"slices"
)

const (
	// heapSlack is what a process may reach more than before: buffers that are
	// kept for the next message, maps that have grown. At some 1,000 clients
	// of a process it finds half a kilobyte lost with each.
	heapSlack = 512 << 10
	// privateSlack is more, because memory between what is reachable, and the
	// stacks of threads, belong to it. The master reports no heap, so for it
	// this is all.
	privateSlack = 4 << 20
	// masterSlack is for a log, generations and exits that it remembers.
	masterSlack = 8 << 20
)

// row is one process at two moments.
type row struct {
	pid        int
	span       string // between which measurements
	begin, end figures
}

// compare makes a row for each process that was there at both moments.
func compare(span string, begin, end map[int]figures) []row {
	var rows []row
	for pid, b := range begin {
		if e, lives := end[pid]; lives {
			rows = append(rows, row{pid, span, b, e})
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.begin.name, b.begin.name), cmp.Compare(a.pid, b.pid))
	})
	return rows
}

// leaks says what has grown; empty: nothing.
func (r row) leaks() (what []string) {
	b, e := r.begin, r.end
	slack := int64(privateSlack)
	if b.name == "master" {
		slack = masterSlack
	}
	grown := func(name string, before, after, allowed int64) {
		if after > before+allowed {
			what = append(what, fmt.Sprintf("%s +%d", name, after-before))
		}
	}
	grown("descriptors", int64(b.descriptors), int64(e.descriptors), 0)
	grown("goroutines", int64(b.goroutines), int64(e.goroutines), 0)
	grown("timers", int64(b.timers), int64(e.timers), 0)
	grown("connections", int64(b.connections), int64(e.connections), 0)
	grown("heap", b.heap, e.heap, heapSlack)
	grown("private", b.private, e.private, slack)
	return what
}

func leaking(rows []row) bool {
	return slices.ContainsFunc(rows, func(r row) bool { return len(r.leaks()) > 0 })
}
