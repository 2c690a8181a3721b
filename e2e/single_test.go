package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// single starts `wm start --single` and waits until it serves.
func (s *service) single(args ...string) *command {
	s.t.Helper()
	c := s.beginSingle(args...)
	s.waitServing(c)
	return c
}

// beginSingle starts it in a process group of its own.
func (s *service) beginSingle(args ...string) *command {
	s.t.Helper()
	return s.begin(func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	}, append([]string{"start", "--single"}, args...)...)
}

func (s *service) waitServing(c *command) {
	s.t.Helper()
	waitFor(s.t, eventLimit, "the banner of wm start --single", func() bool {
		select {
		case <-c.done:
			s.t.Fatalf("%s has ended:\n%s", c.line, c.both.String())
		default:
		}
		return strings.Contains(c.both.String(), "Start success.")
	})
}

// Every way to be reached works in one process, which other commands see as a
// service.
func TestSingleServesEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := newPair(t, 1)
	certFile, keyFile := filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key")
	write(t, certFile, cert)
	write(t, keyFile, key)
	page, text, ws, raw := freeAddress(t), freeAddress(t), freeAddress(t), freeAddress(t)
	shared, datagrams, secure := freeAddress(t), freeAddress(t), freeAddress(t)
	inner, path := freeAddress(t), filepath.Join(dir, "app.sock")
	ticks, session := filepath.Join(dir, "ticks"), freeAddress(t)
	s := newService(t, "E2E_HTTP="+page, "E2E_TEXT="+text, "E2E_WS="+ws, "E2E_TCP="+raw,
		"E2E_PORT="+shared, "E2E_DATAGRAMS="+datagrams, "E2E_TLS="+secure, "E2E_CERT="+certFile,
		"E2E_KEY="+keyFile, "E2E_UNIX="+path, "E2E_INNER="+inner+",unused", "E2E_TICKS="+ticks,
		"E2E_SESSION="+session, "E2E_SESSION_DIR="+dir)
	c := s.single("--", "a", "b")
	pid := strconv.Itoa(c.cmd.Process.Pid)
	c.wantScreenText(t, "start in SINGLE mode", "worker web/web: Count 2 is 1 in one process",
		"Press Ctrl+C to stop. Start success.")

	for what, got := range map[string]string{
		"http":    mustFetch(t, page, "/pid"),
		"text":    newClient(t, text).mustLine(t, "pid"),
		"shared":  newClient(t, shared).mustLine(t, "pid"),
		"unix":    dialPath(t, path).mustLine(t, "pid"),
		"session": mustFetch(t, session, "/pid"),
	} {
		if got != pid {
			t.Errorf("%s answers %q, want %s", what, got, pid)
		}
	}
	if got := mustFetch(t, page, "/args"); got != "a b" {
		t.Errorf("arguments %q", got)
	}
	if got := mustFetch(t, page, "/slot"); got != "0 "+pid {
		t.Errorf("slot and pid %q", got)
	}
	if got := newClient(t, inner).mustLine(t, "inside"); got != "inside" {
		t.Errorf("the port of Worker.Listen answers %q", got)
	}
	if got := mustFetch(t, session, "/count"); got != "1 "+pid {
		t.Errorf("the session counts %q", got)
	}
	if got, err := newWebsocket(t, ws).message("pid"); err != nil || got != pid {
		t.Errorf("websocket answers %q, %v", got, err)
	}
	if got, err := askDatagram(datagrams, "pid"); err != nil || strings.TrimSpace(got) != pid {
		t.Errorf("udp answers %q, %v", got, err)
	}
	wantSerial(t, secure, 1)
	cert, key = newPair(t, 2)
	write(t, certFile, cert)
	write(t, keyFile, key)
	s.wantLog("reloaded, serial 2")
	waitFor(t, eventLimit, "handshakes show serial 2", func() bool {
		_, serial, err := dialTLS(secure)
		return err == nil && serial == 2
	})
	waitFor(t, eventLimit, "a tick", func() bool {
		text, _ := os.ReadFile(ticks)
		return strings.Contains(string(text), " "+pid+"\n")
	})
	wantConnection(t, s, pid, "shared-tcp", "text")
	wantConnection(t, s, pid, "unix", "text", path)
	if left := childrenOf(c.cmd.Process.Pid); len(left) > 0 {
		t.Errorf("one process has children: %v", left)
	}
	s.run("stop").wantCode(0).wantText("stop success")
	s.wait(c).wantCode(0)
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is still there")
	}
	wantNoFiles(t, s)
}

func wantSerial(t *testing.T, address string, want int64) {
	t.Helper()
	c, serial, err := dialTLS(address)
	if err != nil || serial != want {
		t.Errorf("serial %d, %v, want %d", serial, err, want)
		return
	}
	defer c.conn.Close()
	if got := c.mustLine(t, "x"); got != "x" {
		t.Errorf("over TLS: %q", got)
	}
}

// wantNoFiles reports what an orderly end has to remove.
func wantNoFiles(t *testing.T, s *service) {
	t.Helper()
	for _, name := range []string{"wm.pid", "wm.sock", "wm.lock"} {
		if _, err := os.Lstat(s.path(name)); err == nil {
			t.Errorf("left behind: %s", name)
		}
	}
}

// status has a row for each Worker, with the connections of its own.
func TestSingleStatus(t *testing.T) {
	t.Parallel()
	text, page := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_TEXT="+text, "E2E_HTTP="+page)
	c := s.single()
	a, b := newClient(t, text), newClient(t, text)
	a.mustLine(t, "x")
	b.mustLine(t, "x")
	snap := s.waitSnapshot("two connections of echo-text, two requests", func(snap snapshot) bool {
		requests := int64(0)
		for _, p := range snap.Processes {
			requests += p.TotalRequest
		}
		rows := snap.running("echo-text")
		return len(rows) == 1 && rows[0].Connections == 2 && requests == 2
	})
	if snap.Mode != "SINGLE" || snap.MasterPID != c.cmd.Process.Pid || len(snap.Processes) != 2 {
		t.Errorf("mode %q, master %d, %d rows", snap.Mode, snap.MasterPID, len(snap.Processes))
	}
	memory := 0
	for _, p := range snap.Processes {
		if p.Memory > 0 {
			memory++
		}
		if p.PID != c.cmd.Process.Pid {
			t.Errorf("row of process %d", p.PID)
		}
	}
	if memory != 1 {
		t.Errorf("memory in %d rows", memory)
	}
	if web := snap.running("web"); len(web) != 1 || web[0].Connections != 0 {
		t.Errorf("rows of web: %+v", web)
	}
	for _, w := range snap.Workers {
		if w.Count != 1 {
			t.Errorf("Count of %s is %d", w.Name, w.Count)
		}
	}
	s.run("status").wantCode(0).wantText("SINGLE mode", "2 workers 1 processes")
	live := s.begin(nil, "status", "-d")
	waitFor(t, eventLimit, "a page of status -d", func() bool {
		return strings.Contains(live.both.String(), "Press Ctrl+C to quit.")
	})
	live.cmd.Process.Signal(os.Interrupt)
	s.wait(live).wantCode(0)
}

// A blocked callback is described from beside it.
func TestSingleStatusOfABlockedLoop(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	s.single()
	block := newClient(t, address)
	fmt.Fprint(block.conn, "GET /block?n=3000 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	s.waitSnapshot("a busy loop", func(snap snapshot) bool {
		rows := snap.running("web")
		return len(rows) == 1 && rows[0].BusyNS > 0 && rows[0].Answered
	})
}

// What is one process is not started twice, by neither kind of start, and its
// code is not replaced.
func TestSingleRefusesASecondStart(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	c := s.single()
	s.run("start", "--single").wantCode(0).wantText("already running")
	s.run("start", "-d").wantCode(0).wantText("already running")
	s.run("reload").wantCode(1).wantText("one process (start --single)", "start it again")
	conn := s.dialControl()
	conn.send(t, record(1, typeRequest, 0, `{"command":"reload"}`))
	if _, text := conn.answers(t); !strings.Contains(text, `"code":1`) ||
		!strings.Contains(text, "one process") {
		t.Errorf("a request to reload is answered with %s", text)
	}
	for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGUSR2} {
		kill(t, c.cmd.Process.Pid, sig)
		s.wantLog("received signal " + unix.SignalName(sig))
	}
	s.wantLog("cannot be replaced while it runs")
	s.run("stop").wantCode(0)
	s.wait(c).wantCode(0)

	s.start()
	s.run("start", "--single").wantCode(0).wantText("already running")
}

func TestSingleIsNoDaemon(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.run("start", "--single", "-d").wantCode(2).wantText("-d and --single exclude each other")
}

// --app chooses, and what is not there is named.
func TestSingleChoosesApps(t *testing.T) {
	t.Parallel()
	text := freeAddress(t)
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_TEXT="+text)
	s.single("--app", "echo")
	if got := newClient(t, text).mustLine(t, "x"); got != "x" {
		t.Errorf("answer %q", got)
	}
	if web := s.snapshot().running("web"); len(web) != 0 {
		t.Errorf("web runs too: %+v", web)
	}
	s.run("stop").wantCode(0)
	s.run("start", "--single", "--app", "nobody").wantCode(1).wantText("unknown app nobody")
}

// The chat: a Gateway, a BusinessWorker and a Register find each other in one
// process, and its clients each other.
func TestSingleServesThePushTier(t *testing.T) {
	t.Parallel()
	a := newPushApps(t)
	a.single("--app", "chat")
	at := slices.IndexFunc(a.env, func(e string) bool {
		return strings.HasPrefix(e, "WM_CHAT_WEBSOCKET=")
	})
	_, address, _ := strings.Cut(a.env[at], "=")
	tom, ann := newWebsocket(t, address), newWebsocket(t, address)
	enter := func(c *client, name string) {
		t.Helper()
		got, err := c.message(`{"type":"login","name":"` + name + `"}`)
		for err == nil && !strings.Contains(got, `"`+name+`"`) {
			_, body, e := c.frame()
			got, err = string(body), e
		}
		if err != nil {
			t.Fatalf("%s enters: %q, %v", name, got, err)
		}
	}
	enter(tom, "Tom")
	enter(ann, "Ann")
	if _, err := ann.message(`{"type":"say","to_client_id":"all","content":"hi, all"}`); err != nil {
		t.Fatal(err)
	}
	for {
		_, body, err := tom.frame()
		if err != nil {
			t.Fatalf("Tom hears nothing: %v", err)
		}
		if strings.Contains(string(body), "hi, all") {
			break
		}
	}
	a.run("stop").wantCode(0)
	a.waitGone(0)
}
