package e2e

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// resize gives the terminal another width, as dragging a window does.
func (term *terminal) resize(columns uint16) {
	term.s.t.Helper()
	size := unix.Winsize{Row: 24, Col: columns}
	raw, err := term.keys.SyscallConn()
	if err != nil {
		term.s.t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &size) })
	if err != nil {
		term.s.t.Fatal(err)
	}
}

// status -d draws for the width that the terminal has now; what it leaves out is
// named, and is there with --wide, and in a pipe however it is called.
func TestStatusFitsTheTerminal(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=1")
	s.start()
	live := s.onTerminal("status", "-d")
	live.wantScreen("Press Ctrl+C to quit.")
	if strings.Contains(live.screen.String(), "left out") {
		t.Errorf("left out at 200 columns:\n%s", live.screen.String())
	}
	live.resize(80)
	live.wantScreen("80 columns: ")
	live.resize(60)
	live.wantScreen("60 columns: ")
	live.press("\x03")
	s.wait(live.command)

	wide := s.onTerminal("status", "-d", "--wide")
	wide.resize(80)
	wide.wantScreen("Press Ctrl+C to quit.")
	if strings.Contains(wide.screen.String(), "left out") {
		t.Errorf("left out with --wide:\n%s", wide.screen.String())
	}
	wide.press("\x03")
	s.wait(wide.command)
	if r := s.run("status"); strings.Contains(r.out, "left out") {
		t.Errorf("left out in a pipe:\n%s", r.out)
	}
}
