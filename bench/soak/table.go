package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printProcesses writes one line for each process, begin and end in each
// column.
func printProcesses(out io.Writer, rows []row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "process\tpid\tfrom\tmessages\tdescriptors\tgoroutines\ttimers\tobjects"+
		"\theap KiB\tprivate KiB\tverdict")
	for _, r := range rows {
		b, e := r.begin, r.end
		verdict := "ok"
		if leaks := r.leaks(); len(leaks) > 0 {
			verdict = "LEAK: " + strings.Join(leaks, ", ")
		}
		own := fmt.Sprintf("%d\t%d %d\t%d %d\t%d %d\t%d %d\t%d %d", e.requests-b.requests,
			b.descriptors, e.descriptors, b.goroutines, e.goroutines, b.timers, e.timers,
			b.objects, e.objects, b.heap>>10, e.heap>>10)
		if b.name == "master" {
			own = fmt.Sprintf("\t%d %d\t\t\t\t", b.descriptors, e.descriptors)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%d %d\t%s\n", b.name, r.pid, r.span, own,
			b.private>>10, e.private>>10, verdict)
	}
	return w.Flush()
}

// printTally writes what the clients saw: how often each act was played, and
// what went wrong.
func printTally(out io.Writer, t *tally) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nclients\tplayed\tanswers right\tended by a reload\twrong\terrors")
	var sum counts
	for _, name := range t.names() {
		c := t.of(name)
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\n", name, c.played, c.right, c.reloaded, c.wrong,
			c.errors)
		sum.add(c)
	}
	fmt.Fprintf(w, "all\t%d\t%d\t%d\t%d\t%d\n", sum.played, sum.right, sum.reloaded, sum.wrong,
		sum.errors)
	if err := w.Flush(); err != nil {
		return err
	}
	for _, line := range t.examples() {
		fmt.Fprintln(out, line)
	}
	return nil
}
