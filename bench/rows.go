package main

import (
	"fmt"
	"slices"
)

// row is one line of the table.
type row struct {
	kind    string // what -only chooses
	name    string
	workers []string // of the server that all rows share
	once    bool     // measured in the first round only
	measure func(l *lab) (sample, error)
	must    []bar
	// tell says more behind the verdicts; nil: nothing.
	tell func(f figures, all map[string]figures) string
}

const (
	floorKind   = "floor"
	messageSize = 32 // bytes of payload
	clients     = 64
	largeWindow = 16
)

// Rates of PHP Workerman 5.2.2 with the event extension, the fastest of those
// measured, with 16 messages in flight.
const (
	phpEcho = 193_000
	phpHTTP = 198_000
)

// Rates of PHP GatewayWorker 4.0.0 on it: echoes through Gateway and BusinessWorker
// with 1 and with 16 messages in flight, and deliveries of a broadcast to 1,000
// clients.
const (
	phpPush1     = 56_000
	phpPush16    = 69_000
	phpDelivery  = 250_000
	phpDelivery1 = 230_000
)

// rows are all lines in the order of the table. What must be reached is from
// the design: rates and CPU against PHP and against the floor of this run.
func rows() []row {
	all := []row{
		echoRow(floorKind, 1), echoRow(floorKind, largeWindow),
		shortRow(floorKind),
	}
	for _, kind := range []string{"tcp", "text", "frame", "websocket"} {
		all = append(all,
			echoRow(kind, 1, userAtMost(0.6), sysLike(echoName(floorKind, 1))),
			echoRow(kind, largeWindow, rateAtLeast(8*phpEcho),
				shareOf(0.7, echoName(floorKind, largeWindow))))
	}
	all = append(all,
		echoRow("http", 1, userAtMost(0.6), sysLike(echoName(floorKind, 1))),
		echoRow("http", largeWindow, rateAtLeast(5*phpHTTP)))
	for _, kind := range []string{"tcp", "text", "http"} {
		all = append(all, shortRow(kind, userAtMost(2.2)))
	}
	for _, p := range []page{largePage, smallPage} {
		all = append(all, nginxFileRow(p), fileRow(p, fastAs("nginx", p.nginxRow())))
	}
	all = append(all, prices()...)
	all = append(all, pushRows()...)
	return append(all,
		broadcastRow(1), broadcastRow(largeWindow),
		largeRow("websocket", 1),
		largeRow("wss", 1, capacityOf(0.5, largeName("websocket", 1))),
		largeRow("websocket", largeWindow),
		largeRow("wss", largeWindow, capacityOf(0.5, largeName("websocket", largeWindow))),
		beside(nothing), beside(steady), beside(burst),
		idleRow("tcp", allIdle, bytesAtMost(700)), idleRow("websocket", allIdle, bytesAtMost(1100)),
		idleRow("wss", allIdle, bytesAtMost(10<<10)),
		idleRow("http", 1000, bytesAtMost(1228)), idleRow("http", allIdle, bytesAtMost(1228)),
		idleRow("handler", allIdle))
}

func echoName(kind string, inFlight int) string {
	return fmt.Sprintf("%s, %d in flight", kind, inFlight)
}

// kinds are the words that -only knows.
func kinds() []string {
	var all []string
	for _, r := range rows() {
		if !slices.Contains(all, r.kind) {
			all = append(all, r.kind)
		}
	}
	return all
}
