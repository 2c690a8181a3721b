package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// ifRunning runs do when a master holds the run directory; otherwise it says
// that none runs and returns absent.
func (in *invocation) ifRunning(absent int, do func() int) int {
	held, err := in.held()
	if err != nil {
		return in.fail(err)
	}
	in.absent = absent
	if !held && in.ping() != nil {
		return in.notRunning()
	}
	return do()
}

// held tells whether a master has the run directory, also one whose lock file
// was removed.
func (in *invocation) held() (bool, error) {
	held, err := rundir.Held(in.dir.Lock)
	if held || err != nil {
		return held, err
	}
	return in.lostLock() != 0, nil
}

// lostLock is the pid of a master whose lock file was removed; 0 without one.
func (in *invocation) lostLock() int {
	return in.dir.LostLock(in.pidPath(), rundir.MasterTitle(in.Name, in.exe))
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

// masterPid is the pid of the living master; 0 when neither a lock that was
// removed nor the pid file tells.
func (in *invocation) masterPid() int {
	if pid := in.lostLock(); pid != 0 {
		return pid
	}
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
	text := silentText(pid, pid != 0 && suspended(pid), in.missing())
	return fmt.Errorf("%w%s", errSilent, text)
}

// missing lists the files by which the master is found that are not there, and
// where.
func (in *invocation) missing() string {
	var names []string
	for _, path := range []string{in.dir.Lock, in.dir.Socket, in.pidPath()} {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			names = append(names, filepath.Base(path))
		}
	}
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0] + " is missing in " + in.dir.Path
	default:
		return fmt.Sprintf("%s and %s are missing in %s",
			strings.Join(names[:n-1], ", "), names[n-1], in.dir.Path)
	}
}

// silentText follows errSilent. What is missing is made again by a master that is
// well; one of which neither pid file nor lock tells may not have made it yet.
func silentText(pid int, suspended bool, missing string) string {
	again := fmt.Sprintf("makes that again within %v, or says in its log why not",
		rundir.RestoreEvery)
	switch {
	case missing == "" && pid == 0:
		return fmt.Sprintf(" within %v", answerTimeout)
	case missing == "" && suspended:
		return fmt.Sprintf(": process %d is suspended; kill -CONT %d lets it go on", pid, pid)
	case missing == "":
		return fmt.Sprintf(" within %v (process %d)", answerTimeout, pid)
	case pid == 0:
		return ": " + missing + "\nit starts at this moment, or " + again
	case suspended:
		return fmt.Sprintf(": process %d is suspended, and %s\nkill -CONT %d lets it go on and make "+
			"that again", pid, missing, pid)
	}
	return fmt.Sprintf(" (process %d): %s\na master that is well %s", pid, missing, again)
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
