package worker

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
)

// Log writes a line to wm.log, and to the terminal in debug mode. It never
// blocks and may be called by any goroutine; without a process it writes to
// standard error.
func Log(format string, a ...any) {
	if p := current.Load(); p != nil {
		p.logf(format, a...)
		return
	}
	fmt.Fprintf(os.Stderr, format+"\n", a...)
}

// Logger returns a structured logger onto the same file, whose lines name the
// Worker, the slot and the pid. It may be called and used by any goroutine.
func Logger() *slog.Logger {
	p := current.Load()
	if p == nil {
		return slog.New(slog.NewTextHandler(os.Stderr, withoutTime))
	}
	return slog.New(slog.NewTextHandler(logWriter{p}, withoutTime)).With(
		"worker", p.w.Name, "slot", p.env.Slot, "pid", os.Getpid())
}

// withoutTime leaves the time to the log itself.
var withoutTime = &slog.HandlerOptions{
	ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	},
}

// logWriter gives each record of a slog handler to the harness.
type logWriter struct{ p *Process }

// Write takes one record.
func (w logWriter) Write(line []byte) (int, error) {
	w.p.logLine(string(bytes.TrimSuffix(line, []byte{'\n'})))
	return len(line), nil
}

// logf writes a line of the framework or of the author. Any goroutine.
func (p *Process) logf(format string, a ...any) {
	p.logLine(fmt.Sprintf(format, a...))
}

func (p *Process) logLine(text string) {
	if p.env.Log == nil {
		fmt.Fprintln(os.Stderr, text)
		return
	}
	p.env.Log(text)
}
