package timer

import (
	"slices"
	"time"

	"github.com/workerman-go/wm/eventloop"
)

// ID names a timer of this process; 0 is no timer. An ID is not given twice.
type ID int64

// shortest is the least positive interval: less is a forgotten unit, as in
// timer.Add(10, fn) meant as seconds.
const shortest = time.Millisecond

// unbound is where the IDs of timers begin that were added before there was a
// loop; the loop never gives one of these.
const unbound ID = 1 << 62

// process is what this process has. Owned by the loop goroutine, before there
// is one by the goroutine that runs Start; no locking.
var process = struct {
	loop   *eventloop.Loop
	log    func(format string, a ...any)
	warned bool

	added ID                       // timers added without a loop
	kept  []kept                   // those that Arm has not armed yet
	armed map[ID]eventloop.TimerID // of the others, until Del
}{}

// kept is a timer that was added before there was a loop.
type kept struct {
	id     ID
	d      time.Duration
	repeat bool
	fn     func()
}

// Bind gives the process its loop, and log for the warning about a forgotten
// unit. Package worker calls it before any code of the author runs on the loop
// of a worker process; the probe never does. A nil loop ends what the last one
// began.
func Bind(l *eventloop.Loop, log func(format string, a ...any)) {
	process.loop, process.log, process.warned = l, log, false
	if l == nil {
		Forget()
	}
}

// Arm lets the timers begin that were added before there was a loop: their
// intervals count from now. Package worker calls it on the loop, before
// OnWorkerStart and among its timers.
func Arm() {
	if process.armed == nil {
		process.armed = make(map[ID]eventloop.TimerID, len(process.kept))
	}
	for _, k := range process.kept {
		process.armed[k.id] = eventloop.TimerID(add(k.d, k.repeat, k.fn))
	}
	process.kept = nil
}

// Forget drops the timers that wait for Arm. Package worker calls it before the
// Start of each app: what others have added is not for this one's processes.
func Forget() { process.kept, process.armed = nil, nil }

// Add calls fn every interval until Del, first after one interval. The next run
// is the interval after the end of the last one. An interval of 0 is every turn
// of the loop; one under a millisecond is a forgotten unit, logged once and
// made 1 ms; a negative one adds nothing and returns 0. fn runs in the worker
// process, on the loop goroutine, and must not block.
func Add(every time.Duration, fn func()) ID { return add(every, true, fn) }

// After calls fn once after d; it takes the same intervals as Add, and 0 is the
// next turn of the loop. fn runs in the worker process, on the loop goroutine,
// and must not block.
func After(d time.Duration, fn func()) ID { return add(d, false, fn) }

// Del deletes a timer and reports whether it was still there. A timer may
// delete itself in its own callback, on its first run too.
func Del(id ID) bool {
	before := len(process.kept)
	process.kept = slices.DeleteFunc(process.kept, func(k kept) bool { return k.id == id })
	if process.loop == nil || len(process.kept) < before {
		return len(process.kept) < before
	}
	inLoop, early := process.armed[id]
	if !early {
		inLoop = eventloop.TimerID(id)
	}
	delete(process.armed, id)
	return process.loop.DelTimer(inLoop)
}

// DelAll deletes all timers of the process; those of the framework stay.
func DelAll() {
	Forget()
	if process.loop != nil {
		process.loop.DelAllTimers()
	}
}

func add(d time.Duration, repeat bool, fn func()) ID {
	if d < 0 {
		return 0
	}
	if process.loop == nil {
		process.added++
		id := unbound + process.added
		process.kept = append(process.kept, kept{id, d, repeat, fn})
		return id
	}
	if d > 0 && d < shortest {
		warn(d)
		d = shortest
	}
	return ID(process.loop.AddTimer(d, repeat, fn))
}

func warn(d time.Duration) {
	if process.warned || process.log == nil {
		return
	}
	process.warned = true
	process.log("timer: an interval of %v is under 1 ms and was made 1 ms; "+
		"write the unit, as in 10*time.Second", d)
}
