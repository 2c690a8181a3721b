package ipc

// Exit statuses of worker processes. The master adds each end to the exit
// table with its raw wait word (code times 256).
const (
	// ExitDone is an orderly end: told to leave, or StopAll(0). Replaced at
	// once unless the slot is to be vacant.
	ExitDone = 0
	// ExitMismatch: address, transport or protocol of the Worker differ
	// from the Spec the master has. Counts as early: backoff, or the end of
	// the start or reload that spawned it.
	ExitMismatch = 247
	// ExitHandover: the hand-over was unreadable or of another version.
	// The same consequences as ExitMismatch.
	ExitHandover = 248
	// ExitOrphan: the master is gone, nobody reads this.
	ExitOrphan = 249
	// ExitFailed: OnWorkerStart returned an error or panicked, or the loop
	// ended (features.md 3.30, 64000 in the exit table). Backoff applies.
	ExitFailed = 250
)

// Exit statuses of the command line (LSB init script actions where they
// exist).
const (
	// CodeDone: done; also start when running and stop when stopped.
	CodeDone = 0
	// CodeFailed: the command failed and said why; what ran still runs.
	CodeFailed = 1
	// CodeUsage: unknown command or flag.
	CodeUsage = 2
	// CodeNoStatus: status and nothing runs.
	CodeNoStatus = 3
	// CodeDenied: not permitted to talk to this master or use this directory.
	CodeDenied = 4
	// CodeNotRunning: reload, connections and the like, and nothing runs.
	CodeNotRunning = 7
	// CodeTimeout: no answer in time.
	CodeTimeout = 124
)
