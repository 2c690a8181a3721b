package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Commands that come while the master stands still are answered when it goes
// on, by the image that is there then.
func TestCommandsInTheWindow(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, labEvil.binary(t))
	write(t, u.evil, "freeze sleep 500ms")
	up := u.begin(nil, "upgrade", "--binary", labNext.binary(t))
	waitFor(t, eventLimit, "the window", func() bool { return missing(u.evil) })
	commands := []*command{
		u.begin(nil, "status", "--json"), u.begin(nil, "status"), u.begin(nil, "connections"),
		u.begin(nil, "status"), u.begin(nil, "reload"),
	}
	for _, c := range commands {
		if r := u.wait(c); r.code != 0 {
			t.Errorf("%s: exit status %d\n%s", r.line, r.code, r.out)
		}
	}
	u.wait(up).wantCode(0).wantText("upgrade success")
	u.waitWhole("web", 2)
	u.wantClients()
	u.look()
	u.wantWorking()
}

// A command that was answered in part before the window gets the rest.
func TestReloadIsWaitedForOverAnUpgrade(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab, "E2E_STOP_TIMEOUT=3s")
	hold := clientOf(t, u.address, u.before.pidsOf("web")[0])
	fmt.Fprintf(hold.conn, "GET /wait?n=2500 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	settling := u.begin(nil, "reload")
	u.waitSnapshot("a new generation with one process draining", func(snap snapshot) bool {
		return snap.Generation == u.before.Generation+1 && len(snap.Processes) == 3
	})
	u.run("upgrade", "--binary", labNext.binary(t)).wantCode(0)
	u.wantVersion(otherVersion)
	u.wait(settling).wantCode(0).wantText("reload success")
	u.waitWhole("web", 2)
	u.wantClients()
}

func TestStopInTheWindow(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, labEvil.binary(t))
	write(t, u.evil, "freeze sleep 500ms")
	up := u.begin(nil, "upgrade", "--binary", labNext.binary(t))
	waitFor(t, eventLimit, "the window", func() bool { return missing(u.evil) })
	stop := u.begin(nil, "stop")
	u.wait(stop).wantCode(0)
	u.waitGone(0)
	if r := u.wait(up); r.code != 0 && r.code != 1 {
		t.Errorf("exit status %d\n%s", r.code, r.out)
	}
}

// Two upgrades at once, and more: each command returns when what it asked for
// is there or refused.
func TestUpgradesAtOnce(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	var all []*command
	for n := range 6 {
		to := []string{labNext.binary(t), built.lab}[n%2]
		all = append(all, u.begin(nil, "upgrade", "--binary", to))
	}
	all = append(all, u.begin(nil, "reload"))
	for _, c := range all {
		if r := u.wait(c); r.code != 0 {
			t.Errorf("%s: exit status %d\n%s", r.line, r.code, r.out)
		}
	}
	u.waitWhole("web", 2)
	u.wantClients()
	u.look()
	u.wantWorking()
}

// Debug mode goes on after an upgrade: its lines come to the terminal, and
// Ctrl+C ends it.
func TestUpgradeInDebugMode(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.own(built.lab)
	term := s.onTerminal("start")
	term.wantScreen("Start success.")
	before := s.snapshot()
	s.run("upgrade", "--binary", labNext.binary(t)).wantCode(0).wantText("upgrade success")
	term.wantScreen(otherVersion)
	snap := s.snapshot()
	snap.wantSame(t, before, "web")
	if snap.Mode != "DEBUG" || snap.Version != otherVersion {
		t.Errorf("mode %q, wm %s", snap.Mode, snap.Version)
	}
	fetch(address, "/panic", time.Second)
	term.wantScreen("panic on purpose in a callback")
	s.run("reload").wantCode(0)
	fetch(address, "/crash", time.Second)
	term.wantScreen("crash on purpose beside the loop")
	s.waitWhole("web", 1)
	term.press("\x03")
	s.wait(term.command).wantCode(0)
	s.waitGone(0)
}

func TestClosedTerminalEndsDebugModeAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=1")
	s.own(built.lab)
	term := s.onTerminal("start")
	term.wantScreen("Start success.")
	s.run("upgrade", "--binary", labNext.binary(t)).wantCode(0)
	term.keys.Close()
	s.wait(term.command)
	s.waitGone(0)
}

// The steps are those that docs/upgrade.md tells, each once, in order.
func TestStepsOfAnUpgrade(t *testing.T) {
	t.Parallel()
	steps := filepath.Join(t.TempDir(), "steps")
	u := newUpgradable(t, built.lab, "E2E_EVIL_STEPS="+steps)
	u.run("upgrade", "--binary", labEvil.binary(t)).wantCode(0)
	u.run("upgrade", "--binary", labNext.binary(t)).wantCode(0)
	text, err := os.ReadFile(steps)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range strings.Split(string(text), "\n") {
		var pid int
		var name string
		if n, _ := fmt.Sscan(line, &pid, &name); n == 2 && pid == u.before.MasterPID {
			got = append(got, name)
		}
	}
	want := append(append([]string{"init-adopt"}, newSteps...), oldSteps...)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("steps %v, want %v", got, want)
	}
}
