package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// begin takes the first step of a start: the probe. The others follow in
// onFirstProbe.
func (s *Supervisor) begin() error {
	s.started, s.startedBy = s.sys.now(), s.starter()
	gen, err := openGeneration(s.cfg.Executable)
	if err != nil {
		return err
	}
	s.lastNumber++
	gen.number = s.lastNumber
	s.generations[gen] = true
	return s.probeBinary(gen, func(err error) {
		if s.phase != probingFirst {
			return // told to stop meanwhile
		}
		if err == nil {
			err = s.establish(gen)
		}
		if err != nil {
			s.failStart(err)
		}
	})
}

// establish opens everything that the processes and the operators need, in
// the order in which a failure costs least. Then the slots are filled.
func (s *Supervisor) establish(gen *generation) error {
	s.gen, s.settings = gen, gen.settings
	if err := s.openFiles(); err != nil {
		return err
	}
	removeLeftovers(binaryOf(s.cfg.Executable))
	units, err := s.unitsOf(gen, s.obtain)
	if err != nil {
		return err
	}
	s.units = units
	for _, u := range units {
		u.resize()
		s.progress(ipc.Progress{Kind: "bind", Worker: u.spec.Key, Text: u.spec.Listen})
	}
	if err := s.openControl(); err != nil {
		return err
	}
	if err := rundir.WritePidFile(s.pidFile, os.Getpid()); err != nil {
		return err
	}
	s.phase = filling
	return nil
}

// openFiles opens the log and the standard output of the processes.
func (s *Supervisor) openFiles() error {
	s.pidFile = s.inRunDir(firstSet(s.cfg.PidFile, s.settings.PidFile, s.cfg.Dir.PidFile))
	s.noteStalePid()
	if err := s.openLog(); err != nil {
		return err
	}
	s.openHistory()
	s.logCrashes()
	return s.openOutput()
}

// openLog writes what was to be logged before, too.
func (s *Supervisor) openLog() error {
	log, err := rundir.OpenLog(rundir.LogConfig{
		Path:     s.inRunDir(firstSet(s.cfg.LogFile, s.settings.LogFile, s.cfg.Dir.LogFile)),
		Terminal: s.cfg.Terminal,
	})
	if err != nil {
		return err
	}
	s.log = log
	for _, line := range s.backlog {
		s.logf("%s", line)
	}
	s.backlog = nil
	return nil
}

// droppedLines counts what the log could not take since the start.
func (s *Supervisor) droppedLines() uint64 { return s.dropped + s.log.Dropped() }

// logCrashes makes wm.log the place where a daemon's own crash is described,
// because nobody else is there to quote it.
func (s *Supervisor) logCrashes() {
	if !s.cfg.Daemon {
		return
	}
	file, err := rundir.OpenStdout(s.log.Path())
	if err == nil {
		err = errors.Join(debug.SetCrashOutput(file, debug.CrashOptions{}), file.Close())
	}
	if err != nil {
		s.logf("a crash of the master will not be logged: %v", err)
	}
}

// openOutput makes the standard output file that of a daemon and so of all
// processes it starts. What they write to standard error passes through the
// master, see lastwords.go.
func (s *Supervisor) openOutput() error {
	if !s.cfg.Daemon {
		return nil
	}
	file, err := rundir.OpenStdout(s.stdoutFile())
	if err != nil {
		return err
	}
	defer file.Close()
	for _, standard := range []int{1, 2} {
		if err := unix.Dup3(int(file.Fd()), standard, 0); err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
	}
	return nil
}

// noteStalePid says what a left-over pid file names. The lock has shown that
// it is no master of this run directory.
func (s *Supervisor) noteStalePid() {
	pid, stale := rundir.StalePid(s.pidFile)
	if stale {
		s.died = pid
	}
	switch {
	case !stale:
	case rundir.PidExists(pid):
		s.logf("pid file %s names pid %d, which is another program; replaced", s.pidFile, pid)
	default:
		s.logf("Master pid:%d is not alive, its pid file %s is replaced", pid, s.pidFile)
	}
}

// inRunDir makes a path of the author's relative to the run directory.
func (s *Supervisor) inRunDir(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.cfg.Dir.Path, path)
}

func (s *Supervisor) stdoutFile() string {
	if !s.cfg.Daemon {
		return "" // the terminal
	}
	return s.inRunDir(firstSet(s.cfg.StdoutFile, s.settings.StdoutFile, os.DevNull))
}

// unitsOf makes a unit of each Spec, with its identity and what obtain gives
// it. Its error tells of all Specs that cannot be run.
func (s *Supervisor) unitsOf(gen *generation, obtain func(*plan) error) ([]*unit, error) {
	defer s.logCertificates()
	var errs []error
	units := make([]*unit, 0, len(gen.specs))
	for _, spec := range gen.specs {
		pl, err := s.planOf(gen, spec, obtain)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		units = append(units, &unit{plan: pl, exits: map[int]*exitCount{}})
	}
	return units, errors.Join(errs...)
}

// planOf resolves what a Spec names: user, group, certificates and address.
func (s *Supervisor) planOf(gen *generation, spec ipc.Spec,
	obtain func(*plan) error) (plan, error) {
	pl, err := plan{spec: spec, gen: gen}, error(nil)
	pl.ident, err = resolveIdentity(spec.User, spec.Group)
	if err == nil {
		err = obtain(&pl)
	}
	if err != nil {
		return plan{}, ofWorker(spec, err)
	}
	return pl, nil
}

// obtain reads the certificates of a plan and opens its address.
func (s *Supervisor) obtain(pl *plan) (err error) {
	if pl.certs, err = s.certificatesFor(pl.spec); err != nil {
		return err
	}
	return s.listenFor(pl)
}

// resize gives the unit as many slots as its Spec wants; too many are left to
// the caller.
func (u *unit) resize() {
	for n := len(u.slots); n < u.spec.Count; n++ {
		u.slots = append(u.slots, newSlot(u, n))
	}
}

// failStart ends the start with err, which the command shows, and takes back
// what it made.
func (s *Supervisor) failStart(err error) {
	if s.err == nil {
		s.err = err
		if s.log != nil {
			s.log.Record(os.Getpid(), fmt.Sprintf("start failed: %v", err))
		}
	}
	s.leave(false)
}
