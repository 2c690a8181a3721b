// Package supervisor is the master side: it binds the listeners, keeps every
// slot filled with a live worker process, and never reads a byte from a client.
//
// All state belongs to the goroutine in Supervisor.run. Signals, exits,
// messages, requests and time only send it an event; after every event
// reconcile brings the processes to the wanted state:
//
//	signals  ─┐
//	exits    ─┤             onX: note what        reconcile: finish the dead,
//	messages ─┼─> run loop ─ happened ──────────> kill the late, fill the
//	requests ─┤                                   vacant, roll the reload on
//	wake     ─┘
//
// The master learns what to run from a probe (probe.go) and executes the
// binary through a descriptor that its generation owns (generation.go), so it
// never runs author code and never starts another binary than the one that a
// reload proved. A unit is the master's record of one Worker: its Spec, its
// listener and its slots. See slot.go for the life of a slot, reload.go for
// the order in which generations change places, queue.go for which comes next.
package supervisor
