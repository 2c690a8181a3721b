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
// Ask for w.ID == 0 where a thing must happen once. In the probe, which runs
// Start only to learn what it declares, timers are accepted and never run.
//
// The callbacks run one after another with all other callbacks of the process
// and must not block. A late timer waits; the next run of a repeating one is
// its interval after the end of the last, so that runs never pile up. Timers
// follow the monotonic clock, with an error of about a millisecond: setting the
// system time does not disturb them.
//
// Timers may be added and deleted in any callback and in OnWorkerStart; another
// goroutine goes through worker.Post. Timers added in OnWorkerStart, and by
// their callbacks, are the ones that end when a reload hands this seat on.
package timer
