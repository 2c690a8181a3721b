// Package child is the worker side: the harness around an author's Worker in
// a worker process, and the probe that tells the master what the apps declare.
// It runs after the hand-over was read and ends with the process's exit
// status.
//
// A worker process has three goroutines of its own beside the author's:
//
//	main     Start, then the event loop: all callbacks run here
//	harness  reads the link and the signals, keeps the deadlines
//	writer   writes the link, so that nobody else ever waits for the master
//
// The harness goroutine never waits for the loop. It answers ask-report from
// counters, posts everything else to the loop, and ends the process itself
// when the master is gone and the loop does not come back. The loop never
// waits for the link, except in Worker.Listen, and there at most 5 s.
package child
