package main

import (
	"fmt"

	"github.com/workerman-go/wm/bench/load"
)

// broadcastRow has one websocket client speak and all hear it. Its rate is
// deliveries; the speaker connected last, so that its own copy is the last one
// to be sent, and its latency is that of the whole broadcast.
func broadcastRow(inFlight int) row {
	return row{
		kind:    "broadcast",
		name:    echoName("broadcast", inFlight),
		workers: []string{"broadcast"},
		must:    []bar{encodedOnce()},
		measure: func(l *lab) (sample, error) {
			to, talk, err := l.partner("broadcast")
			if err != nil {
				return sample{}, err
			}
			before, err := countEncodings(to)
			if err != nil {
				return sample{}, err
			}
			s, err := l.window(to, load.Window{Talk: talk, Speakers: 1, InFlight: inFlight,
				Listeners: l.receivers - 1})
			if err != nil {
				return s, err
			}
			after, err := countEncodings(to)
			s.broadcasts = after.broadcasts - before.broadcasts
			s.encodings = after.encodings - before.encodings
			return s, err
		},
	}
}

// encodingCount is what the Worker under test has counted since it started.
type encodingCount struct{ broadcasts, encodings int }

func countEncodings(to target) (n encodingCount, err error) {
	answer, err := load.Ask(to.address, "count")
	if err != nil {
		return n, err
	}
	if _, err = fmt.Sscan(answer, &n.broadcasts, &n.encodings); err != nil {
		err = fmt.Errorf("answer to count is %q: %w", answer, err)
	}
	return n, err
}
