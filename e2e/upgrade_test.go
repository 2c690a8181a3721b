package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// upgradable is a service that is upgraded while clients ask it.
type upgradable struct {
	*service
	address string
	evil    string // file that tells an evil build what to do
	clients load
	before  snapshot
	born    map[int]string // when the master and its processes began
}

// newUpgradable starts a service of the binary, with clients.
func newUpgradable(t testing.TB, binary string, env ...string) *upgradable {
	t.Helper()
	u := &upgradable{address: freeAddress(t), evil: filepath.Join(t.TempDir(), "evil")}
	u.service = newService(t, append(env, "E2E_HTTP="+u.address, "E2E_COUNT=2", "E2E_EVIL="+u.evil)...)
	u.own(binary)
	u.start()
	u.look()
	u.clients.addPaced(2, 5*time.Millisecond, u.address)
	t.Cleanup(u.clients.stop)
	return u
}

// missing tells whether there is no such file.
func missing(path string) bool {
	_, err := os.Lstat(path)
	return os.IsNotExist(err)
}

// own gives the service a copy of a binary, which may be replaced.
func (s *service) own(binary string) {
	s.t.Helper()
	s.bin = filepath.Join(s.t.TempDir(), "wm")
	if err := install(binary, s.bin); err != nil {
		s.t.Fatal(err)
	}
}

// look remembers who lives.
func (u *upgradable) look() {
	u.t.Helper()
	u.before = u.snapshot()
	u.born = born(u.before)
}

// born is when the master and its worker processes began, by pid; an exec does
// not change it.
func born(snap snapshot) map[int]string {
	out := map[int]string{snap.MasterPID: beganAt(snap.MasterPID)}
	for _, p := range snap.Processes {
		out[p.PID] = beganAt(p.PID)
	}
	return out
}

// beganAt is the start time in /proc/PID/stat, its 22nd field.
func beganAt(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	if words := strings.Fields(rest); len(words) > 19 {
		return words[19]
	}
	return ""
}

// wantSameLives reports when the master or one of its processes is not who it
// was, but for those that the test has killed.
func (u *upgradable) wantSameLives(killed int) snapshot {
	u.t.Helper()
	snap := u.snapshot()
	if snap.MasterPID != u.before.MasterPID {
		u.t.Errorf("the master was %d and is %d", u.before.MasterPID, snap.MasterPID)
	}
	now, other := born(snap), 0
	for pid, at := range u.born {
		if now[pid] != at {
			other++
		}
	}
	if other != killed {
		u.t.Errorf("%d processes are not who they were, want %d: were %v, are %v",
			other, killed, u.born, now)
	}
	return snap
}

// wantClients reports what clients saw that they should not have.
func (u *upgradable) wantClients() {
	u.t.Helper()
	if u.clients.bad() != 0 || u.clients.success.Load() == 0 {
		u.t.Errorf("clients saw: %s", &u.clients)
	}
}

// wantVersion reports when the master is another wm.
func (u *upgradable) wantVersion(want string) {
	u.t.Helper()
	if got := u.snapshot().Version; got != want {
		u.t.Errorf("the master is wm %s, want %s", got, want)
	}
}

// wantWorking shows that whatever has happened, the service does all it should.
func (u *upgradable) wantWorking() {
	u.t.Helper()
	u.run("reload").wantCode(0)
	u.waitWhole("web", 2)
	u.look()
	next := labNext.binary(u.t)
	if u.before.Version == otherVersion {
		next = built.lab
	}
	u.run("upgrade", "--binary", next).wantCode(0).wantText("upgrade success")
	u.wantSameLives(0)
	if got := u.snapshot().Version; got == u.before.Version {
		u.t.Errorf("after the next upgrade the master still is wm %s", got)
	}
	u.wantClients()
}

// pace waits for the time of the next request. Who is late hurries: the rate is
// kept also over what a busy machine holds up.
type pace struct {
	next  time.Time
	every time.Duration
}

func newPace(every time.Duration) *pace { return &pace{time.Now(), every} }

func (p *pace) wait() {
	p.next = p.next.Add(p.every)
	time.Sleep(time.Until(p.next))
}

// addPaced starts clients that ask once in every interval over a connection
// that they keep, until the load is stopped.
func (l *load) addPaced(n int, every time.Duration, address string) {
	for range n {
		l.group.Go(func() {
			var c *client
			pace := newPace(every)
			for !l.stopped.Load() {
				var err error
				c, err = askKeptAlive(c, address)
				l.count(err)
				pace.wait()
			}
			if c != nil {
				c.conn.Close()
			}
		})
	}
}

// The whole of it, once: the master is another program in the same process,
// and nobody notices.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	next := labNext.binary(t)
	r := u.run("upgrade", "--binary", next).wantCode(0)
	r.wantText("upgrade success: wm "+labVersion+" -> "+otherVersion,
		fmt.Sprintf("pid %d", u.before.MasterPID), "window ")
	snap := u.wantSameLives(0)
	u.wantVersion(otherVersion)
	if snap.Generation != u.before.Generation {
		t.Errorf("generation %d became %d", u.before.Generation, snap.Generation)
	}
	if got := mustFetch(t, u.address, "/build"); got != "a" {
		t.Errorf("build %q answers, the processes were not to be replaced", got)
	}
	if got, want := title(snap.MasterPID), "wm: master process  start_file="+u.bin; got != want {
		t.Errorf("title %q, want %q", got, want)
	}
	u.wantLog("upgrade")
	u.run("upgrade", "--binary", next).wantCode(0).wantText("already runs this binary")
	u.wantClients()

	// The service's binary is the new one for all that follows.
	u.run("version").wantCode(0).wantText("wm/" + otherVersion)
	kill(t, snap.pidsOf("web")[0], sigKill)
	u.waitWhole("web", 2)
	if got := mustFetch(t, u.address, "/build"); got != "a" {
		t.Errorf("a respawn runs build %q, want that of its generation", got)
	}
	u.run("reload").wantCode(0)
	if got := mustFetch(t, u.address, "/build"); got != "next" {
		t.Errorf("after the reload build %q answers", got)
	}
	u.run("stop").wantCode(0)
	u.waitGone(0)
}
