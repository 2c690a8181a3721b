package supervisor

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// leave tells every process to go; the master follows when the last is gone.
// A second stop that is not graceful gives a graceful one a limit.
func (s *Supervisor) leave(graceful bool) {
	if s.phase == leaving && (graceful || !s.graceful) || s.phase == over {
		return
	}
	if s.phase != leaving {
		s.stopBegan = s.sys.now()
	}
	s.phase, s.graceful = leaving, graceful
	if s.err == nil {
		s.logf("%s", stopWord(graceful))
	}
	s.cancelReloads()
	s.cancelDiffs()
	s.cancelUpgrades()
	if p := s.probe; p != nil && p.ended == nil {
		s.sys.kill(p.pidfd, unix.SIGKILL)
	}
	needed := graceful && s.needsLast()
	for _, p := range s.byPID {
		if p.ended == nil && !(needed && p.plan.spec.StopLast) {
			s.tellToStop(p)
		}
	}
	s.closeListeners()
}

// tellToStop tells one process that the service stops.
func (s *Supervisor) tellToStop(p *process) {
	s.tell(p, s.graceful)
	if !slices.Contains(s.left, p) {
		s.left = append(s.left, p)
	}
}

// needsLast says that there is a process that may need those that stop last.
func (s *Supervisor) needsLast() bool {
	for _, p := range s.byPID {
		if !p.plan.spec.StopLast {
			return true
		}
	}
	return false
}

// tellLast tells those that a graceful stop has kept for the others, which are gone.
func (s *Supervisor) tellLast() {
	if s.phase != leaving || !s.graceful || s.needsLast() {
		return
	}
	for _, p := range s.byPID {
		if p.ended == nil && p.toldAt.IsZero() {
			s.tellToStop(p)
		}
	}
}

// closeListeners turns new clients away at once: a queue that nobody will
// ever serve would only make them wait.
func (s *Supervisor) closeListeners() {
	for key, lis := range s.listeners {
		lis.Close()
		delete(s.listeners, key)
	}
	for key, g := range s.groups {
		g.close()
		delete(s.groups, key)
	}
	for _, sl := range s.slots() {
		sl.closeInner(nil)
	}
}

func stopWord(graceful bool) string {
	if graceful {
		return "gracefully stopping"
	}
	return "stopping"
}

// finishStop ends the master when nothing is left to wait for.
func (s *Supervisor) finishStop() {
	if s.phase != leaving || len(s.byPID) > 0 || s.probe != nil || s.watcher.pid != 0 {
		return
	}
	s.phase = over
	if s.alone == nil {
		s.sweepUp()
	}
	if s.pidFile != "" {
		rundir.RemovePidFile(s.pidFile, os.Getpid())
	}
	if s.err == nil {
		s.endRefused()
		s.logf("has been stopped")
	}
	s.rememberStop()
	if s.log != nil {
		s.log.Close()
	}
	s.closeControl()
}

func (s *Supervisor) sweepUp() {
	if left := sweep(); left > 0 {
		s.logf("killed %s that worker processes left behind", processes(left))
	}
}

// sweep kills what is still a child of the master: processes that workers
// started and left. It returns how many there were.
func sweep() int {
	left := children()
	for _, pid := range left {
		unix.Kill(pid, unix.SIGKILL)
	}
	return len(left)
}

// stopped tells those who asked for the stop that it is done.
func (s *Supervisor) stopped() {
	for _, r := range s.stopWaiters {
		r.finish(ipc.CodeDone, strings.TrimPrefix(killedWords(s.left), "; "))
	}
	s.stopWaiters = nil
}
