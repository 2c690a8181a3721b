// Bench measures wm and prints one table. It builds the server under test
// (bench/server) and the floor (bench/floor), gives them one core and the
// clients (bench/load) another, and compares the figures with what must be
// reached. docs/performance.md says how to read them.
//
//	rows.go       what is measured and what must be reached
//	echo.go       closed loops: echo, hello, broadcast
//	short.go      short connections
//	file.go       files, beside nginx
//	nginx.go      how that is run
//	price.go      the hello of http in dearer ways
//	push.go       Gateway and BusinessWorker
//	idle.go       memory of idle connections
//	tls.go        wss, and an echo beside handshakes
//	lab.go        the processes of a run: building, starting, pinning, ending
//	process.go    processor time and memory of a process
//	figures.go    from samples to one line
//	verdict.go    ok or BELOW
//	table.go      the table
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// options is how much to measure.
type options struct {
	only      []string // kinds of rows; empty: all
	duration  time.Duration
	warmup    time.Duration
	rounds    int
	idle      int           // idle connections
	settle    time.Duration // how long memory must stay the same
	receivers int           // of a broadcast
	floorPath string        // another program in the place of bench/floor
	pin       bool
}

func main() {
	o := options{warmup: 300 * time.Millisecond, settle: 2 * time.Second, pin: true}
	flag.DurationVar(&o.duration, "duration", 3*time.Second, "how long each round of a row counts")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each row is measured")
	flag.IntVar(&o.idle, "idle", 15_000, "idle connections for the memory rows")
	flag.IntVar(&o.receivers, "receivers", 1_000, "connections that hear each broadcast")
	flag.StringVar(&o.floorPath, "floor", "", "program to measure instead of bench/floor")
	only := flag.String("only", "", "kinds of rows, with commas: "+strings.Join(kinds(), ","))
	flag.Parse()
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures the chosen rows, round after round so that a slow minute of the
// machine does not hit one row alone, and prints the table to out.
func run(ctx context.Context, o options, out, progress io.Writer) (err error) {
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	l, err := newLab(ctx, o, chosen)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	samples := make(map[string][]sample)
	for round := range max(o.rounds, 1) {
		for _, r := range chosen {
			if r.once && round > 0 {
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			fmt.Fprintf(progress, "round %d: %s\n", round+1, r.name)
			s, err := r.measure(l)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			samples[r.name] = append(samples[r.name], s)
		}
	}
	all := make(map[string]figures)
	for name, s := range samples {
		all[name] = summarise(s)
	}
	return printTable(out, l.conditions(), chosen, all)
}

// choose returns the rows of the given kinds; the floor is always among them.
func choose(only []string) ([]row, error) {
	for _, kind := range only {
		if !slices.Contains(kinds(), kind) {
			return nil, fmt.Errorf("no rows of kind %q; there are %s", kind,
				strings.Join(kinds(), ", "))
		}
	}
	var chosen []row
	for _, r := range rows() {
		if len(only) == 0 || r.kind == floorKind || slices.Contains(only, r.kind) {
			chosen = append(chosen, r)
		}
	}
	return chosen, nil
}
