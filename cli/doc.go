// Package cli is the command line: it finds the master of a run directory,
// asks it, and prints what it said; or it builds, checks and starts one.
//
// Every process of a service is the same binary and begins in Main. A hand-over
// says what it is to become; without one a person called it:
//
//	Main ── hand-over? ──┬─ none ───> Run: argv is ordered (args.go), urfave
//	                     │            runs the command (start.go, stop.go ...)
//	                     ├─ master ─> master.go, supervisor.Run
//	                     ├─ watcher ─> watch.go, in debug mode
//	                     └─ worker, probe ─> child.Main
//
// A start ends in a process with the master hand-over: in debug mode the
// command executes the binary in its own place, in daemon mode it detaches one
// (daemon.go) and waits on the start channel of ipc/spec.md. All other commands
// use the control socket (control.go). Only Main ends the process.
package cli
