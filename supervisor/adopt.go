package supervisor

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/wayback"
)

// exitProcess is for goroutines that cannot wait for the main one: it may hang
// in what they guard. An exception to "os.Exit only in cli".
var exitProcess = os.Exit

// maxReason bounds the reason of a failure in bytes: it is in the environment of
// the old image.
const maxReason = 16 << 10

// adoption is a new image that takes over the master which this process is.
// Until its commit it only reads: it duplicates descriptors and builds what it
// needs, while whoever talks to the master waits. So the old image can be
// executed again and finds everything as it left it.
type adoption struct {
	s       *Supervisor
	told    *ipc.AdoptHandover
	state   *ipc.State
	kept    map[int]bool // descriptors that are used on under their numbers
	decided atomic.Bool  // for the commit, or for the way back
}

// adopt is Run for the image that takes over.
func adopt(cfg Config) error {
	a := &adoption{s: newSupervisor(cfg, realSystem()), told: cfg.Adopt}
	// First of all: until now a stop ends the process at once.
	stopSignals := a.s.catchSignals()
	defer stopSignals()
	a.catchAgain()
	// Up to here package wayback has guarded.
	guard := time.AfterFunc(time.Duration(wayback.Disarm()), func() {
		err := a.back(fmt.Errorf("it did not take over within %v", adoptTimeout))
		fmt.Fprintf(os.Stderr, "%s: %v\n", cfg.Program, err)
		exitProcess(ipc.ExitHandover)
	})
	if err := a.prepare(); err != nil {
		return a.back(err)
	}
	a.decide()
	guard.Stop()
	defer a.s.lock.Release()
	a.commit()
	return a.s.run()
}

// catchAgain repeats the signals that the image before has not acted on.
func (a *adoption) catchAgain() {
	for _, sig := range a.told.Signals {
		select {
		case a.s.signals <- unix.Signal(sig):
		default: // more than 64; the kernel merges them too
		}
	}
}

// prepare builds everything. A panic is an error like others.
func (a *adoption) prepare() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	upgradeStep("adopt")
	if a.state, err = readState(a.told.State); err != nil {
		return err
	}
	upgradeStep("restore")
	a.kept, err = a.s.restore(a.state, false)
	if err != nil {
		return err
	}
	if err := a.s.openLog(); err != nil {
		return err
	}
	upgradeStep("commit")
	return nil
}

// decide is passed by one goroutine; the process ends for the others.
func (a *adoption) decide() {
	if !a.decided.CompareAndSwap(false, true) {
		select {}
	}
}

// back executes the old image with the same state. It returns only an error.
func (a *adoption) back(reason error) error {
	a.decide()
	if a.told.Image < 0 {
		return fmt.Errorf("the new image failed: %s\nand so did the old one: %w",
			a.told.Reason, reason)
	}
	blockSignals(a.s.signals, a.s.cfg.Daemon)
	text := reason.Error()
	adopt := &ipc.AdoptHandover{
		State: a.told.State, Image: -1, Reason: text[:min(len(text), maxReason)],
	}
	for len(a.s.signals) > 0 {
		adopt.Signals = append(adopt.Signals, int((<-a.s.signals).(unix.Signal)))
	}
	// The old image knows nothing of the number that it was kept under.
	unix.CloseOnExec(a.told.Image)
	path := fmt.Sprintf("/proc/self/fd/%d", a.told.Image)
	err := execImage(&a.s.cfg, path, adopt, nil)
	return errors.Join(reason, fmt.Errorf("execute the old image: %w", err))
}

// commit begins to act. From here on there is no way back.
func (a *adoption) commit() {
	s := a.s
	a.settleDescriptors()
	// A kernel that refuses this shows a number instead of the name.
	_ = os.WriteFile("/proc/self/comm", []byte(a.state.Comm), 0o644)
	s.phase, s.served = serving, true
	s.logCrashes()
	s.reaper = reap(s.exits, s.gone)
	for _, p := range s.byPID {
		p.link.thaw()
	}
	if w := &s.watcher; w.pid != 0 {
		w.link.thaw()
	}
	for w := range s.words {
		w.thaw()
	}
	s.openHistory()
	s.control.carry()
	u := s.upgrade
	s.upgrade = nil
	upgradeStep("committed")
	if a.told.Reason != "" {
		s.endFailedUpgrade(u, a.told.Reason)
	} else {
		window := time.Duration(monotonic() - a.state.Mono)
		s.endUpgrade(u, a.state.WM, window.Round(10*time.Microsecond))
	}
	s.dropUnused() // the executable of u, if it has waited over an exec before
}

// settleDescriptors keeps what goes on to be used from the programs that are
// executed, and closes what was duplicated.
func (a *adoption) settleDescriptors() {
	fds := append(a.state.Descriptors(), a.told.State)
	if a.told.Image >= 0 {
		fds = append(fds, a.told.Image)
	}
	for _, fd := range fds {
		if a.kept[fd] {
			unix.CloseOnExec(fd)
		} else {
			unix.Close(fd)
		}
	}
}

// endUpgrade reports success, after the window in which the master stood still.
func (s *Supervisor) endUpgrade(u *upgrade, before string, window time.Duration) {
	text := fmt.Sprintf("wm %s -> %s, pid %d, window %v",
		before, s.cfg.WM, os.Getpid(), window)
	s.logf("upgraded, %s", text)
	code := ipc.CodeDone
	if err := u.installCopy(); err != nil {
		code, text = ipc.CodeFailed, fmt.Sprintf("the master is wm %s now, but %s",
			s.cfg.WM, notInstalled(u.install, err))
		s.logf("%s", text)
	}
	s.rememberUpgrade(u, code, text, fmt.Sprintf("wm %s -> %s", before, s.cfg.WM))
	if u.then != nil {
		u.then.upgraded = true
	}
	if r := u.then; r != nil && s.queued != nil {
		s.merge(s.queued, r)
	} else if r != nil {
		s.queued = r
	}
	u.answer(code, text)
}

// endFailedUpgrade reports that the old image is back.
func (s *Supervisor) endFailedUpgrade(u *upgrade, reason string) {
	err := fmt.Errorf("the new image failed: %s", reason)
	s.logf("upgrade failed: %v", err)
	u.staged.discard()
	if u.then != nil {
		s.refuseReload(u.then, err)
	}
	s.rememberUpgrade(u, ipc.CodeFailed, err.Error(), "")
	u.answer(ipc.CodeFailed, err.Error()+"\nthe old image is back, nothing was changed")
}

// Rehearse reads the state of a master in a child of it, as Run would with
// cfg.Adopt, and changes nothing. It says on link how that went and returns
// when the master ends the link. Called by the command line.
func Rehearse(cfg Config, link *ipc.Conn) error {
	ended := make(chan struct{})
	go func() { // ends with the link
		defer close(ended)
		for {
			_, fds, err := link.Recv()
			closeDescriptors(fds)
			if err != nil {
				exitProcess(ipc.ExitOrphan) // also out of a rehearsal that hangs
			}
		}
	}()
	upgradeStep("rehearsal")
	s := newSupervisor(cfg, realSystem())
	st, err := readState(cfg.Adopt.State)
	if err == nil {
		_, err = s.restore(st, true)
	}
	if err != nil {
		return errors.Join(err, link.Send(&ipc.Failed{Code: ipc.CodeFailed, Text: err.Error()}))
	}
	// What the service closes must not stay open here.
	s.release()
	for _, fd := range append(st.Descriptors(), cfg.Adopt.State) {
		unix.Close(fd)
	}
	if err := link.Send(&ipc.Adopted{Version: cfg.WM, State: ipc.StateVersion}); err != nil {
		return err
	}
	<-ended
	return nil
}

// release closes what restore has duplicated.
func (s *Supervisor) release() {
	for _, p := range s.byPID {
		p.link.close()
		unix.Close(p.pidfd)
	}
	if w := &s.watcher; w.pid != 0 {
		w.link.close()
		unix.Close(w.pidfd)
	}
	for w := range s.words {
		w.pipe.Close()
	}
	for gen := range s.generations {
		gen.close()
	}
	if s.upgrade != nil {
		s.upgrade.staged.close()
	}
	for cl := range s.control.callers {
		cl.conn.Close()
	}
	s.control.ln.Close()
}

// readState reads the whole of a descriptor, which another image may have to
// read again.
func readState(fd int) (*ipc.State, error) {
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return nil, fmt.Errorf("state in descriptor %d: %w", fd, err)
	}
	if info.Size > ipc.MaxState {
		return nil, fmt.Errorf("%w: %d bytes", ipc.ErrTooLarge, info.Size)
	}
	text := make([]byte, info.Size)
	for at := 0; at < len(text); {
		n, err := unix.Pread(fd, text[at:], int64(at))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return nil, fmt.Errorf("state in descriptor %d: %w", fd, err)
		}
		if n == 0 && err == nil {
			break // DecodeState says that it is short
		}
		at += max(n, 0)
	}
	return ipc.DecodeState(text)
}
