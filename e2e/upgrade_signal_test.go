package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A master begins with the signals blocked that can wait for an exec; one
// thread has them open. What it starts blocks nothing.
func TestWhoBlocksSignals(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	check := func(when string) {
		t.Helper()
		for _, pid := range u.snapshot().pidsOf("web") {
			for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGUSR1, unix.SIGIO, unix.SIGTSTP} {
				if n := len(threadsOf(pid)); openThreads(t, pid, sig) < n-1 { // one is of os/signal
					t.Errorf("%s: threads of process %d block %v", when, pid, sig)
				}
			}
			// Who started the test may have left something ignored.
			if more := ignoredBy(t, pid) &^ ignoredBy(t, os.Getpid()); more != 0 {
				t.Errorf("%s: process %d ignores %x", when, pid, more)
			}
		}
	}
	check("started")
	u.run("upgrade", "--binary", labNext.binary(t)).wantCode(0)
	u.run("reload").wantCode(0)
	check("after an upgrade")
	if open := openThreads(t, u.before.MasterPID, unix.SIGUSR1); open != 1 {
		t.Errorf("%d threads of the master have USR1 open, want one", open)
	}
}

func ignoredBy(t *testing.T, pid int) (set uint64) {
	t.Helper()
	if _, err := fmt.Sscanf(statusField(t, pid, "SigIgn"), "%x", &set); err != nil {
		t.Fatal(err)
	}
	return set
}

// threadsOf lists the threads of a process.
func threadsOf(pid int) []int {
	var out []int
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			out = append(out, tid)
		}
	}
	return out
}

// openThreads counts the threads that do not block a signal.
func openThreads(t *testing.T, pid int, sig unix.Signal) int {
	t.Helper()
	n := 0
	for _, tid := range threadsOf(pid) {
		var set uint64
		fmt.Sscanf(statusField(t, tid, "SigBlk"), "%x", &set)
		if set&(1<<(sig-1)) == 0 {
			n++
		}
	}
	return n
}

// Reloads that are asked for by signals while the master stands still come
// after the upgrade; those that come all the time end nothing.
func TestSignalsInTheWindow(t *testing.T) {
	t.Parallel()
	for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGHUP} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			t.Parallel()
			u := newUpgradable(t, labEvil.binary(t))
			write(t, u.evil, "freeze sleep 300ms")
			up := u.begin(nil, "upgrade", "--binary", labNext.binary(t))
			waitFor(t, eventLimit, "the window", func() bool { return missing(u.evil) })
			kill(t, u.before.MasterPID, sig)
			upgradedThenReloaded(t, u, u.wait(up))
		})
	}
}

func TestSignalsAllTheTime(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab, "E2E_RELOADABLE=false")
	var spray load
	n := 0
	spray.add(1, func() error {
		sig := []unix.Signal{unix.SIGUSR1, unix.SIGIO, unix.SIGHUP, unix.SIGUSR2}[n%4]
		n++
		time.Sleep(20 * time.Millisecond)
		return unix.Kill(u.before.MasterPID, sig)
	})
	for n := range 10 {
		u.run("upgrade", "--binary", []string{labNext.binary(t), built.lab}[n%2]).wantCode(0)
	}
	spray.stop()
	u.wantSameLives(0)
	t.Logf("10 upgrades, %d signals", spray.success.Load())
	u.wantClients()
}

// A TERM at any moment of an upgrade ends the service, in order or at the
// latest when the processes notice that their master is gone; the next start
// works.
func TestStopAtAnyMoment(t *testing.T) {
	t.Parallel()
	ordered := 0
	const rounds = 12
	for range rounds {
		s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=1")
		s.own(built.lab)
		s.start()
		master := s.snapshot().MasterPID
		up := s.begin(nil, "upgrade", "--binary", labNext.binary(t))
		time.Sleep(rand.N(600 * time.Millisecond)) // any moment: the outcome must be one of two
		kill(t, master, unix.SIGTERM)
		s.wait(up)
		s.killed = true
		s.waitGone(orphanLimit)
		if missing(s.path("wm.pid")) {
			ordered++
		}
		s.start()
		s.killed = false
		s.run("stop").wantCode(0)
	}
	t.Logf("%d of %d stopped in order", ordered, rounds)
}
