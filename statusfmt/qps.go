package statusfmt

import "github.com/workerman-go/wm/ipc"

// QPS fills the messages per second of each process of next from what it had
// counted in prev. Without an earlier count it stays 0: prev may be nil, a
// process may be new, or may not have answered. Called by status -d.
func QPS(prev, next *ipc.Snapshot) {
	for i := range next.Processes {
		next.Processes[i].QPS = 0
	}
	if prev == nil {
		return
	}
	seconds := next.Taken.Sub(prev.Taken).Seconds()
	if seconds <= 0 {
		return
	}
	type process struct { // a pid may be used again; its start tells
		pid     int
		started int64
	}
	name := func(p ipc.ProcessRow) process {
		return process{p.PID, p.Started.UnixNano()}
	}
	counted := map[process]int64{}
	for _, p := range prev.Processes {
		counted[name(p)] = p.TotalRequest
	}
	for i, p := range next.Processes {
		before, known := counted[name(p)]
		if known && p.Answered && p.PID > 0 && p.TotalRequest > before {
			next.Processes[i].QPS = float64(p.TotalRequest-before) / seconds
		}
	}
}
