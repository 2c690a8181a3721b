package main

import (
	"slices"
	"time"

	"github.com/workerman-go/wm/bench/load"
)

// sample is one round of a row. What a row does not measure is zero.
type sample struct {
	messages uint64
	elapsed  time.Duration
	cpu      cpuTime // of the server process
	load     cpuTime // of this one, which plays the clients
	latency  *load.Histogram

	connections int   // idle ones
	bytes       int64 // that they took

	broadcasts, encodings int
	handshakes            int // made by others meanwhile

	skipped string // why nothing was measured
}

// figures are all rounds of a row.
type figures struct {
	best, median float64 // messages a second
	user, system float64 // microseconds of the server for a message
	busy, load   float64 // parts of their cores that server and clients used, 0 to 1
	latency      load.Histogram

	connections int
	bytes       float64 // for a connection

	encodings  float64 // for a broadcast
	handshakes float64 // a second

	skipped string // why nothing was measured
}

// summarise takes rates for each round, and sums of all rounds for the rest:
// user time is a sample of few ticks in one round.
func summarise(samples []sample) figures {
	var f figures
	var rates []float64
	var total sample
	for _, s := range samples {
		if s.elapsed > 0 {
			rates = append(rates, float64(s.messages)/s.elapsed.Seconds())
		}
		if s.latency != nil {
			f.latency.Merge(s.latency)
		}
		total.messages += s.messages
		total.elapsed += s.elapsed
		total.cpu = total.cpu.plus(s.cpu)
		total.load = total.load.plus(s.load)
		total.connections += s.connections
		total.bytes += s.bytes
		total.broadcasts += s.broadcasts
		total.encodings += s.encodings
		f.skipped = s.skipped
		total.handshakes += s.handshakes
	}
	if len(rates) > 0 {
		slices.Sort(rates)
		f.best = rates[len(rates)-1]
		f.median = (rates[(len(rates)-1)/2] + rates[len(rates)/2]) / 2
	}
	f.user = ratio(micros(total.cpu.user), float64(total.messages))
	f.system = ratio(micros(total.cpu.system), float64(total.messages))
	f.busy = ratio(total.cpu.both().Seconds(), total.elapsed.Seconds())
	f.load = ratio(total.load.both().Seconds(), total.elapsed.Seconds())
	f.connections = total.connections
	f.bytes = ratio(float64(total.bytes), float64(total.connections))
	f.encodings = ratio(float64(total.encodings), float64(total.broadcasts))
	f.handshakes = ratio(float64(total.handshakes), total.elapsed.Seconds())
	return f
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// ratio is 0 for what was not measured.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
