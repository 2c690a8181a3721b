package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// statusLimit bounds a command that must not wait for a busy worker process. The
// product promises 300 ms; the rest is for a machine that runs other tests.
const statusLimit = 2 * time.Second

func TestStatusText(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=3")
	s.start()
	mustFetch(t, address, "/")
	r := s.run("status").wantCode(0)
	r.wantText("DAEMON mode", "GLOBAL STATUS", "PROCESS STATUS", "0.1.0", "start time:", "run 0 days",
		"load average:", "1 workers", "3 processes", "exit_status", "exit_count",
		"http://"+address, "[idle]", "Summary")
	const columns = "pid memory listening worker_name connections send_fail timers total_request " +
		"qps throw_exception timestamp gen age status"
	if !hasRow(r.out, columns) {
		t.Errorf("no columns %q in:\n%s", columns, r.out)
	}
	for _, p := range s.snapshot().running("web") {
		row := lineWith(r.out, fmt.Sprint(p.PID))
		if ok, _ := regexp.MatchString(`\d+(\.\d+)?M`, row); !ok || !strings.Contains(row, "web") {
			t.Errorf("row of %d: %q", p.PID, row)
		}
	}
}

// lineWith is the first line that contains a piece as a word of its own.
func lineWith(text, piece string) string {
	for _, line := range strings.Split(text, "\n") {
		for _, word := range strings.Fields(line) {
			if word == piece {
				return line
			}
		}
	}
	return ""
}

func TestStatusJSONHasAVersionedSchema(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	snap := s.snapshot()
	if snap.Schema != 1 || snap.Version != "0.1.0" || snap.Mode != "DAEMON" || snap.Generation < 1 {
		t.Errorf("schema %d, version %q, mode %q, generation %d", snap.Schema, snap.Version, snap.Mode,
			snap.Generation)
	}
	for _, c := range []struct{ what, got, want string }{
		{"pid_file", snap.PidFile, s.path("wm.pid")},
		{"log_file", snap.LogFile, s.path("wm.log")},
		{"run_dir", snap.RunDir, s.dir},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	for _, p := range snap.running("web") {
		if p.Memory <= 0 || p.Memory > 64<<20 || !p.Answered {
			t.Errorf("process %d: memory %d, answered %v", p.PID, p.Memory, p.Answered)
		}
	}
}

func TestStatusCountsWhatTheProcessDid(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.start()
	c := newClient(t, address)
	for range 20 {
		if _, _, err := c.get("/", replyLimit); err != nil {
			t.Fatal(err)
		}
	}
	c.get("/timer", replyLimit)
	fetch(address, "/panic", time.Second) // no answer comes, and the process lives on
	c.get("/", replyLimit)
	snap := s.waitSnapshot("its requests, exception, timer and connection", func(snap snapshot) bool {
		p := snap.Processes[0]
		return p.TotalRequest == 23 && p.ThrowException == 1 && p.Timers == 1 && p.Connections == 1
	})
	snap.wantWhole(t, "web", 1)
	s.wantLog("panic on purpose in a callback")
	s.wantLog("goroutine ") // its stack
}

// A process whose loop is blocked is shown as busy with its last known figures
// and delays nobody.
func TestStatusOfABusyProcess(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.start()
	c := newClient(t, address)
	for range 7 {
		c.get("/", replyLimit)
	}
	s.waitSnapshot("7 requests", func(snap snapshot) bool {
		return snap.Processes[0].TotalRequest == 7
	})
	blocked := newClient(t, address)
	fmt.Fprintf(blocked.conn, "GET /block?n=6000 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	s.waitSnapshot("busy for a second", func(snap snapshot) bool {
		return snap.Processes[0].busyFor() > time.Second
	})
	r := s.run("status").wantCode(0)
	if ok, _ := regexp.MatchString(`\[busy \d+(\.\d+)? ?s\]`, r.out); !ok {
		t.Errorf("no [busy N s] in:\n%s", r.out)
	}
	t.Logf("wm status beside a blocked loop took %v", r.took)
	if r.took > statusLimit {
		t.Errorf("wm status took %v", r.took)
	}
	p := s.snapshot().Processes[0]
	if p.TotalRequest < 7 || p.TotalRequest > 8 || p.Connections < 1 || p.busyFor() < time.Second {
		t.Errorf("last known figures: %+v", p)
	}
	r = s.run("connections").wantCode(0).wantText(fmt.Sprintf("pid %d web/0: busy ", p.PID))
	if r.took > statusLimit {
		t.Errorf("wm connections took %v", r.took)
	}
	s.run("connections", "--json").wantCode(0).
		wantText(fmt.Sprintf(`"connections": %d,`, p.Connections))
}

// A suspended process is neither replaced nor waited for.
func TestStatusOfASuspendedProcess(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=2")
	s.start()
	before := s.snapshot().pidsOf("web")
	kill(t, before[0], unix.SIGSTOP)
	defer unix.Kill(before[0], unix.SIGCONT)
	snap := s.waitSnapshot("a row without an answer", func(snap snapshot) bool {
		p, found := snap.process(before[0])
		return found && !p.Answered
	})
	if got := snap.pidsOf("web"); fmt.Sprint(got) != fmt.Sprint(before) {
		t.Errorf("processes %v, then %v", before, got)
	}
	if r := s.run("status").wantCode(0); r.took > statusLimit {
		t.Errorf("wm status took %v", r.took)
	}
	kill(t, before[0], unix.SIGCONT)
	s.waitSnapshot("it answers again", func(snap snapshot) bool {
		p, _ := snap.process(before[0])
		return p.Answered
	})
}

func TestManyStatusCommandsAtOnce(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=2")
	s.start()
	var all []*command
	for range 20 {
		all = append(all, s.begin(nil, "status", "--json"))
	}
	for _, c := range all {
		r := s.wait(c).wantCode(0)
		var snap snapshot
		if err := json.Unmarshal([]byte(r.stdout), &snap); err != nil || len(snap.Processes) != 2 {
			t.Errorf("%v in:\n%s", err, r.out)
		}
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	text, ws := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_TEXT="+text, "E2E_WS="+ws, "E2E_COUNT=1")
	s.start()
	a := newClient(t, text)
	a.mustLine(t, "12345")
	b := newWebsocket(t, ws)
	if got, err := b.message("hello"); got != "hello" || err != nil {
		t.Fatalf("websocket answer %q, %v", got, err)
	}
	r := s.run("connections").wantCode(0)
	r.wantText("CONNECTION STATUS", "PID", "Worker", "CID", "Trans", "Protocol", "ipv4", "ipv6",
		"Recv-Q", "Send-Q", "Bytes-R", "Bytes-W", "Status", "Local Address", "Foreign Address",
		"ESTABLISHED", "echo-text", a.conn.LocalAddr().String(), b.conn.LocalAddr().String(), text)
	if row := lineWith(r.out, a.conn.LocalAddr().String()); !strings.Contains(row, "6.0B") &&
		!strings.Contains(row, "6B") {
		t.Errorf("no 6 bytes in %q", row)
	}
	out := s.run("connections", "--json").wantCode(0).stdout
	if !json.Valid([]byte(out)) || !strings.Contains(out, `"schema"`) ||
		!strings.Contains(out, a.conn.LocalAddr().String()) {
		t.Errorf("wm connections --json:\n%s", out)
	}
}

// The names in --json are enough to find everything.
func TestFilesMayHaveOtherNames(t *testing.T) {
	t.Parallel()
	other := t.TempDir()
	pid, log := filepath.Join(other, "its.pid"), filepath.Join(other, "its.log")
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start("--pid-file", pid, "--log-file", log)
	snap := s.snapshot()
	if snap.PidFile != pid || snap.LogFile != log {
		t.Errorf("pid file %q, log file %q", snap.PidFile, snap.LogFile)
	}
	wantMode(t, pid, 0o644)
	s.run("stop").wantCode(0)
	if left, _ := filepath.Glob(filepath.Join(other, "*.pid")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
