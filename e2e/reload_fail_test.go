package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A replacement that fails puts the changed slots back; the command names the
// slot and the reason, and no client notices.
func TestFailingReplacementPutsBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ how, want string }{
		{"error", "slot 2 refuses on purpose"},
		{"panic", "panic on purpose in OnWorkerStart"},
		{"crash", "crash on purpose beside the loop"},
		{"exit", "3"},
		{"hold", "ready"},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Parallel()
			path, entry := failFile(t, "")
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=3", entry, "E2E_READY_TIMEOUT=700ms")
			s.start()
			before := s.snapshot()
			var all load
			all.addKeepAlive(2, address)
			write(t, path, "2 "+c.how)
			s.run("reload").wantCode(1).wantText("web", "2", c.want)
			all.stop()
			if all.bad() != 0 {
				t.Errorf("clients saw: %s", &all)
			}
			after := s.waitWhole("web", 3)
			if after.MasterPID != before.MasterPID || after.Generation != before.Generation {
				t.Errorf("generation %d became %d", before.Generation, after.Generation)
			}
			if got := after.pidsOf("web")[2]; got != before.pidsOf("web")[2] {
				t.Errorf("slot 2 was %d and is %d: it was never to leave", before.pidsOf("web")[2], got)
			}
			os.Remove(path)
			s.run("reload").wantCode(0)
		})
	}
}

// Going back means going back to the executable too.
func TestPuttingBackRunsTheOldBinary(t *testing.T) {
	t.Parallel()
	path, entry := failFile(t, "")
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=2", entry)
	s.private()
	s.start()
	if err := install(built.labB, s.bin); err != nil {
		t.Fatal(err)
	}
	write(t, path, "1 error")
	s.run("reload").wantCode(1)
	for range 8 {
		if got := mustFetch(t, address, "/build"); got != "a" {
			t.Errorf("build %q answers", got)
		}
	}
}

// A reload that nobody can run is refused before anything is touched.
func TestReloadOfABrokenBinaryChangesNothing(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	s.private()
	s.start()
	before := s.snapshot()
	write(t, s.bin+".broken", "not a program")
	if err := os.Chmod(s.bin+".broken", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := install(s.bin+".broken", s.bin); err != nil {
		t.Fatal(err)
	}
	s.bin = built.lab // the file itself cannot run any command now
	kill(t, before.MasterPID, sigReload)
	s.wantLog("reload")
	if !poll(eventLimit, func() bool { return s.snapshot().State == "running" }) {
		t.Error("the reload never ends")
	}
	s.snapshot().wantSame(t, before, "web")
	mustFetch(t, address, "/")
}

// The timer of ID 0 is never in two processes and never away for long, with
// processes that overlap and with ones that do not.
func TestTickerOfIDZero(t *testing.T) {
	t.Parallel()
	const interval = 100 * time.Millisecond
	for _, overlap := range []bool{true, false} {
		t.Run(fmt.Sprintf("overlap %v", overlap), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ticks")
			s := newService(t, "E2E_TICKS="+path)
			if overlap {
				address := freeAddress(t)
				s.env = append(s.env, "E2E_TICK_HTTP="+address)
				s.ports = append(s.ports, address)
			}
			s.start()
			for n := range 4 {
				if n > 0 {
					s.run("reload").wantCode(0)
				}
				waitFor(t, eventLimit, "ticks of the next process", func() bool {
					ticks := readTicks(t, path)
					return len(generations(ticks)) > n && len(lastTicks(ticks)) >= 3
				})
			}
			ticks := readTicks(t, path)
			if err := checkTicks(ticks, interval+time.Second); err != nil {
				t.Error(err)
			}
			if n := len(generations(ticks)); n != 4 {
				t.Errorf("%d processes ticked, want 4", n)
			}
		})
	}
}

type tick struct {
	at  time.Time
	pid int
}

func readTicks(t *testing.T, path string) []tick {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var out []tick
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		var nano int64
		var pid int
		if n, _ := fmt.Sscan(line, &nano, &pid); n == 2 {
			out = append(out, tick{time.Unix(0, nano), pid})
		}
	}
	return out
}

// lastTicks are those of the process that ticked last.
func lastTicks(ticks []tick) []tick {
	for i := len(ticks) - 1; i >= 0; i-- {
		if ticks[i].pid != ticks[len(ticks)-1].pid {
			return ticks[i+1:]
		}
	}
	return ticks
}

// generations are the processes in the order in which they began to tick; one
// that ticks again after another appears twice.
func generations(ticks []tick) []int {
	var out []int
	for _, x := range ticks {
		if len(out) == 0 || out[len(out)-1] != x.pid {
			out = append(out, x.pid)
		}
	}
	return out
}

// checkTicks refuses a pause beyond limit and a process that ticks after its
// successor has begun.
func checkTicks(ticks []tick, limit time.Duration) error {
	seen := map[int]bool{}
	for _, pid := range generations(ticks) {
		if seen[pid] {
			return fmt.Errorf("process %d ticks beside its successor: %v", pid, generations(ticks))
		}
		seen[pid] = true
	}
	for i := 1; i < len(ticks); i++ {
		if pause := ticks[i].at.Sub(ticks[i-1].at); pause > limit {
			return fmt.Errorf("no tick for %v between %d and %d", pause, ticks[i-1].pid, ticks[i].pid)
		}
	}
	return nil
}
