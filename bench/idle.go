package main

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/workerman-go/wm/bench/load"
)

const (
	// settleLimit is how long memory may keep changing.
	settleLimit = 20 * time.Second
	// settleStep is the time between two looks at it.
	settleStep = 100 * time.Millisecond
	// rehearsal is how many connections make a process allocate what it has
	// only once, before memory is compared.
	rehearsal = 64
	// spareDescriptors is what a process needs beside its connections.
	spareDescriptors = 200
)

// allIdle stands for as many connections as were asked for.
const allIdle = 0

// idleRow compares the private memory of a fresh process before and after many
// connections that each sent one message.
func idleRow(kind string, count int, must ...bar) row {
	return row{
		kind: "idle",
		name: idleName(kind, count),
		once: true,
		must: must,
		measure: func(l *lab) (s sample, err error) {
			server, err := l.startServer([]string{kind})
			if err != nil {
				return s, err
			}
			defer func() { err = errors.Join(err, server.stop()) }()
			to, err := server.target(kind)
			if err != nil {
				return s, err
			}
			wanted := l.idle
			if count != allIdle {
				wanted = min(count, l.idle)
			}
			return l.idleMemory(kind, to, wanted)
		},
	}
}

func idleName(kind string, count int) string {
	if count == allIdle {
		return "idle " + kind
	}
	return "idle " + kind + ", few"
}

func (l *lab) idleMemory(kind string, to target, wanted int) (s sample, err error) {
	talk, err := talkOf(kind, to.address)
	if err != nil {
		return s, err
	}
	n, err := affordable(wanted)
	if err != nil {
		return s, err
	}
	first, err := load.Hold(to.address, talk, rehearsal)
	if err != nil {
		return s, err
	}
	first.Close()
	before, err := l.settled(to.pid)
	if err != nil {
		return s, err
	}
	held, err := load.Hold(to.address, talk, n)
	if err != nil {
		return s, err
	}
	defer held.Close()
	after, err := l.settled(to.pid)
	s.connections, s.bytes = n, after-before
	return s, err
}

// affordable is how many of the wanted connections the limit of descriptors
// allows; clients and server have the same limit.
func affordable(wanted int) (int, error) {
	limit, err := descriptorLimit()
	if err != nil {
		return 0, err
	}
	n := min(wanted, limit-spareDescriptors)
	if n < 1 {
		return 0, fmt.Errorf("descriptors are limited to %d", limit)
	}
	return n, nil
}

// settled waits until private memory has stayed within half a percent for the
// settling time. The garbage of connecting counts when the server keeps it.
func (l *lab) settled(pid int) (int64, error) {
	began := time.Now()
	var anchor int64
	since := began
	for {
		now, err := privateBytes(pid)
		if err != nil {
			return 0, err
		}
		if math.Abs(float64(now-anchor)) > float64(anchor)/200 {
			anchor, since = now, time.Now()
		}
		if time.Since(since) >= l.settle {
			return now, nil
		}
		if time.Since(began) > settleLimit {
			return 0, fmt.Errorf("memory of process %d still changes after %v", pid, settleLimit)
		}
		time.Sleep(settleStep)
	}
}
