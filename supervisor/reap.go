package supervisor

import (
	"os"
	"os/signal"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// exit is one wait result.
type exit struct{ pid, status int }

// reap sends every exit to exits until stop is closed. It is the only place
// that waits for processes; a second one would steal statuses.
func reap(exits chan<- exit, stop <-chan struct{}) {
	child := make(chan os.Signal, 1)
	signal.Notify(child, unix.SIGCHLD)
	defer signal.Stop(child)
	for {
		for {
			var status unix.WaitStatus
			pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
			if err == unix.EINTR {
				continue
			}
			if err != nil || pid <= 0 {
				break
			}
			select {
			case exits <- exit{pid, int(status)}:
			case <-stop:
				return
			}
		}
		select {
		case <-child:
		case <-stop:
			return
		}
	}
}

// adoptOrphans makes processes that lose their parent below the master its
// children, so that none escapes the sweep at the end.
func adoptOrphans() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// children lists the pids of all present children of this process.
func children() []int {
	var pids []int
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		text, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		for _, field := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
