package supervisor

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// stillEvery is how often is looked whether all goroutines stand still.
const stillEvery = 200 * time.Microsecond

// exchange stops everything that moves and executes the new image. It returns
// only when that could not be done; then everything goes on as before.
func (s *Supervisor) exchange(u *upgrade) error {
	e := &execution{s: s, u: u, memfd: -1}
	err := e.try()
	s.thaw()
	for _, sig := range e.signals {
		s.onSignal(sig)
	}
	if s.upgrade != u {
		return nil // a stop has answered those who wait
	}
	return err
}

// errStopped ends an exchange that a stop has overtaken.
var errStopped = errors.New(stoppingText)

func (e *execution) try() error {
	upgradeStep("freeze")
	s := e.s
	e.since = monotonic()
	if err := s.freeze(); err != nil {
		return err
	}
	upgradeStep("state")
	defer e.close()
	if err := e.prepare(); err != nil {
		return err
	}
	if err := e.u.image.executable(); err != nil {
		return err
	}
	upgradeStep("exec")
	blockSignals(s.signals, s.cfg.Daemon)
	defer unblockSignals(s.signals)
	for len(s.signals) > 0 {
		// The next image acts on it: a reload reads a binary first.
		sig := <-s.signals
		e.signals = append(e.signals, sig)
		if s.stopsAt(sig) {
			return errStopped
		}
	}
	if err := s.flushLog(); err != nil {
		return err
	}
	return e.exec()
}

// stopsAt tells whether a signal ends the service.
func (s *Supervisor) stopsAt(sig os.Signal) bool {
	switch sig {
	case unix.SIGINT, unix.SIGTERM, unix.SIGTSTP, unix.SIGQUIT:
		return true
	}
	return sig == unix.SIGHUP && !s.cfg.Daemon
}

// freeze makes all goroutines but the loop's stand still. What they had under
// way is handled as ever.
func (s *Supervisor) freeze() error {
	s.closeHistory()
	s.endRefused()
	for _, p := range s.byPID {
		p.link.freeze()
	}
	if w := &s.watcher; w.pid != 0 {
		w.link.freeze()
	}
	for w := range s.words {
		w.freeze()
	}
	s.control.freeze()
	s.reaper.freeze()
	timer := time.NewTimer(freezeTimeout)
	defer timer.Stop()
	look := time.NewTicker(stillEvery)
	defer look.Stop()
	for {
		select {
		case x := <-s.exits:
			s.onExit(x)
			continue
		case m := <-s.messages:
			s.onMessage(m)
			continue
		default:
		}
		moves := s.moves()
		if moves == "" && len(s.exits) == 0 && len(s.messages) == 0 {
			return s.flushLog()
		}
		select {
		case x := <-s.exits:
			s.onExit(x)
		case m := <-s.messages:
			s.onMessage(m)
		case <-look.C:
		case <-timer.C:
			return fmt.Errorf("%s did not stand still within %v", moves, freezeTimeout)
		}
	}
}

// moves says what does not stand still yet.
func (s *Supervisor) moves() string {
	for _, p := range s.byPID {
		if !p.link.still() {
			return "the link of " + p.name()
		}
	}
	if w := &s.watcher; w.pid != 0 && !w.link.still() {
		return "the link of the watcher"
	}
	for w := range s.words {
		if !w.still() {
			return "the standard error of the processes"
		}
	}
	switch {
	case !s.control.still():
		return "the control socket"
	case !s.reaper.still():
		return "the reaper"
	}
	return ""
}

func (s *Supervisor) flushLog() error {
	if !s.log.Flush(freezeTimeout) {
		return fmt.Errorf("the log could not be written within %v", freezeTimeout)
	}
	return nil
}

// thaw undoes freeze.
func (s *Supervisor) thaw() {
	for _, p := range s.byPID {
		p.link.thaw()
	}
	if w := &s.watcher; w.pid != 0 {
		w.link.thaw()
	}
	for w := range s.words {
		w.thaw()
	}
	s.control.thaw()
	s.reaper = reap(s.exits, s.gone)
	s.openHistory()
}

// execution is the new image about to be executed with a state.
type execution struct {
	s       *Supervisor
	u       *upgrade
	since   int64
	memfd   int
	fds     []int
	signals []os.Signal // that came at the last moment
}

// prepare writes the state as it is now.
func (e *execution) prepare() error {
	st := e.s.save(true)
	st.Mono = e.since
	st.Comm = processName()
	if err := e.s.enoughForImage(st); err != nil { // commands have come since
		return err
	}
	memfd, err := writeState(st)
	if err != nil {
		return err
	}
	e.memfd, e.fds = memfd, append(st.Descriptors(), memfd, ipc.DescriptorOf(e.u.image.file))
	return nil
}

func (e *execution) close() {
	if e.memfd >= 0 {
		unix.Close(e.memfd)
	}
	e.memfd = -1
}

// exec returns only an error.
func (e *execution) exec() error {
	adopt := &ipc.AdoptHandover{State: e.memfd, Image: ipc.DescriptorOf(e.u.image.file)}
	for _, sig := range e.signals {
		adopt.Signals = append(adopt.Signals, int(sig.(unix.Signal)))
	}
	err := execImage(&e.s.cfg, e.u.gen.execPath(), adopt, e.fds)
	for _, fd := range e.fds {
		unix.CloseOnExec(fd)
	}
	return fmt.Errorf("execute %s: %w", e.u.gen.path, err)
}

// execImage executes another image of the master in place of this one, with
// fds left open. It returns only an error.
func execImage(cfg *Config, path string, adopt *ipc.AdoptHandover, fds []int) error {
	entry, err := cfg.adoptHandover(ipc.RoleMaster, adopt).Encode()
	if err != nil {
		return err
	}
	environ := append(without(os.Environ(), ipc.HandoverVariable), entry)
	return WithWaitingSignals(func() error {
		for _, fd := range fds {
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
				return fmt.Errorf("descriptor %d: %w", fd, err)
			}
		}
		return unix.Exec(path, os.Args, environ)
	})
}

// monotonic is a time in ns that goes on over an exec.
func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return unix.TimespecToNsec(ts)
}

// processName is what ps and top show without arguments. An exec through a
// descriptor makes it a number.
func processName() string {
	name, _ := os.ReadFile("/proc/self/comm")
	return strings.TrimSuffix(string(name), "\n")
}
