package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a command on a pseudo terminal that it controls.
type terminal struct {
	*command
	s      *service
	keys   *os.File // what is written here is typed; closing it hangs up
	screen lockedBuffer
}

// onTerminal starts a command as the session leader of a new terminal.
func (s *service) onTerminal(args ...string) *terminal {
	s.t.Helper()
	keys, tty := openTerminal(s.t)
	defer tty.Close()
	term := &terminal{s: s, keys: keys}
	term.command = s.begin(func(cmd *exec.Cmd) {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
		cmd.Env = append(cmd.Env, "TERM=xterm")
		cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	}, args...)
	go func() { // ends when the terminal is closed
		buf := make([]byte, 4096)
		for {
			n, err := keys.Read(buf)
			term.screen.Write(buf[:n])
			term.both.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	s.t.Cleanup(func() { keys.Close() })
	return term
}

func openTerminal(t testing.TB) (keys, tty *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	keys = os.NewFile(uintptr(fd), "ptmx")
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 200})
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		keys.Close()
		t.Skipf("no pseudo terminals here: %v", err)
	}
	return keys, tty
}

// wantScreen waits until the terminal showed a piece of text.
func (term *terminal) wantScreen(piece string) {
	term.s.t.Helper()
	if !poll(eventLimit, func() bool { return strings.Contains(term.screen.String(), piece) }) {
		term.s.t.Fatalf("%s: the screen never shows %q:\n%s", term.line, piece, term.screen.String())
	}
}

func (term *terminal) press(keys string) {
	term.s.t.Helper()
	if _, err := term.keys.WriteString(keys); err != nil {
		term.s.t.Fatal(err)
	}
}

func TestCtrlCEndsDebugMode(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	term := s.onTerminal("start")
	term.wantScreen("Press Ctrl+C to stop. Start success.")
	mustFetch(t, address, "/")
	if snap := s.snapshot(); snap.Mode != "DEBUG" {
		t.Errorf("mode %q", snap.Mode)
	}
	term.press("\x03")
	s.wait(term.command).wantCode(0)
	s.waitGone(0)
}

func TestClosedTerminalEndsDebugMode(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	term := s.onTerminal("start")
	term.wantScreen("Start success.")
	term.keys.Close()
	s.wait(term.command)
	s.waitGone(0)
	waitFor(t, lingerLimit, "the port is free", func() bool { return free(address) })
}

// A daemon does not notice that the terminal it was started from is closed.
func TestClosedTerminalLeavesTheDaemon(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	term := s.onTerminal("start", "-d")
	s.wait(term.command).wantCode(0)
	before := s.snapshot()
	term.keys.Close()
	mustFetch(t, address, "/")
	s.snapshot().wantSame(t, before, "web")
	for _, pid := range s.processes() {
		for fd, to := range descriptors(pid) {
			if strings.HasPrefix(to, "/dev/pts/") {
				t.Errorf("descriptor %d of %s is %s", fd, title(pid), to)
			}
		}
	}
}

func TestDebugModeShowsWhatWorkersPrint(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	term := s.onTerminal("start")
	term.wantScreen("Start success.")
	fetch(address, "/panic", time.Second)
	term.wantScreen("panic on purpose in a callback")
	fetch(address, "/crash", time.Second)
	term.wantScreen("crash on purpose beside the loop")
	s.waitWhole("web", 1)
	term.press("\x03")
	s.wait(term.command).wantCode(0)
}

var qpsRow = regexp.MustCompile(`web .*\[idle\]`)

func TestStatusDaemonIsLive(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.start()
	term := s.onTerminal("status", "-d")
	term.wantScreen("Press Ctrl+C to quit.")
	c := newClient(t, address)
	if !poll(eventLimit, func() bool {
		if _, _, err := c.get("/", replyLimit); err != nil {
			t.Fatal(err)
		}
		return busyQPS(term.screen.String())
	}) {
		t.Errorf("qps stays 0 under load:\n%s", term.screen.String())
	}
	if n := strings.Count(term.screen.String(), "GLOBAL STATUS"); n < 2 {
		t.Errorf("the screen was drawn %d times", n)
	}
	term.press("\x03")
	if r := s.wait(term.command); r.code != 0 && r.code != 130 {
		t.Errorf("exit status %d", r.code)
	}
	s.snapshot().wantWhole(t, "web", 1)
}

// busyQPS tells whether a row of the web Worker shows requests per second:
// its columns are as TestStatusText says, qps is the sixth from the end.
func busyQPS(screen string) bool {
	for _, row := range qpsRow.FindAllString(screen, -1) {
		words := strings.Fields(strings.ReplaceAll(row, "\r", ""))
		if len(words) < 11 {
			continue
		}
		if qps := words[len(words)-6]; qps != "0" && !strings.HasPrefix(qps, "0.0") {
			return true
		}
	}
	return false
}
