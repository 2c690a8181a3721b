// Package eventloop is the one loop of a worker process: a single goroutine
// that waits for descriptors, timers, signals and posted functions and calls
// back for each of them, one after another.
//
// A turn of the loop is
//
//	wait -> listeners -> other descriptors -> posts -> timers -> flushers -> hook
//
// and takes at most 128 descriptor events and the posts and timers that were
// due when it began; what they add waits for the next turn. Flushers are how a
// connection writes everything of a turn with one system call.
//
// Everything is owned by the goroutine in Run and needs no lock there. Post is
// the only door from other goroutines; Busy and Owned may be asked by them too.
// Callbacks must not block: while one runs, nothing else of the process does.
//
// Descriptors are watched level triggered by epoll; NewPoll gives the same
// loop over poll(2). The loop never reads, writes or closes a descriptor it
// watches.
//
// An app has its loop from worker.Loop and uses OnReadable, OnWritable,
// OnSignal, Post and Now; timers have the package timer. The other methods are
// for the packages that make connections.
package eventloop
