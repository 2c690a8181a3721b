package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// foreground starts `wm start` in a process group of its own and waits until
// it serves.
func (s *service) foreground() *command {
	s.t.Helper()
	c := s.begin(func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	}, "start")
	waitFor(s.t, eventLimit, "the banner of wm start", func() bool {
		return strings.Contains(c.both.String(), "Start success.")
	})
	return c
}

// Ctrl+C reaches every process of the group at once, the hang-up too.
func TestSignalsToTheGroupEndDebugMode(t *testing.T) {
	t.Parallel()
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address)
			c := s.foreground()
			mustFetch(t, address, "/")
			if err := unix.Kill(-c.cmd.Process.Pid, sig); err != nil {
				t.Fatal(err)
			}
			s.wait(c).wantCode(0)
			s.waitGone(0)
		})
	}
}

func TestDebugModeIsOneProcessGroup(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	c := s.foreground()
	c.wantScreenText(t, "DEBUG mode", "Press Ctrl+C to stop. Start success.")
	snap := s.snapshot()
	if snap.MasterPID != c.cmd.Process.Pid {
		t.Errorf("the master is %d, the command %d", snap.MasterPID, c.cmd.Process.Pid)
	}
	for _, pid := range snap.pidsOf("web") {
		if group, _ := unix.Getpgid(pid); group != snap.MasterPID {
			t.Errorf("process %d is in group %d, want %d", pid, group, snap.MasterPID)
		}
	}
	s.run("stop").wantCode(0)
	s.wait(c).wantCode(0)
}

func (c *command) wantScreenText(t *testing.T, pieces ...string) {
	t.Helper()
	for _, piece := range pieces {
		if !strings.Contains(c.both.String(), piece) {
			t.Errorf("%s: no %q in:\n%s", c.line, piece, c.both.String())
		}
	}
}

// The six commands work on a service in the foreground too.
func TestCommandsWorkOnDebugMode(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	c := s.foreground()
	s.run("reload").wantCode(0)
	mustFetch(t, address, "/")
	s.run("status").wantCode(0).wantText("DEBUG mode")
	s.run("restart", "-d").wantCode(0)
	s.wait(c).wantCode(0)
	s.snapshot().wantWhole(t, "web", 2)
}
