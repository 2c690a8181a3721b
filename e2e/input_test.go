package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// What an author can get wrong in a declaration is refused with a sentence
// and the line of the New call, by start and by check, and nothing is started.
func TestWrongDeclarations(t *testing.T) {
	t.Parallel()
	place := declLine(t)
	for _, c := range []struct {
		name  string
		env   []string
		texts []string
	}{
		{"unknown scheme", []string{"E2E_ADDRESS=gopher://127.0.0.1:1"}, []string{"gopher", place}},
		{"no scheme", []string{"E2E_ADDRESS=127.0.0.1:1"}, []string{"127.0.0.1:1", place}},
		{"no port", []string{"E2E_ADDRESS=text://127.0.0.1"}, []string{"text://127.0.0.1", place}},
		{"port is a word", []string{"E2E_ADDRESS=text://127.0.0.1:http2"}, []string{"http2", place}},
		{"port too high", []string{"E2E_ADDRESS=text://127.0.0.1:65536"}, []string{"65536", place}},
		{"of clients", []string{"E2E_ADDRESS=wss://127.0.0.1:1"},
			[]string{"wss://127.0.0.1:1", "websocket://", place}},
		{"no certificate", []string{"E2E_ADDRESS=ssl://127.0.0.1:1"},
			[]string{"ssl://127.0.0.1:1", "needs a certificate", place}},
		{"unknown user", []string{"E2E_ADDRESS=text://%", "E2E_DECL_USER=no-such-user"},
			[]string{"no-such-user"}},
		{"no callback", []string{"E2E_ADDRESS=text://%", "E2E_DECL_MUTE=1"},
			[]string{"decl", "OnMessage"}},
		{"no request callback", []string{"E2E_ADDRESS=http://%", "E2E_DECL_MUTE=1"},
			[]string{"decl", "OnRequest"}},
		{"no such host address", []string{"E2E_ADDRESS=text://192.0.2.1:7"}, []string{"192.0.2.1:7", place}},
		{"a name for an address", []string{"E2E_ADDRESS=text://nohost:25001"},
			[]string{place + "): listen text://nohost:25001: \"nohost\" is no IP address"}},
		{"no folder for a socket", []string{"E2E_ADDRESS=unix:///nowhere/at/all"},
			[]string{place + "): listen unix:///nowhere/at/all: folder /nowhere/at"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			for _, entry := range c.env {
				s.env = append(s.env, strings.ReplaceAll(entry, "%", freeAddress(t)))
			}
			s.run("start", "-d").wantCode(1).wantText(c.texts...)
			s.waitGone(lingerLimit)
			if c.name != "no such host address" {
				s.run("check").wantCode(1).wantText(c.texts...)
			}
		})
	}
}

// declLine is where the app decl calls worker.New.
func declLine(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "apps", "decl", "start.go"))
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := bytes.Cut(text, []byte("worker.New("))
	if !found {
		t.Fatal("the app decl has no New call")
	}
	return fmt.Sprintf("decl/start.go:%d", 1+bytes.Count(before, []byte("\n")))
}

func TestCountBelowOneIsOne(t *testing.T) {
	t.Parallel()
	for _, count := range []string{"0", "-3"} {
		t.Run(count, func(t *testing.T) {
			t.Parallel()
			s := newService(t, "E2E_ADDRESS=text://"+freeAddress(t), "E2E_DECL_COUNT="+count)
			s.start()
			s.snapshot().wantWhole(t, "decl", 1)
		})
	}
}

// Case does not count in a scheme, and status shows it in lower case.
func TestSchemeInCapitals(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_ADDRESS=Text://"+address)
	s.start()
	if got := s.snapshot().Processes[0].Listen; got != "text://"+address {
		t.Errorf("listening: %q", got)
	}
	if got := newClient(t, address).mustLine(t, "x"); got != "x" {
		t.Errorf("answer %q", got)
	}
}

func TestRunDirectoryOfAnotherOrForAll(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, c := range []struct {
		name string
		uid  int
		mode os.FileMode
	}{
		{"foreign owner", 65534, 0o755},
		{"writable by all", 0, 0o777},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, "E2E_HTTP="+freeAddress(t))
			if err := os.Chown(s.dir, c.uid, 0); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(s.dir, c.mode); err != nil {
				t.Fatal(err)
			}
			r := s.run("start", "-d").wantText("--run-dir")
			if r.code != 4 && r.code != 1 {
				t.Errorf("exit status %d", r.code)
			}
			s.waitGone(lingerLimit)
			if left, _ := os.ReadDir(s.dir); len(left) != 0 {
				t.Errorf("it wrote into the directory: %v", left)
			}
		})
	}
}

// asNobody runs a command as the user nobody.
func (s *service) asNobody(args ...string) result {
	s.t.Helper()
	return s.wait(s.begin(func(cmd *exec.Cmd) {
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}, args...))
}

func TestRunDirectoryIsNotWritable(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	r := s.asNobody("start", "-d").wantText("--run-dir")
	if r.code != 4 && r.code != 1 {
		t.Errorf("exit status %d", r.code)
	}
	s.waitGone(lingerLimit)
}

func TestRunDirectoryDoesNotExist(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	missing := s.path("not/there")
	if r := s.run("start", "-d", "--run-dir", missing); r.code == 0 {
		s.run("stop", "--run-dir", missing).wantCode(0) // made for us: fine too
	} else {
		r.wantText("not/there")
	}
}

func TestStalePidFile(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	gone := exec.Command("true")
	if _, err := runCommand(gone); err != nil {
		t.Fatal(err)
	}
	write(t, s.path("wm.pid"), fmt.Sprintln(gone.Process.Pid))
	write(t, s.path("wm.sock"), "no socket at all")
	s.run("status").wantCode(3)
	s.start()
	snap := s.snapshot()
	snap.wantWhole(t, "web", 2)
	text, _ := os.ReadFile(s.path("wm.pid"))
	if got := strings.TrimSpace(string(text)); got != fmt.Sprint(snap.MasterPID) {
		t.Errorf("wm.pid says %q, the master is %d", got, snap.MasterPID)
	}
}

// A pid file is a hint: what it names is never touched unless it is the master.
func TestPidFileNamesAForeignProcess(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	foreign := exec.Command("sleep", "600")
	if err := startCommand(foreign); err != nil {
		t.Fatal(err)
	}
	defer waitCommand(foreign)
	defer foreign.Process.Kill()
	pid := foreign.Process.Pid
	write(t, s.path("wm.pid"), fmt.Sprintln(pid))
	s.run("status").wantCode(3)
	s.run("stop").wantCode(0)
	s.run("reload").wantCode(7)
	s.start()
	write(t, s.path("wm.pid"), fmt.Sprintln(pid))
	s.snapshot().wantWhole(t, "web", 2)
	s.run("stop").wantCode(0)
	if !alive(pid) {
		t.Error("the foreign process was ended")
	}
	os.Remove(s.path("wm.pid")) // whether stop removes a file it did not write is not said
}

func TestPidFileWithNonsense(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("7", 5000)
	for _, text := range []string{"", "-1\n", "1\n", "99999999999999999999", "\x00\x01", long} {
		s := newService(t, "E2E_HTTP="+freeAddress(t))
		write(t, s.path("wm.pid"), text)
		s.run("status").wantCode(3)
		s.run("stop").wantCode(0)
		s.start()
	}
}

// A link in place of a file of the run directory is not followed.
func TestFilesAreNotLinks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"wm.pid", "wm.log"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			victim := filepath.Join(t.TempDir(), "victim")
			write(t, victim, "precious")
			s := newService(t, "E2E_HTTP="+freeAddress(t))
			if err := os.Symlink(victim, s.path(name)); err != nil {
				t.Fatal(err)
			}
			if r := s.run("start", "-d"); r.code == 0 {
				s.run("stop").wantCode(0)
			}
			if text, _ := os.ReadFile(victim); string(text) != "precious" {
				t.Errorf("the file behind the link now has %q", text)
			}
			os.Remove(s.path(name))
		})
	}
}

var logLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d pid:\d+ `)

func TestLogLines(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	s.run("reload").wantCode(0)
	s.run("stop").wantCode(0)
	lines := strings.Split(strings.TrimSpace(s.log()), "\n")
	if len(lines) < 4 {
		t.Errorf("only %d lines", len(lines))
	}
	for _, line := range lines {
		if !logLine.MatchString(line) {
			t.Errorf("not a log line: %q", line)
		}
	}
	wantMode(t, s.path("wm.log"), 0o644)
}
