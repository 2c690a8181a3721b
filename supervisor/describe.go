package supervisor

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// describeStatus puts a raw wait word into words.
func describeStatus(status int) string {
	w := unix.WaitStatus(status)
	if w.Signaled() {
		text := "signal " + unix.SignalName(w.Signal())
		if w.CoreDump() {
			text += ", core dumped"
		}
		return text
	}
	return fmt.Sprintf("exit status %d", w.ExitStatus())
}

// maxQuoted is how many lines of last words a message shows: of a panic the
// first ones say what and where.
const maxQuoted = 20

// indent sets text off from the sentence before it.
func indent(text string) string {
	lines := strings.Split(text, "\n")
	if len(lines) > maxQuoted {
		lines = append(lines[:maxQuoted:maxQuoted],
			fmt.Sprintf("... %d more lines", len(lines)-maxQuoted))
	}
	return "    " + strings.Join(lines, "\n    ")
}

// label names a process or slot in logs and messages: the words an operator
// finds in status.
func (sl *slot) label() string {
	return fmt.Sprintf("%s/%d", sl.unit.spec.Key, sl.number)
}

// workerError says whose declaration an error is about, and in which line.
type workerError struct {
	spec ipc.Spec
	err  error
}

func (e *workerError) Error() string {
	return fmt.Sprintf("worker %s (%s): %v", e.spec.Key, e.spec.Source, e.err)
}

func (e *workerError) Unwrap() error { return e.err }

func ofWorker(spec ipc.Spec, err error) error { return &workerError{spec, err} }

// killedWords says how many of the processes that were told to leave had to be
// killed; nothing when none.
func killedWords(told []*process) string {
	n := 0
	for _, p := range told {
		if p.killed {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %s did not leave in time and had to be killed", processes(n))
}

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}
