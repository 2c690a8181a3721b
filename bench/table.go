package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// columns are the heads of the table; see docs/performance.md.
var columns = []string{"row", "best/s", "median/s", "user us", "sys us", "server",
	"load", "p50 us", "p99 us", "p99.9 us", "B/conn", "must reach, and more"}

// printTable writes one line for each row that was measured.
func printTable(out io.Writer, conditions string, rows []row, all map[string]figures) error {
	if _, err := fmt.Fprintln(out, conditions); err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(columns, "\t"))
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(cells(r, all), "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(out, disturbance(all[echoName(floorKind, largeWindow)]))
	return err
}

// disturbance warns when the floor and its clients had no core of their own:
// one of the two is always busy on a quiet machine.
func disturbance(floor figures) string {
	const quiet = 0.9
	if max(floor.busy, floor.load) >= quiet {
		return ""
	}
	return fmt.Sprintf("DISTURBED: something else ran, the floor got %s of its core and the "+
		"clients %s; rates and latencies are too bad.\n", percent(floor.busy), percent(floor.load))
}

// cells are the columns of one row; a dash is what it does not measure.
func cells(r row, all map[string]figures) []string {
	f := all[r.name]
	rate, latency := f.best > 0, f.latency.Count() > 0
	name := r.name
	if f.connections > 0 {
		name += ", " + thousands(float64(f.connections)) + " connections"
	}
	var verdicts []string
	for _, b := range r.must {
		verdicts = append(verdicts, b.verdict(f, all))
	}
	switch {
	case f.skipped != "":
		verdicts = []string{"skipped: " + f.skipped}
	case r.tell != nil:
		if more := r.tell(f, all); more != "" {
			verdicts = append(verdicts, more)
		}
	}
	line := []string{name,
		cell(rate, thousands(f.best)), cell(rate, thousands(f.median)),
		cell(rate, fmt.Sprintf("%.2f", f.user)), cell(rate, fmt.Sprintf("%.2f", f.system)),
		cell(rate, percent(f.busy)), cell(rate, percent(f.load))}
	for _, q := range []float64{0.5, 0.99, 0.999} {
		line = append(line, cell(latency, microCell(f.latency.Quantile(q))))
	}
	return append(line, cell(f.connections > 0, fmt.Sprintf("%.0f", f.bytes)),
		cell(len(verdicts) > 0, strings.Join(verdicts, ", ")))
}

func cell(measured bool, text string) string {
	if !measured {
		return "-"
	}
	return text
}

func percent(v float64) string { return fmt.Sprintf("%.0f%%", 100*v) }

func microCell(d time.Duration) string { return fmt.Sprintf("%.0f", micros(d)) }

// thousands is a whole number with commas.
func thousands(v float64) string {
	digits := fmt.Sprintf("%.0f", v)
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, groups...), ",")
}

// kernel is the release of the running kernel.
func kernel() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return "unknown kernel"
	}
	return "Linux " + unix.ByteSliceToString(name.Release[:])
}
