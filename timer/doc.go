// Package timer is Workerman's Timer: it calls functions of an app later or
// again and again, on the loop of the worker process.
//
//	id := timer.Add(2500*time.Millisecond, func() {
//		fmt.Println("every two and a half seconds")
//	})
//	timer.After(20*time.Second, func() { timer.Del(id) })
//
// Timers belong to one worker process: a Worker with Count 4 that adds one in
// OnWorkerStart has four of them, and an ID means nothing in another process.
// Ask for w.ID == 0 where a thing must happen once.
//
// The callbacks run one after another with all other callbacks of the process
// and must not block. A late timer waits; the next run of a repeating one is
// its interval after the end of the last, so that runs never pile up. Timers
// follow the monotonic clock, with an error of about a millisecond: setting the
// system time does not disturb them.
//
// Timers may be added and deleted in any callback, in OnWorkerStart and in
// Start; another goroutine goes through worker.Post. One that is added in Start
// runs in every process of the app, of each of its Workers, and begins when the
// process does, just before OnWorkerStart. In the probe, which runs Start only
// to learn what it declares, it never runs. Timers added in Start and in
// OnWorkerStart, and by their callbacks, are the ones that wait for the seat and
// end when a reload hands it on.
package timer
