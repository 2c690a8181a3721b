package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// ifRunning runs do when a master holds the run directory; otherwise it says
// that none runs and returns absent.
func (in *invocation) ifRunning(absent int, do func() int) int {
	held, err := rundir.Held(in.dir.Lock)
	if err != nil {
		return in.fail(err)
	}
	in.absent = absent
	if !held && in.ping() != nil {
		return in.notRunning()
	}
	return do() // also when somebody has removed the lock file of a living master
}

func (in *invocation) notRunning() int {
	tell := in.say
	if in.absent != ipc.CodeDone {
		tell = in.complain
	}
	in.tellStalePid(tell)
	if in.absent == ipc.CodeDone {
		tell("not run")
	} else {
		tell("not run in %s; %s starts it", in.dir.Path, in.typed("start -d"))
	}
	return in.absent
}

// tellStalePid mentions a pid file that a killed master left behind.
func (in *invocation) tellStalePid(tell func(string, ...any)) {
	pid, stale := rundir.StalePid(in.pidPath())
	switch {
	case !stale:
	case rundir.PidExists(pid):
		tell("pid file %s names %d, which is another program; the next start writes it anew",
			in.pidPath(), pid)
	default:
		tell("Master pid:%d is not alive; the next start writes its pid file anew", pid)
	}
}

// pidPath is where the pid file is expected without asking the apps.
func (in *invocation) pidPath() string {
	if in.pidFile != "" {
		return in.pidFile
	}
	return in.dir.PidFile
}

// masterPid is the pid of the living master; 0 when the pid file does not tell.
func (in *invocation) masterPid() int {
	pid, err := rundir.ReadPidFile(in.pidPath())
	if err != nil || !rundir.MasterAlive(pid) {
		return 0
	}
	return pid
}

// whySilent says what can be seen from outside about a master that does not
// answer.
func (in *invocation) whySilent() error {
	pid := in.masterPid()
	if pid == 0 {
		return fmt.Errorf("%w within %v", errSilent, answerTimeout)
	}
	if suspended(pid) {
		return fmt.Errorf("%w: process %d is suspended; kill -CONT %d lets it go on",
			errSilent, pid, pid)
	}
	return fmt.Errorf("%w within %v (process %d)", errSilent, answerTimeout, pid)
}

// suspended tells whether a process was stopped by a signal.
func suspended(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The name of the program may contain anything; the state follows its ")".
	_, rest, _ := strings.Cut(string(text[max(strings.LastIndexByte(string(text), ')'), 0):]), " ")
	return strings.HasPrefix(rest, "T")
}
