package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// removals are what a cleaner may take from a run directory.
var removals = []string{"lock", "sock", "pid", "lock sock", "lock sock pid"}

// remove takes files away from under the master.
func (s *service) remove(names string) {
	s.t.Helper()
	for _, name := range strings.Fields(names) {
		if err := os.Remove(s.path("wm." + name)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// restored waits until the files are there again, and are the master's.
func (s *service) restored(names string, times int) {
	s.t.Helper()
	for _, name := range strings.Fields(names) {
		line := fmt.Sprintf("wm.%s was removed, it is made again\n", name)
		waitFor(s.t, eventLimit, line, func() bool {
			_, err := os.Lstat(s.path("wm." + name))
			return err == nil && strings.Count(s.log(), line) == times
		})
	}
	for name, mode := range map[string]os.FileMode{
		"lock": 0o600, "sock": os.ModeSocket | 0o600, "pid": 0o644,
	} {
		if info, err := os.Lstat(s.path("wm." + name)); err != nil || info.Mode() != mode {
			s.t.Errorf("wm.%s: %v, %v, want %v", name, info, err, mode)
		}
	}
}

// wantOneMaster has a start find that there is nothing to do.
func (s *service) wantOneMaster(before snapshot) {
	s.t.Helper()
	was := s.processes()
	s.run("start", "-d").wantCode(0).wantText("already running")
	if now := s.processes(); !slices.Equal(now, was) {
		s.t.Errorf("processes were %v and are %v", was, now)
	}
	if err := unix.Kill(before.MasterPID, 0); err != nil {
		s.t.Errorf("the master is gone: %v", err)
	}
}

// A master makes again what was removed; commands find it all the time, and an
// upgrade carries what was made.
func TestRemovedFilesAreMadeAgain(t *testing.T) {
	t.Parallel()
	for _, names := range removals {
		t.Run(names, func(t *testing.T) {
			t.Parallel()
			s := newService(t, "E2E_TICKS="+t.TempDir()+"/ticks") // no address to be taken
			s.own(built.lab)
			s.start()
			before := s.snapshot()
			s.remove(names)
			s.wantOneMaster(before)
			s.run("status").wantCode(0)
			s.restored(names, 1)
			s.snapshot().wantSame(t, before, "tick")
			s.upgradeNow()
			s.remove(names)
			s.restored(names, 2)
			s.snapshot().wantSame(t, before, "tick")
			s.run("reload").wantCode(0)
			s.remove(names)
			s.run("stop").wantCode(0).wantText("stop success")
			s.waitGone(eventLimit)
		})
	}
}

// A master that stands still is found too, and nothing starts beside it.
func TestRemovedFilesOfASuspendedMaster(t *testing.T) {
	t.Parallel()
	for _, names := range removals {
		t.Run(names, func(t *testing.T) {
			t.Parallel()
			s := newService(t, "E2E_TICKS="+t.TempDir()+"/ticks")
			s.start()
			before := s.snapshot()
			master := before.MasterPID
			kill(t, master, unix.SIGSTOP)
			waitFor(t, eventLimit, "suspended", func() bool { return procState(master) == 'T' })
			defer unix.Kill(master, unix.SIGCONT)
			s.remove(names)
			s.run("status").wantCode(124).wantText("missing in " + s.dir)
			if names != "pid" { // of a lock that is there nobody knows whose it is
				s.run("reload").wantCode(124).wantText(fmt.Sprintf("process %d is suspended", master),
					fmt.Sprintf("kill -CONT %d", master))
			}
			s.wantOneMaster(before)
			if names == "lock sock pid" {
				s.run("stop").wantCode(1).wantText("stop fail", "is suspended")
				kill(t, master, unix.SIGCONT)
				s.waitGone(eventLimit)
				return
			}
			kill(t, master, unix.SIGCONT)
			s.run("status").wantCode(0)
			s.restored(names, 1)
			s.snapshot().wantSame(t, before, "tick")
			s.run("stop").wantCode(0)
			s.waitGone(eventLimit)
		})
	}
}

func TestRemovedFilesOfOneProcess(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	c := s.single()
	s.remove("lock sock pid")
	s.run("start", "-d").wantCode(0).wantText("already running")
	s.run("status").wantCode(0)
	s.restored("lock sock pid", 1)
	s.run("stop").wantCode(0)
	s.wait(c)
}

// What others have put into the place of a file is theirs, also when the service
// ends.
func TestReplacedFilesStay(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	master := s.snapshot().MasterPID
	s.remove("lock sock pid")
	for _, name := range []string{"lock", "sock", "pid"} {
		write(t, s.path("wm."+name), "mine")
	}
	for _, name := range []string{"lock", "sock", "pid"} {
		s.wantLog("wm." + name + " was replaced by another file, which stays")
	}
	s.run("start", "-d").wantCode(0).wantText("already running")
	kill(t, master, unix.SIGTERM)
	s.waitGone(eventLimit)
	for _, name := range []string{"lock", "sock", "pid"} {
		if text, err := os.ReadFile(s.path("wm." + name)); string(text) != "mine" {
			t.Errorf("wm.%s: %q, %v", name, text, err)
		}
		if n := strings.Count(s.log(), "wm."+name+" was replaced"); n != 1 {
			t.Errorf("wm.%s: %d lines in wm.log", name, n)
		}
		os.Remove(s.path("wm." + name))
	}
}
