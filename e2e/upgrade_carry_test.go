package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// upgradeNow upgrades the service to the other build, without a process that
// is started anew.
func (s *service) upgradeNow() {
	s.t.Helper()
	before := s.snapshot()
	was := born(before)
	next := labNext.binary(s.t)
	if before.Version == otherVersion {
		next = built.lab
	}
	s.run("upgrade", "--binary", next).wantCode(0).wantText("upgrade success")
	now := s.snapshot()
	if now.MasterPID != before.MasterPID || now.Version == before.Version {
		s.t.Errorf("master %d wm %s became %d wm %s", before.MasterPID, before.Version,
			now.MasterPID, now.Version)
	}
	for _, p := range now.Processes {
		if at, known := was[p.PID]; p.State == "running" && (!known || at != beganAt(p.PID)) {
			s.t.Errorf("process %d of %s has begun in the upgrade", p.PID, p.Key)
		}
	}
}

// What status has counted goes on.
func TestUpgradeCarriesFigures(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1")
	s.own(built.lab)
	s.start()
	began := startTime(t, s.run("status").out)
	kill(t, s.snapshot().pidsOf("web")[0], sigKill)
	s.waitWhole("web", 1)
	fetch(address, "/crash", replyLimit)
	s.waitSnapshot("two exits", func(snap snapshot) bool {
		return snap.exitCount("web", 512) == 1 && snap.whole("web", 1) == nil
	})
	for range 3 {
		mustFetch(t, address, "/")
	}
	before := s.snapshot()
	s.upgradeNow()
	after := s.snapshot()
	if fmt.Sprint(after.Exits) != fmt.Sprint(before.Exits) {
		t.Errorf("exits were %v and are %v", before.Exits, after.Exits)
	}
	was, is := before.running("web")[0], after.running("web")[0]
	if is.TotalRequest < was.TotalRequest || is.LastCause != was.LastCause ||
		is.Generation != was.Generation {
		t.Errorf("process was %+v and is %+v", was, is)
	}
	if now := startTime(t, s.run("status").out); now != began {
		t.Errorf("start time was %q and is %q", began, now)
	}
	fetch(address, "/crash", replyLimit)
	s.waitSnapshot("one more exit", func(snap snapshot) bool {
		return snap.exitCount("web", 512) == 2 && snap.whole("web", 1) == nil
	})
	if n := strings.Count(s.log(), "crash on purpose beside the loop"); n < 2 {
		t.Errorf("the last words of a process that an old image has started are not in wm.log")
	}
}

// startTime is the start time that status shows.
func startTime(t *testing.T, status string) string {
	t.Helper()
	_, rest, found := strings.Cut(status, "start time:")
	if !found {
		t.Fatalf("no start time in\n%s", status)
	}
	words := strings.Fields(rest)
	return strings.Join(words[:2], " ")
}

// A slot whose process crashes again and again goes on waiting as long as it
// would have, and goes on where it was.
func TestUpgradeCarriesBackoff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flag, starts := filepath.Join(dir, "flap"), filepath.Join(dir, "starts")
	s := newService(t, "E2E_FLAP="+flag, "E2E_STARTS="+starts, "E2E_HTTP="+freeAddress(t))
	s.own(built.lab)
	s.start()
	write(t, flag, "")
	kill(t, s.snapshot().pidsOf("flap")[0], sigKill)
	waitFor(t, eventLimit, "five starts", func() bool { return len(startsIn(t, starts)) >= 5 })
	s.waitSnapshot("backoff", func(snap snapshot) bool { return len(snap.running("flap")) == 0 })
	s.upgradeNow()
	waitFor(t, eventLimit, "two more starts", func() bool { return len(startsIn(t, starts)) >= 7 })
	at := startsIn(t, starts)
	for i := 3; i < 7; i++ {
		// Each delay is twice the one before, give or take 20 %.
		delay, before := at[i].Sub(at[i-1]), at[i-1].Sub(at[i-2])
		if delay < before {
			t.Errorf("delay %d is %v after %v", i, delay, before)
		}
	}
	if err := os.Remove(flag); err != nil {
		t.Fatal(err)
	}
	s.waitWhole("flap", 1)
}

func startsIn(t *testing.T, path string) []time.Time {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var out []time.Time
	for _, line := range strings.Fields(string(text)) {
		var nano int64
		fmt.Sscan(line, &nano)
		out = append(out, time.Unix(0, nano))
	}
	return out
}

// A process that drains goes on draining, with its clients; nobody forgets it.
func TestUpgradeCarriesDrainingProcesses(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_TEXT="+address, "E2E_COUNT=1")
	s.own(built.lab)
	s.start()
	kept := newClient(t, address)
	kept.mustLine(t, "x")
	old := s.snapshot().pidsOf("echo-text")[0]
	s.run("reload", "-g").wantCode(0)
	s.upgradeNow()
	if got := kept.mustLine(t, "still here"); got != "still here" {
		t.Errorf("answer %q", got)
	}
	row, found := s.snapshot().process(old)
	if !found || row.State == "running" {
		t.Errorf("the process that drains is shown as %+v (%v)", row, found)
	}
	kept.conn.Close()
	waitFor(t, eventLimit, "the drained process is gone", func() bool { return !alive(old) })
	s.waitWhole("echo-text", 1)
	if snap := s.snapshot(); snap.exitCount("echo-text", 9) != 0 {
		t.Errorf("it was killed: %v", snap.Exits)
	}
}

// A process that does not leave in time is killed by the image that is there
// then.
func TestUpgradeCarriesDeadlines(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=1", "E2E_STOP_TIMEOUT=2s")
	s.own(built.lab)
	s.start()
	old := s.snapshot().pidsOf("web")[0]
	c := clientOf(t, address, old)
	fmt.Fprintf(c.conn, "GET /block?n=60000 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	s.waitSnapshot("a blocked loop", func(snap snapshot) bool {
		row, _ := snap.process(old)
		return row.busyFor() > 0
	})
	reload := s.begin(nil, "reload")
	s.waitSnapshot("the next generation", func(snap snapshot) bool { return snap.Generation == 2 })
	s.upgradeNow()
	s.wait(reload).wantCode(0)
	if alive(old) {
		t.Error("the process that was to leave is there")
	}
	s.wantLog("did not leave within")
}

// Sockets of an address with ReusePort keep their slots, and a neighbour that
// serves a queue meanwhile goes on until its owner is back.
func TestUpgradeCarriesLentSockets(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_PORT="+address)
	s.own(built.lab)
	s.start()
	frozen := s.snapshot().pidsOf("shared-tcp")[2]
	freeze(t, frozen)
	for range 80 {
		if pid, err := askNew(address, "pid"); err != nil || pid == fmt.Sprint(frozen) {
			t.Fatalf("answer of %s, %v", pid, err)
		}
	}
	var all load
	addShared(&all, 2, address)
	s.upgradeNow()
	for range 80 {
		if pid, err := askNew(address, "pid"); err != nil || pid == fmt.Sprint(frozen) {
			t.Fatalf("answer of %s, %v", pid, err)
		}
	}
	kill(t, frozen, unix.SIGCONT)
	waitFor(t, eventLimit, "the process serves again", func() bool {
		pid, err := askNew(address, "pid")
		return err == nil && pid == fmt.Sprint(frozen)
	})
	other := s.snapshot().pidsOf("shared-tcp")[1]
	freeze(t, other)
	s.wantLog("serves the queue of slot 1 meanwhile")
	kill(t, other, unix.SIGCONT)
	s.run("reload").wantCode(0)
	s.waitWhole("shared-tcp", 4)
	all.stop()
	if all.bad() != 0 || all.success.Load() == 0 {
		t.Errorf("clients saw: %s", &all)
	}
}

// Ports and socket files that processes opened themselves, and that Workers
// have, belong to the new image: successors get them, and a stop removes the
// files.
func TestUpgradeCarriesSocketFilesAndInnerPorts(t *testing.T) {
	t.Parallel()
	port := freeAddress(t)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	own, path := filepath.Join(dir, "own"), filepath.Join(dir, "worker.sock")
	s := newService(t, "E2E_INSIDE="+own+","+port, "E2E_UNIX="+path)
	s.ports = append(s.ports, port)
	s.own(built.lab)
	s.start()
	inode := socketInode(t, port)
	s.upgradeNow()
	kill(t, s.snapshot().pidsOf("inside")[0], sigKill)
	s.waitWhole("inside", 2)
	for range 8 {
		if got, err := askNew(port, "x"); err != nil || got != "x" {
			t.Errorf("inner port answers %q, %v", got, err)
		}
	}
	listenerOf(t, s.snapshot().MasterPID, inode) // ends the test without it
	for _, file := range []string{own + "0", own + "1", path} {
		if missing(file) {
			t.Errorf("%s is gone before the stop", file)
		}
	}
	s.run("reload").wantCode(0)
	s.run("stop").wantCode(0)
	for _, file := range []string{own + "0", own + "1", path} {
		if !missing(file) {
			t.Errorf("%s is there after the stop", file)
		}
	}
}

// Certificates are watched on, and given to processes that come later.
func TestUpgradeCarriesCertificates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key")
	give := func(serial int64) {
		cert, key := newPair(t, serial)
		write(t, certFile, cert)
		write(t, keyFile, key)
	}
	give(1)
	address := freeAddress(t)
	s := newService(t, "E2E_TLS="+address, "E2E_CERT="+certFile, "E2E_KEY="+keyFile)
	s.own(built.lab)
	s.start()
	shows := func(want int64) {
		t.Helper()
		waitFor(t, eventLimit, fmt.Sprintf("handshakes show serial %d", want), func() bool {
			c, serial, err := dialTLS(address)
			if err == nil {
				c.conn.Close()
			}
			return err == nil && serial == want
		})
	}
	shows(1)
	s.upgradeNow()
	kill(t, s.snapshot().pidsOf("secure")[0], sigKill)
	s.waitWhole("secure", 2)
	shows(1)
	give(2)
	s.wantLog("certificate " + certFile + " reloaded, serial 2")
	shows(2)
	s.upgradeNow()
	shows(2)
}
