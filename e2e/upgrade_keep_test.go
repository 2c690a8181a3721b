package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// wm.log goes on in the same file, and rotation goes on working.
func TestUpgradeCarriesTheLog(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1", "E2E_RELOADABLE=false")
	s.own(built.lab)
	out := s.path("stdout.txt")
	s.start("--stdout-file", out)
	before := s.log()
	master := s.snapshot().MasterPID
	s.upgradeNow()
	log := s.log()
	if !strings.HasPrefix(log, before) || !strings.Contains(log[len(before):], "upgrade") {
		t.Errorf("wm.log was\n%s\nand is\n%s", before, log)
	}
	for _, line := range strings.Split(strings.TrimSuffix(log[len(before):], "\n"), "\n") {
		if strings.Contains(line, "pid:") && !strings.Contains(line, fmt.Sprintf("pid:%d", master)) {
			t.Errorf("not a line of the master: %s", line)
		}
	}
	for _, path := range []string{out, s.path("wm.log")} {
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
	}
	kill(t, master, unix.SIGHUP)
	s.wantLog("reload")
	waitFor(t, eventLimit, "the master writes to the new file", func() bool {
		return descriptors(master)[1] == out && descriptors(master)[2] == out
	})
	fetch(address, "/crash", replyLimit)
	waitFor(t, eventLimit, "standard error of a process goes there too", func() bool {
		text, _ := os.ReadFile(out)
		return strings.Contains(string(text), "crash on purpose beside the loop")
	})
}

// Users are kept: a successor is started as the user that its Worker has.
func TestUpgradeCarriesUsers(t *testing.T) {
	t.Parallel()
	needRoot(t)
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_USER=nobody", "E2E_COUNT=1")
	s.own(built.lab)
	s.start()
	want := statusField(t, s.snapshot().pidsOf("web")[0], "Uid")
	s.upgradeNow()
	kill(t, s.snapshot().pidsOf("web")[0], sigKill)
	s.waitWhole("web", 1)
	if got := statusField(t, s.snapshot().pidsOf("web")[0], "Uid"); got != want {
		t.Errorf("Uid %q, want %q", got, want)
	}
}

// Limits go on: a process that hangs is killed, one that has had its requests
// is renewed.
func TestUpgradeCarriesLimits(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1",
		"E2E_HANG_TIMEOUT=1s", "E2E_MAX_REQUESTS=50")
	s.own(built.lab)
	s.start()
	old := s.snapshot().pidsOf("web")[0]
	s.upgradeNow()
	for range 60 {
		mustFetch(t, address, "/")
	}
	s.wantLog("is renewed")
	waitFor(t, eventLimit, "the process that was renewed is gone", func() bool { return !alive(old) })
	s.waitWhole("web", 1)
	go fetch(address, "/block?n=60000", time.Second) // ends by its limit
	s.wantLog("hangs in a callback")
	s.waitWhole("web", 1)
}

// What the master keeps of its own does not change: lock, pid file, control
// socket, name, and the directory it stands in.
func TestUpgradeKeepsWhatTheMasterIs(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.own(built.lab)
	s.start()
	was := s.files(t)
	s.upgradeNow()
	if is := s.files(t); is != was {
		t.Errorf("was\n%s\nis\n%s", was, is)
	}
	s.upgradeNow()
	if is := s.files(t); is != was {
		t.Errorf("after two upgrades: was\n%s\nis\n%s", was, is)
	}
	r := s.run("start", "-d").wantCode(0)
	r.wantText("already running")
}

// files describes the run directory and the master.
func (s *service) files(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, name := range []string{"wm.pid", "wm.lock", "wm.sock"} {
		var st unix.Stat_t
		if err := unix.Stat(s.path(name), &st); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s: inode %d, mode %o\n", name, st.Ino, st.Mode)
	}
	pid := s.snapshot().MasterPID
	text, err := os.ReadFile(s.path("wm.pid"))
	if err != nil {
		t.Fatal(err)
	}
	comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	cwd, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	fmt.Fprintf(&out, "pid file %s\n%s\ncomm %sin %s\numask %s", text, title(pid), comm, cwd,
		statusField(t, pid, "Umask"))
	fmt.Fprintf(&out, "\nignored %s, parent %s", statusField(t, pid, "SigIgn"),
		statusField(t, pid, "PPid"))
	return out.String()
}
