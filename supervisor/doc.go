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
// listener and its slots. The files, by what they are about:
//
//   - the loop: supervisor.go, what it hears in signals.go, control.go (commands;
//     each one's goroutine is in caller.go), link.go, lastwords.go,
//     trace.go (what of them is shown), reap.go, exit.go
//   - the life of a slot: slot.go, and of its processes process.go, spawn.go,
//     recycle.go, collect.go (what they are asked), snapshot.go
//   - what they are given: addresses.go (which listener is kept), listener.go,
//     reuseport.go, inner.go, identity.go, certificates.go; package listen opens
//     the sockets
//   - generations change places: generation.go, probe.go, queue.go (which is next),
//     reload.go, plan.go, roll.go (the order), diff.go (only the plan)
//   - the image of the master changes: upgrade.go, upgraderehearse.go,
//     upgradeexec.go, save.go here, and adopt.go, adoptrestore.go,
//     adoptcontrol.go in the new one; signalmask.go
//   - before and beside a service: begin.go, stop.go, check.go, machine.go,
//     watcher.go, history.go, single.go
package supervisor
