package supervisor

import (
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// Descriptors of the master. A reload replaces one process after another, and
// what an old one has comes back when it has left. So it needs what stays, and
// room for one process beside the one that it replaces. Putting back needs the
// same room once more for each slot, one after another; it may go down to what
// starting a process takes, which is the reserve that rolling leaves it.
// With 1,024 descriptors 200 processes have 600, and up to 130 that drain.
const (
	// processFiles stay as long as a process: link, standard error, pidfd.
	processFiles = 3
	// startFiles are closed when a process has started: its ends of link and
	// standard error, /dev/null, the two ends of the pipe that tells how the
	// exec went.
	startFiles = 5
	// spareFiles are left to others: four commands, the log and the history
	// that are opened again, a certificate, the folder in which is counted.
	spareFiles = 8
	// roomToReplace is what one step needs while it is taken.
	roomToReplace = processFiles + startFiles + spareFiles
	// masterFiles are open without any process: the standard ones, poller, log,
	// history, crashes, lock, control socket, two executables.
	masterFiles = 16
)

// enoughFiles refuses a reload that the limit of descriptors would end in the
// middle.
func (s *Supervisor) enoughFiles(specs []ipc.Spec) error {
	open, limit := s.sys.files()
	// Those who leave will have given theirs back, see waitForFiles.
	leaving, _ := s.leavers(func(*process) bool { return true })
	free := max(limit-open, 0) + leaving*processFiles
	need := roomToReplace
	for _, spec := range specs {
		need += s.filesFor(spec)
	}
	if need <= free {
		return nil
	}
	return fmt.Errorf("the reload needs about %d descriptors, %d are free of %d: "+
		"raise ulimit -n, or LimitNOFILE of systemd", need, free, limit)
}

// imageFiles are open in a new image beside what it is given: the standard ones,
// poller, log, history, crashes, the state, two executables, and what it reads.
const imageFiles = 20

// enoughForImage refuses an upgrade whose new image would run out of descriptors,
// as the old one would again. Up to the commit it has what it is given, a duplicate
// of that, and a new pidfd of each process.
func (s *Supervisor) enoughForImage(st *ipc.State) error {
	_, limit := s.sys.files()
	need := imageFiles + 2*len(st.Descriptors()) + len(st.Processes)
	if need <= limit {
		return nil
	}
	return fmt.Errorf("the new image needs up to %d descriptors, the limit is %d: "+
		"raise ulimit -n, or LimitNOFILE of systemd", need, limit)
}

// filesFor is what a Worker gets that it has not got yet: processes and sockets.
func (s *Supervisor) filesFor(spec ipc.Spec) int {
	live := 0
	if u := unitOf(s.units, spec.Key); u != nil {
		for _, sl := range u.slots {
			if sl.current != nil {
				live++
			}
		}
	}
	need := max(spec.Count-live, 0) * processFiles
	switch key := addressKey(spec); {
	case spec.Network == "" || s.listeners[key] != nil:
	case s.groups[key] != nil:
		need += socketFiles(spec, len(s.groups[key].sockets))
	default:
		need += socketFiles(spec, 0)
	}
	return need
}

// socketFiles is what the address of a Worker needs beside the sockets there are.
func socketFiles(spec ipc.Spec, have int) int {
	switch {
	case spec.ReusePort:
		return max(spec.Count-have, 0)
	case spec.Network == "unix":
		return 3 // with its file and the folder of that
	}
	return 1
}

// waitForFiles tells whether a step has to wait until somebody has left. The
// oldest who leaves gets a limit then. When nobody leaves the step is tried.
func (s *Supervisor) waitForFiles(r *reload) bool {
	room := roomToReplace
	if r.stage == undoing {
		room -= spareFiles
	}
	open, limit := s.sys.files()
	if limit-open >= room {
		return false
	}
	n, oldest := s.leavers(func(*process) bool { return true })
	if n == 0 {
		return false
	}
	if !r.scarce {
		r.scarce = true
		text := fmt.Sprintf("waits for descriptors: %d of %d are open, %s", open, limit,
			leaveText(n))
		s.logReload(r, "reload %s", text)
		r.tell(ipc.Progress{Kind: "note", Text: text})
	}
	s.hurry(oldest)
	return true
}

func leaveText(n int) string {
	if n == 1 {
		return "1 process leaves"
	}
	return fmt.Sprintf("%d processes leave", n)
}

// countFiles counts the descriptors of this process.
func countFiles() (open, limit int) {
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) != nil {
		return 0, math.MaxInt
	}
	limit = int(min(files.Cur, math.MaxInt32))
	dir, err := os.Open("/proc/self/fd")
	if errors.Is(err, unix.EMFILE) {
		return limit, limit
	}
	if err != nil {
		return 0, limit // without /proc the kernel has the last word
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return max(len(names)-1, 0), limit // without the folder itself
}
