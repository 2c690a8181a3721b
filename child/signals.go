package child

import (
	"os"
	"os/signal"
	"syscall"
)

// workerIgnores are signals that mean nothing to a worker process: those that
// people and old tools send to the master, Ctrl+Z, which makes the master stop
// everybody, and SIGPIPE. ABRT and IO are here because the runtime would dump
// all goroutines.
var workerIgnores = []os.Signal{
	syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE,
	syscall.SIGABRT, syscall.SIGIO, syscall.SIGTSTP,
}

// probeIgnores leaves INT and TERM at their default: nothing in a probe is
// worth an orderly end. When the terminal closes the link ends.
var probeIgnores = append([]os.Signal{syscall.SIGHUP, syscall.SIGQUIT}, workerIgnores...)

// discardSignals makes signals harmless to this process. Not by
// signal.Ignore: ignored signals stay ignored in the programs that author
// code executes.
func discardSignals(sigs ...os.Signal) {
	// Nobody reads it: Notify drops what does not fit.
	signal.Notify(make(chan os.Signal, 1), sigs...)
}

// catchSignals returns the signals that stop this process. HUP is one while
// there is a terminal that can close (debug mode), unless it was started by
// nohup.
func catchSignals(debug bool) <-chan os.Signal {
	caught := make(chan os.Signal, 8)
	signal.Notify(caught, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	switch {
	case signal.Ignored(syscall.SIGHUP):
	case debug:
		signal.Notify(caught, syscall.SIGHUP)
	default:
		discardSignals(syscall.SIGHUP)
	}
	discardSignals(workerIgnores...)
	return caught
}

// onSignal stops this process alone; the master puts another one into the
// slot. A second signal is harmless.
func (p *process) onSignal(sig os.Signal) {
	p.leave(departure{graceful: sig == syscall.SIGQUIT, within: p.stopTimeout(), enforced: true})
}
