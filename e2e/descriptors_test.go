package e2e

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// leaveFree gives the master a limit that leaves it n descriptors, and returns
// the limit.
func (s *service) leaveFree(n int) int {
	s.t.Helper()
	pid := s.snapshot().MasterPID
	limit := len(descriptors(pid)) + n
	var files unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &files)
	if files.Cur = uint64(limit); err == nil {
		err = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &files, nil)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return limit
}

// A reload that has too few descriptors is refused before it has changed
// anything. With enough for one process more than there are it goes well, also
// when it has to wait for those that drain, and so does putting back.
func TestReloadWithFewDescriptors(t *testing.T) {
	t.Parallel()
	path, entry := failFile(t, "")
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_COUNT=8", entry)
	s.start()
	before := s.snapshot()
	var all load
	all.addKeepAlive(2, address)

	limit := s.leaveFree(12)
	s.run("reload").wantCode(1).wantText("the reload needs about 16 descriptors",
		fmt.Sprintf("free of %d", limit), "raise ulimit -n", "no process was changed")
	s.snapshot().wantSame(t, before, "web")

	s.leaveFree(18)
	hold := clientOf(t, address, before.pidsOf("web")[0]) // its process drains longer
	fmt.Fprintf(hold.conn, "GET /wait?n=700 HTTP/1.1\r\nHost: e2e\r\n\r\n")
	s.run("reload").wantCode(0).wantText("8 replaced")
	s.waitWhole("web", 8)

	old := s.snapshot()
	write(t, path, "7 error")
	s.run("reload").wantCode(1).wantText("slot 7 refuses on purpose", "everything was put back")
	if now := s.waitWhole("web", 8); now.Generation != old.Generation {
		t.Errorf("generation %d became %d", old.Generation, now.Generation)
	}
	all.stop()
	if all.bad() != 0 || all.success.Load() == 0 {
		t.Errorf("clients saw: %s", &all)
	}
}

// However few descriptors there are, and whoever is connected: an upgrade is done,
// or refused with nothing changed. The limit only falls, which needs no rights, and
// is a hard one: a program of Go raises the soft one when it begins.
func TestUpgradeWithFewDescriptors(t *testing.T) {
	t.Parallel()
	u := newUpgradable(t, built.lab)
	builds := []string{labNext.binary(t), built.lab}
	done, refused := 0, 0
	for free := 64; free >= 4; free -= 4 {
		var callers []*control
		for range 8 {
			callers = append(callers, u.dialControl())
		}
		u.limitFree(free)
		up := u.run("upgrade", "--binary", builds[done%2])
		for _, c := range callers {
			c.close()
		}
		if up.code == 0 {
			done++
			continue
		}
		refused++
		up.wantCode(1).wantText("nothing was changed")
	}
	if done == 0 || refused == 0 {
		t.Errorf("%d upgrades done and %d refused", done, refused)
	}
	u.wantSameLives(0)
	u.wantClients()
}

// limitFree gives the master a hard limit that leaves it n descriptors, unless
// that is more than it has.
func (s *service) limitFree(n int) {
	s.t.Helper()
	pid := s.snapshot().MasterPID
	var files unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &files)
	most := min(uint64(len(descriptors(pid))+n), files.Max)
	if err == nil {
		err = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: most}, nil)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}
