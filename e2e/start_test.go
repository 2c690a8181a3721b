package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lingerLimit is what a daemon may take to end after it told the command that
// it failed.
const lingerLimit = 2 * time.Second

// failFile makes the file that tells the web app how to fail: "SLOT HOW".
func failFile(t *testing.T, text string) (path, entry string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fail")
	if text != "" {
		write(t, path, text)
	}
	return path, "E2E_FAIL=" + path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A start of which one process does not become ready says which one and why,
// ends with 1 and leaves nothing behind (newService checks that).
func TestFailedStartNamesTheProcessAndLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ how, want string }{
		{"error", "slot 1 refuses on purpose"},
		{"panic", "panic on purpose in OnWorkerStart"},
		{"crash", "crash on purpose beside the loop"},
		{"exit", "3"},
		{"hold", "ready"},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Parallel()
			_, fail := failFile(t, "1 "+c.how)
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address, fail, "E2E_READY_TIMEOUT=700ms")
			s.run("start", "-d").wantCode(1).wantText("web", c.want)
			s.waitGone(lingerLimit)
			waitFor(t, lingerLimit, "the port is free", func() bool { return free(address) })
		})
	}
}

func TestFailedStartInDebugMode(t *testing.T) {
	t.Parallel()
	_, fail := failFile(t, "0 error")
	s := newService(t, "E2E_HTTP="+freeAddress(t), fail)
	s.run("start").wantCode(1).wantText("web", "slot 0 refuses on purpose")
	s.waitGone(lingerLimit)
}

func TestStartOnAPortInUse(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	other := newService(t, "E2E_TCP="+address)
	other.start()
	for _, mode := range [][]string{{"start", "-d"}, {"start"}} {
		s := newService(t, "E2E_ADDRESS=text://"+address)
		s.ports = nil // they are the other service's
		s.run(mode...).wantCode(1).wantText(
			declLine(t) + "): listen text://" + address + ": address already in use")
		s.waitGone(lingerLimit)
	}
	if got := newClient(t, address).mustLine(t, "still there"); got != "still there" {
		t.Errorf("the first service answers %q", got)
	}
}

func TestTwoStartsAtTheSameInstant(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_COUNT=2")
	var all []*command
	for range 4 {
		all = append(all, s.begin(nil, "start", "-d"))
	}
	won := 0
	for _, c := range all {
		r := s.wait(c).wantCode(0)
		if strings.Contains(r.out, "[OK]") {
			won++
		} else {
			r.wantText("already running")
		}
	}
	if won != 1 {
		t.Errorf("%d of 4 starts say that they started the service", won)
	}
	snap := s.snapshot()
	snap.wantWhole(t, "web", 2)
	want := fmt.Sprint(1 + 2)
	if got := fmt.Sprint(len(s.processes())); got != want {
		t.Errorf("%s processes, want %s", got, want)
	}
}

func TestStartThatPanicsExitsOrHangs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ how, want string }{
		{"panic", "panic on purpose in Start"},
		{"exit", "7"},
		{"hang", "odd"},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Parallel()
			s := newService(t, "E2E_HTTP="+freeAddress(t), "E2E_ODD="+c.how)
			s.run("start", "-d").wantCode(1).wantText("odd", c.want)
			s.waitGone(lingerLimit)
		})
	}
}

// The descriptors that the Go runtime keeps open differ from machine to
// machine; none of them may stand in the way of the ones handed over.
func TestStartDoesNotDependOnDescriptorsOfTheRuntime(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "GODEBUG=containermaxprocs=0,updatemaxprocs=0")
	s.run("check").wantCode(0)
	s.start()
	mustFetch(t, address, "/")
	s.run("reload").wantCode(0)
	s.waitWhole("web", 2)
}

// AppDir is where the app's files are: below the module, or beside a binary
// that was taken elsewhere, whatever the working directory.
func TestAppDir(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	s.start()
	want := filepath.Join(filepath.Dir(s.bin), "apps", "web")
	if got := mustFetch(t, address, "/appdir"); got != want {
		t.Errorf("AppDir %s, want %s", got, want)
	}
}

// What only a start can choose is refused and not ignored.
func TestReloadRefusesFlagsOfAStart(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.start()
	s.run("reload", "--app", "web").wantCode(2)
	s.run("reload", "--", "x").wantCode(2)
}

// A small limit of open files is enough for a small service.
func TestStartWithFewDescriptors(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	limited := func(cmd *exec.Cmd) {
		cmd.Path = "/bin/sh"
		cmd.Args = []string{"sh", "-c", `ulimit -n 64; exec "$0" start -d`, s.bin}
	}
	s.wait(s.begin(limited, "start", "-d")).wantCode(0)
	mustFetch(t, address, "/")
	s.run("reload").wantCode(0)
	s.waitWhole("web", 2)
}
