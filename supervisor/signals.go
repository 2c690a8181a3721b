package supervisor

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// masterSignals are those the master answers; docs/signals.md is the table.
var masterSignals = []os.Signal{
	unix.SIGINT, unix.SIGTERM, unix.SIGTSTP, unix.SIGQUIT, unix.SIGHUP,
	unix.SIGUSR1, unix.SIGUSR2, unix.SIGABRT, unix.SIGIO,
}

// catchSignals begins before the pid file exists, because signals may come as
// soon as it does. SIGPIPE is caught and dropped, never ignored: ignored
// signals are inherited by what the apps start.
func (s *Supervisor) catchSignals() (stop func()) {
	signal.Notify(s.signals, masterSignals...)
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, unix.SIGPIPE)
	return func() {
		signal.Stop(s.signals)
		signal.Stop(pipes)
	}
}

// onSignal acts on one signal (features.md group 4, meaning of 5.x).
func (s *Supervisor) onSignal(sig os.Signal) {
	s.logf("received signal %s", unix.SignalName(sig.(unix.Signal)))
	if s.alone != nil && s.onSignalAlone(sig) {
		return
	}
	switch sig {
	case unix.SIGINT, unix.SIGTERM, unix.SIGTSTP:
		s.leave(false)
	case unix.SIGQUIT:
		s.leave(true)
	case unix.SIGHUP:
		if !s.cfg.Daemon {
			s.leave(false) // the terminal was closed
			return
		}
		s.reloadBySignal(false)
	case unix.SIGUSR1:
		s.reloadBySignal(false)
	case unix.SIGUSR2:
		s.reloadBySignal(true)
	case unix.SIGABRT:
		s.logStatus()
	case unix.SIGIO:
		s.logf("use `%s connections` for the list of connections", s.cfg.Program)
	}
}

// reloadBySignal takes the same road as the command, from the binary as it
// stands under its name now.
func (s *Supervisor) reloadBySignal(graceful bool) {
	r, err := newReload(s.cfg.Executable, "", graceful)
	if err != nil {
		s.logf("reload: %v", err)
		return
	}
	s.requestReload(r)
}

// logStatus answers tools that still send SIGIOT for the status file.
func (s *Supervisor) logStatus() {
	if s.gen == nil {
		s.logf("status: asking the apps what they declare")
		return
	}
	ready, total := s.counts()
	s.logf("status: %d workers, %d of %d processes ready, generation %d; use `%s status`",
		len(s.units), ready, total, s.gen.number, s.cfg.Program)
}
