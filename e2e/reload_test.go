package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestReloadReplacesEveryProcess(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=3")
	s.start()
	before := s.snapshot()
	r := s.run("reload").wantCode(0)
	if strings.TrimSpace(r.out) == "" {
		t.Error("reload reports no progress")
	}
	after := s.waitWhole("web", 3)
	if after.MasterPID != before.MasterPID || after.Generation != before.Generation+1 {
		t.Errorf("master %d of generation %d became %d of %d", before.MasterPID, before.Generation,
			after.MasterPID, after.Generation)
	}
	for _, pid := range after.pidsOf("web") {
		if slices.Contains(before.pidsOf("web"), pid) {
			t.Errorf("process %d is still there", pid)
		}
	}
	s.wantLog("reload")
}

func TestReloadKeepsDescriptorsConstant(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=2")
	s.start()
	s.run("reload").wantCode(0)
	want := s.settledDescriptors("web", 2)
	for range 3 {
		s.run("reload").wantCode(0)
	}
	if !poll(eventLimit, func() bool { return s.descriptorCounts("web", 2) == want }) {
		t.Errorf("descriptors of master and worker process: %v, three reloads later %v", want,
			s.descriptorCounts("web", 2))
	}
}

// descriptorCounts are those of the master and of the first process of a
// Worker, when all count of its processes run.
func (s *service) descriptorCounts(worker string, count int) [2]int {
	s.t.Helper()
	snap := s.waitWhole(worker, count)
	return [2]int{len(descriptors(snap.MasterPID)), len(descriptors(snap.pidsOf(worker)[0]))}
}

// settledDescriptors waits until the counts stay the same: a command may still
// be hanging up.
func (s *service) settledDescriptors(worker string, count int) [2]int {
	s.t.Helper()
	var last [2]int
	waitFor(s.t, eventLimit, "a constant number of descriptors", func() bool {
		now := s.descriptorCounts(worker, count)
		same := now == last
		last = now
		return same
	})
	return last
}

// Two reloads, or ten, end with exactly Count processes of one generation.
func TestReloadsAtOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 10} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=3")
			s.start()
			var all []*command
			for range n {
				all = append(all, s.begin(nil, "reload"))
			}
			for _, c := range all {
				s.wait(c).wantCode(0)
			}
			snap := s.waitWhole("web", 3)
			if snap.Generation < 2 {
				t.Errorf("generation %d after %d reloads", snap.Generation, n)
			}
			waitFor(t, eventLimit, "a master and 3 processes", func() bool {
				return len(s.processes()) == 4
			})
		})
	}
}

// A Worker that is not Reloadable keeps its processes and is told.
func TestNotReloadableIsToldAndStays(t *testing.T) {
	t.Parallel()
	web, text := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+web, "E2E_RELOADABLE=false", "E2E_TEXT="+text, "E2E_COUNT=2")
	s.start()
	before := s.snapshot()
	open := newClient(t, web)
	open.get("/", replyLimit)
	s.run("reload").wantCode(0)
	after := s.waitWhole("echo-text", 2)
	if fmt.Sprint(after.pidsOf("web")) != fmt.Sprint(before.pidsOf("web")) {
		t.Errorf("processes %v became %v", before.pidsOf("web"), after.pidsOf("web"))
	}
	if fmt.Sprint(after.pidsOf("echo-text")) == fmt.Sprint(before.pidsOf("echo-text")) {
		t.Error("the reloadable Worker kept its processes")
	}
	s.wantLog("web 0 was told of a reload")
	s.wantLog("web 1 was told of a reload")
	if _, _, err := open.get("/", replyLimit); err != nil {
		t.Errorf("its connection: %v", err)
	}
}

// A respawn runs the binary of its generation although another one lies at the
// same place; only a reload moves to that one.
func TestRespawnRunsTheBinaryOfItsGeneration(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.private()
	s.start()
	if err := install(built.labB, s.bin); err != nil {
		t.Fatal(err)
	}
	old := s.snapshot().pidsOf("web")[0]
	kill(t, old, unix.SIGKILL)
	s.waitSnapshot("a successor", func(snap snapshot) bool {
		return snap.whole("web", 1) == nil && snap.pidsOf("web")[0] != old
	})
	if got := mustFetch(t, address, "/build"); got != "a" {
		t.Errorf("the successor runs build %q", got)
	}
	s.run("reload").wantCode(0)
	if got := mustFetch(t, address, "/build"); got != "b" {
		t.Errorf("after the reload build %q runs", got)
	}
	if err := os.Remove(s.bin); err != nil {
		t.Fatal(err)
	}
	s.bin = built.labB // any binary can talk to the master
	old = s.snapshot().pidsOf("web")[0]
	kill(t, old, unix.SIGKILL)
	s.waitSnapshot("a successor without the file", func(snap snapshot) bool {
		return snap.whole("web", 1) == nil && snap.pidsOf("web")[0] != old
	})
	if got := mustFetch(t, address, "/build"); got != "b" {
		t.Errorf("without the file build %q runs", got)
	}
}

// A request that a process of the old generation works on is answered.
func TestReloadFinishesWhatWasBegun(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.start()
	old := s.snapshot().pidsOf("web")[0]
	c := newClient(t, address)
	fmt.Fprintf(c.conn, "GET /wait?n=2000 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	s.waitSnapshot("the request arrived", func(snap snapshot) bool {
		return snap.Processes[0].TotalRequest == 1
	})
	s.run("reload", "--no-wait").wantCode(0)
	c.conn.SetDeadline(time.Now().Add(replyLimit))
	text := make([]byte, 4096)
	n, err := c.conn.Read(text)
	if err != nil || !strings.Contains(string(text[:n]), "done") {
		t.Errorf("answer %q, %v", text[:n], err)
	}
	s.waitSnapshot("the old process is gone", func(snap snapshot) bool {
		_, found := snap.process(old)
		return !found && snap.whole("web", 1) == nil
	})
}

// What was handed to Send arrives although its process leaves meanwhile.
func TestReloadFlushesWhatWasSent(t *testing.T) {
	t.Parallel()
	const size = 16 << 20 // more than the kernel takes
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.start()
	old := s.snapshot().pidsOf("web")[0]
	c := newClient(t, address)
	fmt.Fprintf(c.conn, "GET /big?n=%d HTTP/1.1\r\nHost: e2e\r\n\r\n", size)
	s.waitSnapshot("the request arrived", func(snap snapshot) bool {
		return snap.Processes[0].TotalRequest == 1
	})
	s.run("reload", "--no-wait").wantCode(0)
	s.waitSnapshot("the old process leaves", func(snap snapshot) bool {
		p, _ := snap.process(old)
		return p.State == "draining"
	})
	c.conn.SetDeadline(time.Now().Add(replyLimit))
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("%d bytes of %d, %v", n, size, err)
	}
	s.waitWhole("web", 1)
}

// A blocked process delays the reload by its StopTimeout and no longer.
func TestReloadIsBoundedByABlockedProcess(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=2", "E2E_STOP_TIMEOUT=1s")
	s.start()
	old := s.snapshot().pidsOf("web")[0]
	c := clientOf(t, address, old)
	fmt.Fprintf(c.conn, "GET /block?n=60000 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	r := s.run("reload")
	t.Logf("reload with a blocked process: status %d after %v", r.code, r.took)
	if r.took > 10*time.Second {
		t.Errorf("reload took %v", r.took)
	}
	s.waitWhole("web", 2)
	waitFor(t, eventLimit, "the blocked process is gone", func() bool { return !alive(old) })
}

// A graceful reload leaves connections where they are, and does not stand in
// the way of the next command.
func TestGracefulReloadKeepsConnections(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_TEXT="+address, "E2E_COUNT=1")
	s.start()
	old := s.snapshot().pidsOf("echo-text")[0]
	open := newClient(t, address)
	open.mustLine(t, "x")
	s.run("reload", "-g", "--no-wait").wantCode(0)
	s.waitSnapshot("a new process beside the old one", func(snap snapshot) bool {
		rows := snap.running("echo-text")
		return len(rows) == 1 && rows[0].PID != old
	})
	s.run("reload").wantCode(0)
	if got := open.mustLine(t, "pid"); got != fmt.Sprint(old) {
		t.Errorf("the connection is served by %s, want %d", got, old)
	}
	open.conn.Close()
	waitFor(t, eventLimit, "the old process is gone", func() bool { return !alive(old) })
	s.waitWhole("echo-text", 1)
}

func TestStopDuringReload(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=4")
	s.start()
	reload := s.begin(nil, "reload")
	s.run("stop").wantCode(0)
	s.wait(reload)
	s.waitGone(lingerLimit)
}
