package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// historyEntry is the part of `history --json` that the tests look at.
type historyEntry struct {
	Time time.Time `json:"time"`
	What string    `json:"what"`
	By   []struct {
		Signal string `json:"signal"`
		UID    int    `json:"uid"`
		PID    int    `json:"pid"`
	} `json:"by"`
	Changed    string `json:"changed"`
	Generation int    `json:"generation"`
	Code       int    `json:"code"`
	Text       string `json:"text"`
	Duration   int64  `json:"duration_ns"`
	MasterPID  int    `json:"master_pid"`
}

// history runs `wm history --json`.
func (s *service) history() []historyEntry {
	s.t.Helper()
	r := s.run("history", "--json", "-n", "0").wantCode(0)
	var doc struct {
		Schema  int
		Entries []historyEntry
		Damaged int
	}
	if err := json.Unmarshal([]byte(r.stdout), &doc); err != nil || doc.Schema != 1 || doc.Damaged != 0 {
		s.t.Fatalf("wm history --json: schema %d, %d damaged, %v\n%s", doc.Schema, doc.Damaged, err, r.out)
	}
	return doc.Entries
}

// waitHistory waits for n entries: what a signal began nobody else waits for.
func (s *service) waitHistory(n int) []historyEntry {
	s.t.Helper()
	var got []historyEntry
	waitFor(s.t, eventLimit, fmt.Sprintf("%d entries", n), func() bool {
		got = s.history()
		return len(got) >= n
	})
	return got
}

func TestHistoryOfAService(t *testing.T) {
	t.Parallel()
	path, fail := failFile(t, "")
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=2", fail)
	start := s.begin(nil, "start", "-d")
	s.wait(start).wantCode(0)
	master := s.snapshot().MasterPID
	good := s.begin(nil, "reload")
	s.wait(good).wantCode(0)
	write(t, path, "1 error")
	bad := s.begin(nil, "reload")
	s.wait(bad).wantCode(1)
	write(t, path, "")
	kill(t, master, unix.SIGUSR1)
	s.waitHistory(4)
	kill(t, master, unix.SIGUSR2)
	s.waitHistory(5)
	stop := s.begin(nil, "stop")
	s.wait(stop).wantCode(0)

	got := s.history()
	want := []struct {
		what, signal, changed, text string
		pid, code, generation       int
	}{
		{what: "start", pid: start.cmd.Process.Pid, changed: "2 processes started", generation: 1},
		{what: "reload", pid: good.cmd.Process.Pid, changed: "2 replaced", generation: 2},
		{what: "reload", pid: bad.cmd.Process.Pid, code: 1, text: "slot 1 refuses on purpose", generation: 2},
		{what: "reload", signal: "SIGUSR1", changed: "2 replaced", generation: 4},
		{what: "reload", signal: "SIGUSR2", changed: "2 replaced", generation: 5},
		{what: "stop", pid: stop.cmd.Process.Pid, changed: "2 processes stopped", generation: 5},
	}
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d: %+v", len(got), len(want), got)
	}
	for i, w := range want {
		e := got[i]
		if e.What != w.what || e.Code != w.code || e.Changed != w.changed || len(e.By) != 1 ||
			e.Generation != w.generation || !strings.Contains(e.Text, w.text) || e.MasterPID != master {
			t.Errorf("entry %d: %+v, want %+v", i, e, w)
			continue
		}
		uid := os.Getuid()
		if w.signal != "" {
			uid = -1
		}
		if e.By[0].Signal != w.signal || e.By[0].PID != w.pid || e.By[0].UID != uid {
			t.Errorf("entry %d was asked by %+v, want %+v", i, e.By[0], w)
		}
		if e.Duration <= 0 || i > 0 && e.Time.Before(got[i-1].Time) {
			t.Errorf("entry %d: began %v, took %d ns", i, e.Time, e.Duration)
		}
	}
	s.run("history").wantCode(0).wantText("SIGUSR1", "2 replaced", "slot 1 refuses on purpose")
}

// A master that was killed cannot say so; the next one does.
func TestHistoryAfterAKilledMaster(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	master := s.snapshot().MasterPID
	s.waitHistory(1)
	kill(t, master, unix.SIGKILL)
	s.waitGone(lingerLimit)
	if got := s.history(); len(got) != 1 || got[0].What != "start" {
		t.Fatalf("entries %+v", got)
	}
	s.start()
	got := s.waitHistory(2)
	want := fmt.Sprintf("the master before, pid %d, did not stop in order", master)
	if e := got[1]; e.What != "start" || e.Code != 0 || !strings.Contains(e.Text, want) {
		t.Errorf("entry %+v", e)
	}
	s.run("stop").wantCode(0)
	s.start()
	if e := s.waitHistory(4)[3]; e.What != "start" || e.Text != "" {
		t.Errorf("after an ordered stop: %+v", e)
	}
}

// A service that gives up, and a start that fails, are in the history too.
func TestHistoryOfFailures(t *testing.T) {
	t.Parallel()
	path, fail := failFile(t, "1 error")
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=2", fail)
	s.run("start", "-d").wantCode(1)
	if got := s.history(); len(got) != 1 || got[0].What != "start" || got[0].Code != 1 ||
		!strings.Contains(got[0].Text, "slot 1 refuses on purpose") {
		t.Fatalf("after a start that failed: %+v", got)
	}
	write(t, path, "")
	s.start()
	kill(t, s.snapshot().MasterPID, unix.SIGTERM)
	s.waitGone(lingerLimit)
	got := s.history()
	if len(got) != 3 || got[2].What != "stop" || len(got[2].By) != 1 || got[2].By[0].Signal != "SIGTERM" {
		t.Errorf("entries %+v", got)
	}
}

// Root may command the service of another user, and is named.
func TestHistoryNamesTheUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	if err := os.Chown(s.dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	asThem := func(cmd *exec.Cmd) {
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	s.wait(s.begin(asThem, "start", "-d")).wantCode(0)
	s.run("reload").wantCode(0)
	got := s.history()
	if len(got) != 2 || got[0].By[0].UID != 65534 || got[1].By[0].UID != 0 {
		t.Errorf("entries %+v", got)
	}
	s.wait(s.begin(asThem, "history")).wantCode(0).wantText("uid 0")
	if err := os.Chown(s.path("wm.history"), 0, 0); err != nil {
		t.Fatal(err)
	}
	s.wait(s.begin(asThem, "history")).wantCode(4)
	s.run("reload").wantCode(0)
	s.wantLog("history " + s.path("wm.history")) // it is not theirs to write to
}
