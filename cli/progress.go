package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/workerman-go/wm/ipc"
)

// progress prints the steps of a start, stop or reload, one line each.
type progress struct {
	out    io.Writer
	colour bool
	quiet  bool
	undone bool // a failure is put back
}

func (in *invocation) newProgress() *progress {
	return &progress{out: in.stdout, colour: colours(in.stdout), quiet: in.quiet}
}

// Colours of the words that need an eye.
var progressColours = map[string]string{
	"replaced": "\x1b[32m",
	"added":    "\x1b[32m",
	"failed":   "\x1b[31m",
	"rollback": "\x1b[33m",
	"put back": "\x1b[33m",
}

// hidden are the steps that are too many, or that the next one makes plain.
var hidden = map[string]bool{
	"probe": true, "bind": true, "starting": true, "ready": true,
	"draining": true, "stopped": true, "mixed": true,
}

// show prints m when it is a step that a person waits for.
func (p *progress) show(m ipc.Message) {
	if step, ok := m.(*ipc.Progress); ok {
		p.step(*step)
	}
}

func (p *progress) step(s ipc.Progress) {
	if hidden[s.Kind] || p.quiet && s.Kind != "failed" {
		return
	}
	if s.Kind == "rollback" {
		p.undone = true
	} else if p.undone && s.Kind == "replaced" {
		s.Kind = "put back"
	}
	kind := fmt.Sprintf("%-8s", s.Kind)
	if colour := progressColours[s.Kind]; p.colour && colour != "" {
		kind = colour + kind + "\x1b[0m"
	}
	fmt.Fprintf(p.out, "  %s %s\n", kind, describe(s))
}

// nameWidth holds todpole/businessworker/TodpoleBusinessWorker/0, and leaves room for
// two pids within 80 columns. The steps come one by one, so nobody knows the longest.
const nameWidth = 45

// describe is what a step is about. Last words below the first line come again
// with the result.
func describe(s ipc.Progress) string {
	line, _, _ := strings.Cut(s.Text, "\n")
	if s.Worker == "" {
		return line
	}
	return fmt.Sprintf("%-*s %s", nameWidth, fmt.Sprintf("%s/%d", s.Worker, s.Slot), line)
}
