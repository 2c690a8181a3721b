package supervisor

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// launch is what the kernel is asked to start.
type launch struct {
	gen      *generation
	title    string // argv[0], what ps shows
	handover ipc.Handover
	environ  []string
	ident    *identity
	quiet    bool  // standard output is thrown away; else it is the master's
	listener int   // descriptor; -1 for none
	same     []int // a rehearsal: passed on under their numbers, as its link is
}

// launched is a started process with the master's ends of its link and of its
// standard error.
type launched struct {
	pid   int
	pidfd int // for signals: names this process even after its pid is reused
	link  *ipc.Conn
	words *os.File
}

// Descriptors of a started process; the listener comes last because not
// everyone has one.
const (
	linkDescriptor = 3 + iota
	listenerDescriptor
)

// start executes the generation's binary. It is the only place that starts
// processes: raw descriptors, because os.StartProcess would clear O_NONBLOCK
// of the listener's description, which all processes share.
func start(l launch) (*launched, error) {
	link, linkThere, err := ipc.Pair()
	if err != nil {
		return nil, err
	}
	defer unix.Close(linkThere)
	words, wordsThere, err := os.Pipe()
	if err != nil {
		link.Close()
		return nil, fmt.Errorf("make pipe for standard error: %w", err)
	}
	defer wordsThere.Close()
	pid, pidfd, err := forkExec(l, linkThere, int(wordsThere.Fd()))
	if err != nil {
		link.Close()
		words.Close()
		return nil, fmt.Errorf("start process: %w", l.denied(err))
	}
	return &launched{pid: pid, pidfd: pidfd, link: link, words: words}, nil
}

// forkExec hands over descriptors and environment.
func forkExec(l launch, link, stderr int) (pid, pidfd int, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, -1, err
	}
	defer null.Close()
	stdout := uintptr(1)
	if l.quiet {
		stdout = null.Fd()
	}
	files := []uintptr{null.Fd(), stdout, uintptr(stderr), uintptr(link)}
	if l.listener >= 0 {
		files = append(files, uintptr(l.listener))
	}
	l.handover.Link = linkDescriptor
	if l.same != nil {
		files = l.sameNumbers(files, link)
		l.handover.Link = link
	}
	entry, err := l.handover.Encode()
	if err != nil {
		return 0, -1, err
	}
	attr := &syscall.ProcAttr{
		Env:   append(without(l.environ, ipc.HandoverVariable), entry),
		Files: files,
		Sys:   &syscall.SysProcAttr{PidFD: &pidfd},
	}
	if l.ident == nil {
		pid, err = forkExecOpen(l.gen.execPath(), l.title, attr)
		return pid, pidfd, err
	}
	attr.Sys.Credential = l.ident.credential()
	pid, err = forkExecUnprivileged(l.gen.execPath(), l.title, attr)
	return pid, pidfd, err
}

// sameNumbers passes descriptors on under the numbers that they have here, and
// nothing else but the standard ones. The executable is one of them: what is
// not passed is closed before the exec.
func (l *launch) sameNumbers(standard []uintptr, link int) []uintptr {
	passed := append(slices.Clone(l.same), link, ipc.DescriptorOf(l.gen.file))
	files := make([]uintptr, slices.Max(passed)+1)
	for i := range files {
		files[i] = ^uintptr(0)
	}
	copy(files, standard[:3])
	for _, fd := range passed {
		files[fd] = uintptr(fd)
	}
	return files
}

// forkExecUnprivileged starts the process from a thread that can never gain
// privileges, so that what runs as another user cannot either.
func forkExecUnprivileged(path, title string, attr *syscall.ProcAttr) (pid int, err error) {
	onThreadThatEnds(func() {
		if err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err == nil {
			pid, err = forkExecOpen(path, title, attr)
		}
	})
	return pid, err
}

// forkExecOpen starts a process in which no signal is blocked.
func forkExecOpen(path, title string, attr *syscall.ProcAttr) (pid int, err error) {
	failed := withOpenSignals(func() {
		pid, err = syscall.ForkExec(path, []string{title}, attr)
	})
	return pid, errors.Join(failed, err)
}

// onThreadThatEnds runs f on a thread of its own. The goroutine ends while it
// is locked to it, which ends the thread with what f has set; all but the main
// thread, which would stay, so that one is only held meanwhile.
func onThreadThatEnds(f func()) {
	done := make(chan struct{})
	go func() { // ends after f
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			f()
			return
		}
		onThreadThatEnds(f)
		runtime.UnlockOSThread()
	}()
	<-done
}

// without removes a variable from an environment.
func without(environ []string, name string) []string {
	kept := make([]string, 0, len(environ)+1)
	for _, entry := range environ {
		if !strings.HasPrefix(entry, name+"=") {
			kept = append(kept, entry)
		}
	}
	return kept
}

// An executable that somebody still writes cannot be started.
const (
	busyRetry   = 20 * time.Millisecond
	busyTimeout = time.Second
)

func isBusy(err error) bool { return errors.Is(err, unix.ETXTBSY) }
