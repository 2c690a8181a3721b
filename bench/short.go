package main

import "github.com/workerman-go/wm/bench/load"

// shortRow connects, asks once and closes, again and again.
func shortRow(kind string, must ...bar) row {
	return row{
		kind:    kind,
		name:    kind + ", short connections",
		workers: workersOf(kind),
		must:    must,
		measure: func(l *lab) (sample, error) {
			to, talk, err := l.partner(kind)
			if err != nil {
				return sample{}, err
			}
			meter := meterOf(to)
			result, err := load.Short{Server: to.address, Talk: talk, Concurrent: clients,
				Span: l.span(meter.mark)}.Run()
			if err != nil {
				return sample{}, err
			}
			return meter.sample(result)
		},
	}
}
