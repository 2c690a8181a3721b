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

// reaper is the only place that waits for processes; a second one would steal
// statuses.
type reaper struct {
	exits chan<- exit
	gone  <-chan struct{} // nobody takes exits any more
	halt  chan struct{}   // closed to freeze it
	done  chan struct{}   // closed when nothing is waited for any more
}

// reap sends every exit to exits until gone is closed, or the reaper is frozen.
func reap(exits chan<- exit, gone <-chan struct{}) *reaper {
	r := &reaper{exits: exits, gone: gone, halt: make(chan struct{}), done: make(chan struct{})}
	go r.run() // until gone or halt
	return r
}

func (r *reaper) run() {
	defer close(r.done)
	child := make(chan os.Signal, 1)
	signal.Notify(child, unix.SIGCHLD)
	defer signal.Stop(child)
	for {
		if !r.round() {
			return
		}
		select {
		case <-child:
		case <-r.halt:
			return
		case <-r.gone:
			return
		}
	}
}

// round takes every status there is. One that was taken is delivered, also by
// a reaper that is to freeze: the kernel tells it once.
func (r *reaper) round() bool {
	for {
		select {
		case <-r.halt:
			return false
		default:
		}
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return true
		}
		select {
		case r.exits <- exit{pid, int(status)}:
		case <-r.gone:
			return false
		}
	}
}

// freeze ends the reaper, see done. Who dies from then on stays a zombie for
// the next one.
func (r *reaper) freeze() { close(r.halt) }

// still tells whether it has ended.
func (r *reaper) still() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
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
