package e2e

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestStartServesAndStopLeavesNothing(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=3")
	r := s.start()
	r.wantText("DAEMON mode", "web", "http://"+address, "[OK]", "Start success.", "stop")
	if got := mustFetch(t, address, "/"); got != "hello world" {
		t.Errorf("answer %q", got)
	}
	snap := s.snapshot()
	snap.wantWhole(t, "web", 3)
	text, err := os.ReadFile(s.path("wm.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(text)); got != strconv.Itoa(snap.MasterPID) {
		t.Errorf("wm.pid says %q, the master is %d", got, snap.MasterPID)
	}
	wantMode(t, s.path("wm.pid"), 0o644)
	wantMode(t, s.path("wm.sock"), 0o600)
	s.run("stop").wantCode(0).wantText("stop success")
	s.waitGone(0)
	for _, piece := range []string{"web 0 stops", "web 1 stops", "web 2 stops", "has been stopped"} {
		s.wantLog(piece)
	}
}

func wantMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Error(err)
		return
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("mode of %s: %o, want %o", path, got, want)
	}
}

// The banner is a health check: every process of it is ready when it appears.
func TestStartReturnsWhenEveryProcessIsReady(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=4")
	s.start()
	s.snapshot().wantWhole(t, "web", 4)
}

func TestStartQuietPrintsNoBanner(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	r := s.start("-q")
	if strings.Contains(r.out, "[OK]") {
		t.Errorf("banner in spite of -q:\n%s", r.out)
	}
}

func TestStartWhenRunningChangesNothing(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	before := s.snapshot()
	s.run("start", "-d").wantCode(0).wantText("already running")
	s.run("start").wantCode(0).wantText("already running")
	s.snapshot().wantSame(t, before, "web")
}

func TestStopIsDoneWhenTheMasterIsGone(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	s.start()
	open := newClient(t, address) // an idle connection must not hold the stop
	if _, _, err := open.get("/", replyLimit); err != nil {
		t.Fatal(err)
	}
	s.run("stop").wantCode(0).wantText("is stopping ...", "stop success")
	if left := s.processes(); len(left) != 0 {
		t.Errorf("stop returned while %v still lived", left)
	}
	s.run("stop").wantCode(0).wantText("not run")
}

func TestGracefulStopWaitsForConnections(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_TEXT="+address, "E2E_COUNT=2")
	s.start()
	open := newClient(t, address)
	open.mustLine(t, "before")
	stop := s.begin(nil, "stop", "-g")
	waitFor(t, eventLimit, "new clients are refused", func() bool { return refused(address) })
	if got := open.mustLine(t, "still here"); got != "still here" {
		t.Errorf("answer %q", got)
	}
	open.conn.Close()
	s.wait(stop).wantCode(0).wantText("gracefully stopping", "stop success")
}

// A client that asks on and on over one connection is answered, and told to go.
func TestGracefulLeaveEndsAlthoughAClientKeepsAsking(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"stop", "reload"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
			s.start()
			old := s.snapshot().pidsOf("web")[0]
			keen, idle := newClient(t, address), newClient(t, address)
			if _, _, err := idle.get("/", replyLimit); err != nil {
				t.Fatal(err)
			}
			args := []string{command, "-g"}
			if command == "reload" {
				args = append(args, "--no-wait")
			}
			leave := s.begin(nil, args...)
			for closing := false; !closing && alive(old); {
				var err error
				if _, closing, err = keen.get("/", replyLimit); err != nil {
					t.Fatalf("a request met the end of its connection: %v", err)
				}
			}
			s.wait(leave).wantCode(0)
			waitFor(t, eventLimit, "the old process is gone", func() bool { return !alive(old) })
			for _, c := range []*client{keen, idle} {
				c.conn.SetDeadline(time.Now().Add(replyLimit))
				if n, err := c.in.WriteTo(io.Discard); n != 0 || err != nil {
					t.Errorf("behind the last answer: %d bytes, %v", n, err)
				}
			}
		})
	}
}

func TestStopEndsAGracefulStopThatWaits(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_TEXT="+address, "E2E_COUNT=1")
	s.start()
	open := newClient(t, address)
	open.mustLine(t, "x")
	graceful := s.begin(nil, "stop", "-g")
	s.wantLog("stopping")
	s.run("stop").wantCode(0)
	s.wait(graceful).wantCode(0)
}

// A process that cannot finish is ended after its StopTimeout, and the log says
// what it was waiting for.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, path, piece string }{
		{"blocked loop", "/block?n=60000", "waits for"},
		{"request in progress", "/wait?n=60000", "waits for"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1", "E2E_STOP_TIMEOUT=1s")
			s.start()
			conn := newClient(t, address)
			conn.get("/", replyLimit)
			fmt.Fprintf(conn.conn, "GET %s HTTP/1.1\r\nHost: e2e\r\n\r\n", c.path)
			s.waitSnapshot("the request arrived", func(snap snapshot) bool {
				p := snap.Processes[0]
				return p.TotalRequest == 2 || p.busyFor() > 0
			})
			r := s.run("stop").wantCode(0).wantText("1 process did not leave in time")
			if r.took < time.Second || r.took > 10*time.Second {
				t.Errorf("wm stop took %v", r.took)
			}
			s.wantLog(c.piece)
		})
	}
}

func TestRestartReplacesTheMaster(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	s.run("restart", "-d").wantCode(0) // nothing runs: not an error
	first := s.snapshot().MasterPID
	s.run("restart", "-d").wantCode(0).wantText("stop success", "Start success.")
	snap := s.snapshot()
	if snap.MasterPID == first {
		t.Errorf("the master is still %d", first)
	}
	snap.wantWhole(t, "web", 2)
	if alive(first) {
		t.Errorf("the first master %d still lives", first)
	}
}

// A restart that could not start again leaves the running service alone.
func TestRestartChecksFirst(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	s.start()
	before := s.snapshot()
	s.env = append(s.env, "E2E_ODD=panic")
	s.run("restart", "-d").wantCode(1).wantText("odd", "panic on purpose in Start",
		"restart failed: ", "the service was not stopped")
	s.env = s.env[:len(s.env)-1]
	s.snapshot().wantSame(t, before, "web")
	mustFetch(t, address, "/")
}

// What only shows when the processes start leaves nothing running, which is said.
func TestRestartThatDoesNotComeBackSaysSo(t *testing.T) {
	t.Parallel()
	path, entry := failFile(t, "")
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=1", entry)
	s.start()
	write(t, path, "0 error")
	s.run("restart", "-d").wantCode(1).wantText("refuses on purpose",
		"restart failed: the service was stopped and did not start again, nothing runs")
	s.run("status").wantCode(3).wantText("not run in "+s.dir, " start -d", " starts it")
}

func TestArgumentsBehindTwoDashesReachTheApp(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	s.start("--", "-d", "stop", "x y")
	if got := mustFetch(t, address, "/args"); got != "-d stop x y" {
		t.Errorf("worker.Args: %q", got)
	}
}

func TestStartRunsOnlyTheNamedApps(t *testing.T) {
	t.Parallel()
	a, b, web := freeAddress(t), freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_DUO_A="+a, "E2E_DUO_B="+b, "E2E_HTTP="+web)
	s.start("--app", "web,duo/gateway")
	if got := newClient(t, a).mustLine(t, "x"); got != "duogateway x" {
		t.Errorf("answer %q", got)
	}
	mustFetch(t, web, "/")
	if !free(b) {
		t.Error("duo/businessworker runs too")
	}
	if n := len(s.snapshot().Workers); n != 2 {
		t.Errorf("%d Workers, want 2", n)
	}
}

// A run directory deeper than a socket address is long works like any other.
func TestRunDirectoryMayBeDeep(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.dir += "/" + strings.Repeat("deep/", 30) + "run"
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.snapshot().wantWhole(t, "web", 2)
	s.run("stop").wantCode(0)
}

// The flag beats the environment variable.
func TestRunDirectoryFlag(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.env = append(s.env, "WM_RUN_DIR=/nonexistent/e2e")
	s.run("start", "-d", "--run-dir", s.dir).wantCode(0)
	s.run("--run-dir", s.dir, "status").wantCode(0)
	s.run("stop", "--run-dir="+s.dir).wantCode(0)
}

// A service that is about to go is not one that runs.
func TestStartBesideAStoppingService(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_STOP_TIMEOUT=20s")
	s.start()
	go fetch(address, "/wait?n=3000", eventLimit) // ends with its answer
	s.waitSnapshot("a request under way", func(snap snapshot) bool {
		for _, p := range snap.running("web") {
			if p.TotalRequest > 0 {
				return true
			}
		}
		return false
	})
	stop := s.begin(nil, "stop", "-g")
	s.wantLog("gracefully stopping")
	r := s.run("start", "-d").wantCode(1)
	if !strings.Contains(r.out, "stopping") {
		t.Errorf("printed %s", r.out)
	}
	s.wait(stop).wantCode(0)
}

// Somebody who tidies up must not make a living service invisible.
func TestRemovedLockFile(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	s.start()
	if err := os.Remove(s.path("wm.lock")); err != nil {
		t.Fatal(err)
	}
	s.snapshot().wantWhole(t, "web", 2)
	if r := s.run("start", "-d").wantCode(0); !strings.Contains(r.out, "already running") {
		t.Errorf("printed %s", r.out)
	}
	s.run("stop").wantCode(0)
}
