package supervisor

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/rundir"
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
	by := rundir.Asker{Signal: unix.SignalName(sig.(unix.Signal)), UID: -1}
	switch sig {
	case unix.SIGINT, unix.SIGTERM, unix.SIGTSTP:
		s.stopBySignal(by, false)
	case unix.SIGQUIT:
		s.stopBySignal(by, true)
	case unix.SIGHUP:
		if !s.cfg.Daemon {
			s.stopBySignal(by, false) // the terminal was closed
			return
		}
		s.reloadBySignal(by, false)
	case unix.SIGUSR1:
		s.reloadBySignal(by, false)
	case unix.SIGUSR2:
		s.reloadBySignal(by, true)
	case unix.SIGABRT:
		s.logStatus()
	case unix.SIGIO:
		s.logf("use `%s connections` for the list of connections", s.cfg.Program)
	}
}

func (s *Supervisor) stopBySignal(by rundir.Asker, graceful bool) {
	s.stopAsked(by)
	s.leave(graceful)
}

// signalled is a reload that was asked for by signals.
type signalled struct {
	by       []rundir.Asker
	graceful bool
}

// reloadBySignal takes the same road as the command, from the binary as it
// stands under its name now, or later: one is read at a time, and one reload is
// for all signals that come meanwhile.
func (s *Supervisor) reloadBySignal(by rundir.Asker, graceful bool) {
	if next := s.signalled; next != nil {
		next.by, next.graceful = append(next.by, by), next.graceful && graceful
		return
	}
	s.signalled = &signalled{by: []rundir.Asker{by}, graceful: graceful}
	if !s.opensBySignal {
		s.openBySignal()
	}
}

// openBySignal reads the binary of the reload that signals have asked for.
func (s *Supervisor) openBySignal() {
	asked := s.signalled
	s.signalled, s.opensBySignal = nil, true
	var r *reload
	var err error
	open := func() { r, err = s.openReload(s.cfg.Executable, "", asked.graceful) }
	s.sendErrand(s.cfg.Executable, open, func() {
		s.opensBySignal = false
		if err != nil {
			s.logf("reload: %v", err)
		} else {
			r.by = asked.by
			s.requestReload(r)
		}
		if s.signalled != nil {
			s.openBySignal()
		}
	})
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
