// Soak runs a real service with connects, disconnects and traffic of every
// kind for a while, and looks whether descriptors, goroutines and memory end
// where they began. docs/performance.md says how to read its table.
//
//	service.go    the service: build, start, its commands
//	status.go     what the service says of its processes
//	measure.go    descriptors, goroutines and memory of each process
//	verdict.go    ok or LEAK
//	table.go      what is printed
//	soak.go       the order of a run
//	play.go       how many clients come, and when
//	acts.go       what clients do: all of it, by name
//	talk.go       clients that talk, and the ends of their connections
//	abuse.go      clients that break off, break rules, or stop reading
//	web.go        clients of http
//	datagram.go   clients over udp
//	client.go     one client: dialling, deadlines, wrong answers
//	lines.go      text and frame as clients speak them
//	socket.go     websocket as clients speak it
//	tally.go      what the clients saw
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// options is how long and how hard to soak.
type options struct {
	duration time.Duration
	rate     int // clients a second, on average
	seed     uint64
}

func main() {
	var o options
	flag.DurationVar(&o.duration, "duration", 10*time.Minute, "how long clients are played")
	flag.IntVar(&o.rate, "rate", 100, "clients a second, on average")
	flag.Uint64Var(&o.seed, "seed", 1, "chooses what each client does")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	good, err := run(ctx, o, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
	}
	if err != nil || !good {
		os.Exit(1)
	}
}
