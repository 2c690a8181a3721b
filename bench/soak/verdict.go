package main

import (
	"cmp"
	"fmt"
	"slices"
)

const (
	// objectSlack is how many objects a process may have more than before:
	// buffers that are kept for the next message, and maps that have grown. A
	// connection that is not let go is at least one, and each process gets
	// more than a thousand in the second half of ten minutes.
	objectSlack = 500
	// heapSlack is for the size of those buffers: a process keeps some of each
	// size it has needed, up to 2 MiB each, so a few objects may be much.
	heapSlack = 8 << 20
	// privateSlack is more, because memory between what is reachable, and the
	// stacks of threads, belong to it.
	privateSlack = 12 << 20
	// masterSlack is for what has not been collected: it reports no heap and
	// gives nothing back on demand.
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
	grown("objects", b.objects, e.objects, objectSlack)
	grown("heap", b.heap, e.heap, heapSlack)
	grown("private", b.private, e.private, slack)
	return what
}

func leaking(rows []row) bool {
	return slices.ContainsFunc(rows, func(r row) bool { return len(r.leaks()) > 0 })
}
