package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// replaceLimit is within what time an ended process has a successor.
const replaceLimit = time.Second

// Every way to end is counted under its raw wait word, as the manual explains
// the numbers.
func TestExitsAreCountedByTheirWaitWord(t *testing.T) {
	t.Parallel()
	asked := func(path string) func(*testing.T, string, int) {
		return func(_ *testing.T, address string, _ int) { fetch(address, path, replyLimit) }
	}
	killed := func(t *testing.T, _ string, pid int) { kill(t, pid, unix.SIGKILL) }
	for _, c := range []struct {
		name             string
		end              func(t *testing.T, address string, pid int)
		status           int
		code, unexpected int
	}{
		{"exit 255", asked("/exit?n=255"), 65280, 255, 1},
		{"StopAll 250", asked("/stopall?n=250"), 64000, 250, 0},
		{"StopAll 0", asked("/stopall?n=0"), 0, 0, 0},
		{"kill -9", killed, 9, -1, 1},
		{"goroutine panic", asked("/crash"), 512, 2, 1},
		{"Goexit", asked("/goexit"), 64000, 250, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
			s.start()
			old := s.snapshot().pidsOf("web")[0]
			c.end(t, address, old)
			snap := s.waitSnapshot("a successor", func(snap snapshot) bool {
				return len(snap.running("web")) == 1 && snap.pidsOf("web")[0] != old
			})
			if got := snap.exitCount("web", c.status); got != 1 || len(snap.Exits) != 1 {
				t.Fatalf("exits %+v, want one of %d", snap.Exits, c.status)
			}
			if e := snap.Exits[0]; e.Code != c.code || e.Unexpected != c.unexpected {
				t.Errorf("code %d, unexpected %d; want %d, %d", e.Code, e.Unexpected, c.code, c.unexpected)
			}
			if c.unexpected > 0 {
				s.wantLog("WORKER EXIT UNEXPECTED")
			}
			row := fmt.Sprintf("web %d 1", c.status)
			if out := s.run("status").out; !hasRow(out, row) {
				t.Errorf("no row %q in:\n%s", row, out)
			}
		})
	}
}

// hasRow tells whether a line has exactly these words.
func hasRow(text, words string) bool {
	for _, line := range strings.Split(text, "\n") {
		if strings.Join(strings.Fields(line), " ") == words {
			return true
		}
	}
	return false
}

func TestKilledProcessIsReplacedWithinASecond(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=2")
	s.start()
	before := s.snapshot()
	old := before.pidsOf("web")[1]
	began := time.Now()
	kill(t, old, unix.SIGKILL)
	fresh := 0
	waitFor(t, 2*replaceLimit, "a new child of the master", func() bool {
		for _, pid := range childrenOf(before.MasterPID) {
			if _, known := before.process(pid); !known {
				fresh = pid
			}
		}
		return fresh != 0
	})
	if took := time.Since(began); took > replaceLimit {
		t.Errorf("replaced after %v", took)
	}
	after := s.waitWhole("web", 2)
	if got := after.running("web"); got[1].PID != fresh || got[0].PID != before.pidsOf("web")[0] {
		t.Errorf("slots %v became %v", before.pidsOf("web"), after.pidsOf("web"))
	}
	if n := after.exitCount("web", 9); n != 1 {
		t.Errorf("%d exits with 9, want 1", n)
	}
}

// The number that the app sees belongs to the slot and not to the process.
func TestIDsAreStableOverRespawn(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=3")
	s.start()
	counts := s.settledDescriptors("web", 3)
	for _, slot := range []int{2, 0, 1} {
		old := s.waitWhole("web", 3).pidsOf("web")[slot]
		kill(t, old, unix.SIGKILL)
		snap := s.waitSnapshot("a successor in the slot", func(snap snapshot) bool {
			return snap.whole("web", 3) == nil && snap.pidsOf("web")[slot] != old
		})
		pid := snap.pidsOf("web")[slot]
		want := fmt.Sprintf("%d %d", slot, pid)
		if got := fetchFrom(t, address, pid, "/slot"); got != want {
			t.Errorf("ID and pid of the successor: %s, want %s", got, want)
		}
	}
	if !poll(eventLimit, func() bool { return s.descriptorCounts("web", 3)[0] == counts[0] }) {
		t.Errorf("%d descriptors of the master became %d", counts[0], s.descriptorCounts("web", 3)[0])
	}
}

// What a dying process has to say is in wm.log although a daemon's standard
// error goes nowhere.
func TestLastWordsOfACrash(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path   string
		pieces []string
	}{
		{"/crash", []string{"panic: crash on purpose beside the loop", "goroutine ", "start.go:"}},
		{"/maps", []string{"fatal error: concurrent map writes", "goroutine "}},
	} {
		t.Run(strings.TrimPrefix(c.path, "/"), func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
			s.start()
			old := s.snapshot().pidsOf("web")[0]
			fetch(address, c.path, replyLimit)
			for _, piece := range c.pieces {
				s.wantLog(piece)
			}
			s.waitSnapshot("a successor", func(snap snapshot) bool {
				return snap.whole("web", 1) == nil && snap.pidsOf("web")[0] != old
			})
		})
	}
}

// A process that ends at once is tried again less and less often, and runs
// soon after the cause is gone.
func TestBackoffOfAProcessThatEndsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flag, starts := filepath.Join(dir, "flap"), filepath.Join(dir, "starts")
	s := newService(t, "E2E_FLAP="+flag, "E2E_STARTS="+starts)
	s.start()
	write(t, flag, "")
	kill(t, s.snapshot().pidsOf("flap")[0], unix.SIGKILL)
	waitFor(t, eventLimit, "five failed starts", func() bool { return len(startTimes(starts)) >= 6 })
	times := startTimes(starts)
	// Delays of 200, 400, 800 and 1600 ms lie between the failed starts, each
	// up to 20 % shorter.
	if took := times[5].Sub(times[1]); took < 2400*time.Millisecond {
		t.Errorf("five failed starts within %v", took)
	}
	snap := s.waitSnapshot("backoff", func(snap snapshot) bool {
		return len(snap.Processes) == 1 && snap.Processes[0].State == "backoff"
	})
	if p := snap.Processes[0]; p.LastCause == "" {
		t.Errorf("no cause in %+v", p)
	}
	s.run("status").wantCode(0).wantText("backoff")
	if err := os.Remove(flag); err != nil {
		t.Fatal(err)
	}
	s.waitWhole("flap", 1)
}

// startTimes reads the times that the app flap noted.
func startTimes(path string) []time.Time {
	text, _ := os.ReadFile(path)
	var out []time.Time
	for _, word := range strings.Fields(string(text)) {
		var n int64
		if _, err := fmt.Sscan(word, &n); err == nil {
			out = append(out, time.Unix(0, n))
		}
	}
	return out
}

// A master that was killed leaves no process and no port behind, and its stale
// files are no obstacle to the next one.
func TestNoOrphans(t *testing.T) {
	t.Parallel()
	http, text := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+http, "E2E_TEXT="+text, "E2E_COUNT=2")
	s.start()
	snap := s.snapshot()
	blocked := clientOf(t, http, snap.pidsOf("web")[0])
	fmt.Fprintf(blocked.conn, "GET /block?n=60000 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	open := newClient(t, text)
	open.mustLine(t, "x")
	kill(t, snap.MasterPID, unix.SIGKILL)
	waitFor(t, 3*time.Second, "no process left and the ports free", func() bool {
		return len(s.processes()) == 0 && free(http) && free(text)
	})
	s.run("status").wantCode(3)
	s.start()
	s.snapshot().wantWhole(t, "web", 2)
}
