package main

import (
	"errors"
	"fmt"

	"github.com/workerman-go/wm/bench/load"
)

// maxPushBytes is what a client of a Gateway may cost there: websocket, uid, and two
// groups.
const maxPushBytes = 2048

// pushRows are the push tier: the figures are those of Gateway and BusinessWorker
// together, which share the server's core with the Register.
func pushRows() []row {
	return []row{
		echoRow("gateway", 1, rateAtLeast(2*phpPush1)),
		echoRow("gateway", largeWindow, rateAtLeast(5*phpPush16)),
		pushAllRow(1, rateAtLeast(phpDelivery1)),
		pushAllRow(largeWindow, rateAtLeast(8*phpDelivery)),
		pushUIDRow(0),
		pushUIDRow(allOthers, capacityOf(0.8, pushUIDName(0))),
		idleRow("gatewayuid", allIdle, bytesAtMost(maxPushBytes)),
	}
}

// pushAllRow has one client speak and all hear it, as broadcastRow without a
// Gateway.
func pushAllRow(inFlight int, must ...bar) row {
	return row{
		kind:    "gateway",
		name:    echoName("gateway to all", inFlight),
		workers: []string{"gatewayall"},
		must:    must,
		measure: func(l *lab) (sample, error) {
			to, talk, err := l.partner("gatewayall")
			if err != nil {
				return sample{}, err
			}
			return l.window(to, load.Window{Talk: talk, Speakers: 1, InFlight: inFlight,
				Listeners: l.receivers - 1})
		},
	}
}

// allOthers stands for as many idle clients as the memory rows have.
const allOthers = -1

// pushUIDRow has 64 clients answered through their uids, beside others that are
// silent: the cost of a send must not depend on how many there are.
func pushUIDRow(others int, must ...bar) row {
	return row{
		kind: "gateway",
		name: pushUIDName(others),
		once: true,
		must: must,
		measure: func(l *lab) (s sample, err error) {
			server, err := l.startServer([]string{"gatewayuid"})
			if err != nil {
				return s, err
			}
			defer func() { err = errors.Join(err, server.stop()) }()
			to, err := server.target("gatewayuid")
			if err != nil {
				return s, err
			}
			talk, err := talkOf("gatewayuid", to.address)
			if err != nil {
				return s, err
			}
			if others == allOthers {
				n, err := affordable(l.idle)
				if err != nil {
					return s, err
				}
				held, err := load.Hold(to.address, talk, max(n-clients, 0))
				if err != nil {
					return s, err
				}
				defer held.Close()
			}
			return l.window(to, load.Window{Talk: talk, Speakers: clients, InFlight: largeWindow})
		},
	}
}

func pushUIDName(others int) string {
	if others == allOthers {
		return echoName("gateway uid of many", largeWindow)
	}
	return echoName("gateway uid", largeWindow)
}

// isPush says that a kind of Worker is a push tier.
func isPush(kind string) bool {
	return kind == "gateway" || kind == "gatewayall" || kind == "gatewayuid"
}

// businessOf is the name of the BusinessWorker behind a Gateway.
func businessOf(gateway string) string { return gateway + " business" }

// innerPorts are free ports for the Register and for the Gateway, as BENCH_INNER
// has them.
func innerPorts() (string, error) {
	register, err := freeAddress()
	if err != nil {
		return "", err
	}
	inner, err := freeAddress()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s/%d", register, inner.Port()), nil
}
