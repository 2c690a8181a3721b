package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCtrlCEndsSingle(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	term := s.onTerminal("start", "--single")
	term.wantScreen("Press Ctrl+C to stop. Start success.")
	mustFetch(t, address, "/")
	term.press("\x03")
	s.wait(term.command).wantCode(0)
	s.wantLog("web 0 stops")
	wantNoFiles(t, s)
}

func TestClosedTerminalEndsSingle(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	term := s.onTerminal("start", "--single")
	term.wantScreen("Start success.")
	term.keys.Close()
	s.wait(term.command)
	s.wantLog("has been stopped")
	wantNoFiles(t, s)
}

// A callback that does not come back is waited for, but not by who presses Ctrl+C
// twice.
func TestSecondCtrlCEndsSingleAtOnce(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	term := s.onTerminal("start", "--single")
	term.wantScreen("Start success.")
	block := newClient(t, address)
	fmt.Fprint(block.conn, "GET /block?n=3600000 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	s.waitSnapshot("a busy loop", func(snap snapshot) bool {
		rows := snap.running("web")
		return len(rows) == 1 && rows[0].BusyNS > 0
	})
	term.press("\x03")
	s.wantLog("stopping")
	term.press("\x03")
	s.wait(term.command).wantCode(1)
	s.wantLog("ends at once")
	wantNoFiles(t, s)
}

// One that is late is ended when its time is over.
func TestSingleThatDoesNotLeaveInTime(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_STOP_TIMEOUT=300ms")
	c := s.single()
	block := newClient(t, address)
	fmt.Fprint(block.conn, "GET /block?n=3600000 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	s.waitSnapshot("a busy loop", func(snap snapshot) bool {
		rows := snap.running("web")
		return len(rows) == 1 && rows[0].BusyNS > 0
	})
	s.run("stop").wantCode(0).wantText("had to be killed")
	s.wait(c).wantCode(1)
	s.wantLog("did not leave within 300ms")
	wantNoFiles(t, s)
}

// QUIT and stop -g wait for clients.
func TestSingleStopsGracefully(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"QUIT", "stop -g"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_TEXT="+address)
			c := s.single()
			open := newClient(t, address)
			open.mustLine(t, "x")
			if how == "QUIT" {
				kill(t, c.cmd.Process.Pid, unix.SIGQUIT)
			} else {
				defer s.wait(s.begin(nil, "stop", "-g"))
			}
			waitFor(t, eventLimit, "new clients are refused", func() bool { return refused(address) })
			if got := open.mustLine(t, "still here"); got != "still here" {
				t.Errorf("answer %q", got)
			}
			open.conn.Close()
			s.wait(c).wantCode(0)
			wantNoFiles(t, s)
		})
	}
}

// A start that fails says why, ends with 1 and leaves nothing behind.
func TestSingleThatDoesNotStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ how, want string }{
		{"error", "OnWorkerStart: Worker web: slot 0 refuses on purpose"},
		{"panic", "OnWorkerStart: Worker web: panic: panic on purpose in OnWorkerStart"},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Parallel()
			_, fail := failFile(t, "0 "+c.how)
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, fail, "E2E_TEXT="+freeAddress(t))
			s.run("start", "--single").wantCode(1).wantText(c.want)
			wantNoFiles(t, s)
			if !free(address) {
				t.Error("the port is not free")
			}
		})
	}
	address := freeAddress(t)
	other := newService(t, "E2E_TCP="+address)
	other.start()
	s := newService(t, "E2E_TEXT="+freeAddress(t), "E2E_ADDRESS=text://"+address)
	s.ports = s.ports[:1] // the other one is the other service's
	s.run("start", "--single").wantCode(1).wantText(
		"listen text://" + address + ": address already in use")
	wantNoFiles(t, s)
}

// StopAll ends the process with its status, what a callback panics with is logged,
// and a panic beside the loop ends the process as Go does.
func TestSingleEndsAsAWorkerProcessWould(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, log string
		code      int
		clean     bool
	}{
		{"/stopall?n=0", "asked to by a client", 0, true},
		{"/stopall?n=7", "asked to by a client", 7, true},
		{"/goexit", "ended the loop goroutine", 250, true},
		{"/crash", "", 2, false},
		{"/exit?n=5", "", 5, false},
	} {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address)
			one := s.single()
			if got, err := fetch(address, "/panic", replyLimit); err == nil {
				t.Errorf("/panic answers %q", got)
			}
			s.wantLog("panic on purpose in a callback")
			mustFetch(t, address, "/")
			_, _ = fetch(address, c.path, replyLimit)
			r := s.wait(one).wantCode(c.code)
			if c.clean {
				s.wantLog(c.log)
				wantNoFiles(t, s)
				return
			}
			if c.path == "/crash" {
				r.wantText("panic: crash on purpose beside the loop", "goroutine ")
			}
			s.run("status").wantCode(3).wantText("not run")
			again := s.single()
			mustFetch(t, address, "/")
			s.run("stop").wantCode(0)
			s.wait(again).wantCode(0)
		})
	}
}

// Start functions run in this very process.
func TestSingleStartThatPanicsOrExits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		how, want string
		code      int
	}{
		{"panic", "panic on purpose in Start", 2},
		{"exit", "", 7},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Parallel()
			s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_ODD="+c.how)
			s.run("start", "--single").wantCode(c.code).wantText(c.want)
			wantNoFiles(t, s)
		})
	}
}

// Ctrl+C ends it also while a Start blocks.
func TestCtrlCEndsSingleInStart(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_ODD=hang")
	c := s.beginSingle()
	waitFor(t, eventLimit, "the first line", func() bool {
		return strings.Contains(c.both.String(), "start in SINGLE mode")
	})
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	s.wait(c).wantCode(1)
	wantNoFiles(t, s)
}

// Users are not switched, which is said and not refused.
func TestSingleDoesNotSwitchUsers(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_USER=nobody")
	s.single().wantScreenText(t, "one process does not switch to nobody")
	mustFetch(t, address, "/")
}

// The race detector watches it: `go run -race . start --single` finds the run
// directory of the source tree, whatever the working directory.
func TestSingleUnderGoRunWithTheRaceDetector(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("go", "env", "CC").Output(); err != nil {
		t.Skip("no go")
	} else if _, err := exec.LookPath(strings.TrimSpace(string(out))); err != nil {
		t.Skipf("the race detector needs cgo: %v", err)
	}
	tree := filepath.Join(t.TempDir(), "tree")
	if err := copyTree(built.tree, tree); err != nil {
		t.Fatal(err)
	}
	if err := install(built.lab, filepath.Join(tree, "bin", "wm")); err != nil {
		t.Fatal(err)
	}
	address, text := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_TEXT="+text)
	s.bin = filepath.Join(tree, "bin", "wm")
	s.dir = filepath.Join(tree, "bin")
	c := s.begin(func(cmd *exec.Cmd) {
		cmd.Path, cmd.Err = "", nil
		path, err := exec.LookPath("go")
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path = path
		cmd.Args = []string{"go", "run", "-C", tree, "-race", ".", "start", "--single"}
		cmd.Env = append(without(cmd.Env, "WM_RUN_DIR="), "CGO_ENABLED=1", "GORACE=halt_on_error=1")
		cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	}, "start", "--single")
	waitFor(t, commandLimit, "the banner under go run -race", func() bool {
		select {
		case <-c.done:
			t.Fatalf("go run has ended:\n%s", c.both.String())
		default:
		}
		return strings.Contains(c.both.String(), "Start success.")
	})
	c.wantScreenText(t, "run directory "+s.dir)
	if want, got := filepath.Join(tree, "apps", "web"), mustFetch(t, address, "/appdir"); got != want {
		t.Errorf("AppDir %s, want %s", got, want)
	}
	open := newClient(t, text)
	for range 100 {
		open.mustLine(t, "x")
	}
	s.run("status").wantCode(0).wantText("SINGLE mode")
	s.run("connections").wantCode(0).wantText("echo-text")
	s.run("stop").wantCode(0)
	s.wait(c).wantCode(0)
	if strings.Contains(c.both.String(), "DATA RACE") {
		t.Errorf("a data race:\n%s", c.both.String())
	}
}

// without removes the entries that begin with a prefix.
func without(environ []string, prefix string) (kept []string) {
	for _, entry := range environ {
		if !strings.HasPrefix(entry, prefix) {
			kept = append(kept, entry)
		}
	}
	return kept
}
