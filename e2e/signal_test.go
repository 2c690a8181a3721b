package e2e

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	sigReload = unix.SIGUSR1
	sigKill   = unix.SIGKILL
)

func TestSignalsThatStopTheMaster(t *testing.T) {
	t.Parallel()
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGTSTP, unix.SIGQUIT} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			t.Parallel()
			s := newService(t, "E2E_HTTP="+freeAddress(t))
			s.start()
			kill(t, s.snapshot().MasterPID, sig)
			s.waitGone(eventLimit)
			s.wantLog(unix.SignalName(sig))
		})
	}
}

// QUIT is the graceful stop: it waits for clients.
func TestQuitWaitsForConnections(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_TEXT="+address, "E2E_COUNT=1")
	s.start()
	open := newClient(t, address)
	open.mustLine(t, "x")
	kill(t, s.snapshot().MasterPID, unix.SIGQUIT)
	waitFor(t, eventLimit, "new clients are refused", func() bool { return refused(address) })
	if got := open.mustLine(t, "still here"); got != "still here" {
		t.Errorf("answer %q", got)
	}
	open.conn.Close()
	s.waitGone(eventLimit)
}

// In daemon mode HUP reloads, as administrators expect; the terminal is gone
// anyway.
func TestSignalsThatReload(t *testing.T) {
	t.Parallel()
	for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGHUP} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address)
			s.start()
			before := s.snapshot()
			kill(t, before.MasterPID, sig)
			after := s.waitSnapshot("the next generation", func(snap snapshot) bool {
				return snap.Generation == before.Generation+1 && snap.whole("web", 2) == nil &&
					snap.State == "running"
			})
			if fmt.Sprint(after.pidsOf("web")) == fmt.Sprint(before.pidsOf("web")) {
				t.Errorf("the processes are still %v", after.pidsOf("web"))
			}
			mustFetch(t, address, "/")
		})
	}
}

// Log rotation by rename needs no more than the signal that administrators
// send for it; a reload reopens the standard output too.
func TestHangUpReopensFiles(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_RELOADABLE=false")
	out := s.path("stdout.txt")
	s.start("--stdout-file", out)
	before := s.snapshot()
	for _, path := range []string{out, s.path("wm.log")} {
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
	}
	kill(t, before.MasterPID, unix.SIGHUP)
	s.wantLog("reload") // in a file that is there again
	for _, pid := range append(before.pidsOf("web"), before.MasterPID) {
		waitFor(t, eventLimit, title(pid)+" writes to the new file", func() bool {
			return descriptors(pid)[1] == out
		})
	}
	if got := descriptors(before.MasterPID)[2]; got != out {
		t.Errorf("standard error of the master goes to %s, want %s", got, out)
	}
	s.waitWhole("web", 2)
	s.snapshot().wantSame(t, before, "web")
}

// Old tools ask for a report by signal; that must never end the master.
func TestSignalsOfOldToolsAreAnswered(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	before := s.snapshot()
	for _, sig := range []unix.Signal{unix.SIGIOT, unix.SIGIO, unix.SIGPIPE} {
		kill(t, before.MasterPID, sig)
	}
	s.snapshot().wantSame(t, before, "web")
}

// A signal to a worker process ends that one process or nothing.
func TestSignalsToAWorkerProcess(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	s.start()
	before := s.snapshot()
	pids := before.pidsOf("web")
	for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGPIPE} {
		kill(t, pids[0], sig)
	}
	mustFetch(t, address, "/")
	if got := s.snapshot().pidsOf("web"); fmt.Sprint(got) != fmt.Sprint(pids) {
		t.Errorf("processes %v became %v", pids, got)
	}
	for slot, sig := range []unix.Signal{unix.SIGTERM, unix.SIGINT} {
		kill(t, pids[slot], sig)
		unix.Kill(pids[slot], sig) // a second one is harmless
		s.waitSnapshot("a successor of one process", func(snap snapshot) bool {
			return snap.whole("web", 2) == nil && snap.pidsOf("web")[slot] != pids[slot]
		})
	}
	if after := s.snapshot(); after.exitCount("web", 0) != 2 {
		t.Errorf("exits %+v, want two of 0", after.Exits)
	}
}
