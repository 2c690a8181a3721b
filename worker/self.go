package worker

import (
	"runtime"

	"github.com/workerman-go/wm/eventloop"
)

// Version is the version of wm.
const Version = "0.1.0"

// Self returns the Worker of this process (of several, in a test kit or with start
// --single, the first one of the app that calls), and nil where there is none: in the
// probe and in Start, which only declares. It may be called by any goroutine.
func Self() *Worker {
	if p := current.Load(); p != nil {
		return p.acting()
	}
	return nil
}

// Loop returns the loop of this process, from OnWorkerStart on; nil before, in
// the probe and in Start. It may be called by any goroutine, but of the loop only
// Post may be used there.
func Loop() *eventloop.Loop {
	if p := current.Load(); p != nil {
		return p.loop
	}
	return nil
}

// Generation returns the number of the reload that this process belongs to, 1 for
// what the service was started with; 0 where there is no process. It may be called
// by any goroutine.
func Generation() int {
	if p := current.Load(); p != nil {
		return p.env.Generation
	}
	return 0
}

// Args returns what follows -- on the command line of start.
func Args() []string {
	if p := current.Load(); p != nil {
		return p.env.Args
	}
	return nil
}

// CPUs returns the number of processors times factor, at least 1: for
// Worker.Count.
func CPUs(factor float64) int {
	return max(1, int(float64(runtime.NumCPU())*factor))
}
