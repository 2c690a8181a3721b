package supervisor

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Of signals only two things survive an exec: what the calling thread blocks,
// and what waits for the process because all of its threads block it. Handlers
// and channels are lost with what lies in them. Go lets only a few signals be
// blocked: its threads open HUP, INT, QUIT, ABRT and TERM when they begin
// (runtime.blockableSig), those of the new image too, before there is a handler.
// A mask that is set later reaches one thread: syscall.AllThreadsSyscall works
// in a signal handler, and the return from that sets the old mask again.

// waitingSignals can wait for the new image in the kernel. Each thread of a
// master blocks them from its first instruction, because the master is started
// that way, see WithWaitingSignals; all but the one thread that os/signal keeps
// for the signals somebody wants to have.
var waitingSignals = []os.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGTSTP, unix.SIGIO}

// WithWaitingSignals runs f on a thread that blocks the signals which a master
// begins with blocked. f starts a master, or executes one in place of this
// process. Any goroutine may call it.
func WithWaitingSignals(f func() error) error {
	var err error
	failed := withMask(unix.SIG_BLOCK, sigset(waitingSignals), func() { err = f() })
	if failed != nil {
		return failed
	}
	return err
}

// withOpenSignals runs f, which starts a process that is no master, on a thread
// that blocks nothing: a process inherits the mask of the thread that forks.
func withOpenSignals(f func()) error { return withMask(unix.SIG_SETMASK, unix.Sigset_t{}, f) }

// withMask runs f on a thread whose mask is changed meanwhile.
func withMask(how int, set unix.Sigset_t, f func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.Sigset_t
	if err := unix.PthreadSigmask(how, &set, &before); err != nil {
		return fmt.Errorf("signal mask: %w", err)
	}
	// What was the mask a moment ago cannot be a wrong one.
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	f()
	return nil
}

// blockSignals ends the delivery to caught for an exec; what came before is in
// it when blockSignals returns. What comes later:
//
//	USR1 USR2 TSTP IO  wait in the kernel for unblockSignals, in this image or
//	                   in the next one
//	HUP (daemon) ABRT  are ignored: they change nothing that is not asked for
//	                   again, and would end the process
//	TERM INT QUIT,     end the process at once, and so the service: late and in
//	HUP (debug mode)   no order, but none is lost
//
// A master that did not begin with its signals blocked ignores those that would
// wait.
func blockSignals(caught chan<- os.Signal, daemon bool) {
	ignored := []os.Signal{unix.SIGABRT}
	if daemon {
		ignored = append(ignored, unix.SIGHUP)
	}
	if !beganBlocked() {
		ignored = append(ignored, waitingSignals...)
	}
	settleSignals()           // Ignore drops what it finds under way
	signal.Ignore(ignored...) // before Stop, after which they would end the process
	signal.Stop(caught)       // blocks, and settles
}

// What a thread has not been woken for yet, or has taken a moment ago, is lost when
// it is ignored.
const (
	wakeTimeout = 100 * time.Millisecond
	wakeEvery   = 100 * time.Microsecond
)

// settleSignals waits until threads have taken what the kernel has for them, and
// the runtime has passed it on, which is what Stop does.
func settleSignals() {
	mine := sigset(masterSignals).Val[0]
	for end := time.Now().Add(wakeTimeout); time.Now().Before(end); time.Sleep(wakeEvery) {
		if pending()&mine == 0 && !handling() {
			break
		}
	}
	passed := make(chan os.Signal, 1)
	signal.Notify(passed, masterSignals...)
	signal.Stop(passed)
}

// unblockSignals delivers the master's signals to caught, those that waited at
// once. A new image calls it first of all.
func unblockSignals(caught chan<- os.Signal) { signal.Notify(caught, masterSignals...) }

// beganBlocked tells whether the master was started by WithWaitingSignals: all
// threads block then, but for the one of os/signal.
func beganBlocked() bool {
	want := sigset(waitingSignals).Val[0]
	open, masks := 0, masks()
	for _, mask := range masks {
		if mask&want != want {
			open++
		}
	}
	return len(masks) > 1 && open <= 1
}

// handling tells whether a thread has taken a signal that the runtime may not
// know of yet: a handler of Go's begins with all signals blocked, and TERM is
// open otherwise.
func handling() bool {
	term := sigset([]os.Signal{unix.SIGTERM}).Val[0]
	return slices.ContainsFunc(masks(), func(mask uint64) bool { return mask&term != 0 })
}

// masks are what the threads of this process block.
func masks() []uint64 {
	var masks []uint64
	tasks, _ := filepath.Glob("/proc/self/task/*/status")
	for _, task := range tasks {
		if text, err := os.ReadFile(task); err == nil {
			masks = append(masks, signalSet(string(text), "SigBlk"))
		}
	}
	return masks
}

// pending are the signals that no thread has taken yet.
func pending() uint64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	return signalSet(string(text), "ShdPnd")
}

// sigset is a set of signals as the kernel has it: signal n is bit n-1.
func sigset(signals []os.Signal) (set unix.Sigset_t) {
	for _, sig := range signals {
		set.Val[0] |= 1 << (sig.(unix.Signal) - 1)
	}
	return set
}

// signalSet reads a set of signals from the text of /proc/PID/status; 0 without
// its line.
func signalSet(status, name string) uint64 {
	_, rest, _ := strings.Cut(status, "\n"+name+":")
	line, _, _ := strings.Cut(rest, "\n")
	set, _ := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	return set
}
