package supervisor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// Early ends before and after an upgrade are one row.
func TestCrashesInARowGoOn(t *testing.T) {
	w := newWorld(t)
	w.serve(of(func(sp *ipc.Spec) { sp.Essential = true }))
	crash := func() {
		t.Helper()
		w.exit(w.last, 256)
		w.pass(w.s.slots()[0].wait.Sub(w.now))
	}
	for range 3 {
		crash()
	}
	w.exit(w.last, 256) // and the pause is under way
	w.exchange()
	sl := w.s.slots()[0]
	if pause := sl.wait.Sub(w.now); sl.crashes != 4 || pause < 640*time.Millisecond ||
		pause > 960*time.Millisecond+soon {
		t.Errorf("%d crashes, the pause is %v", sl.crashes, pause)
	}
	w.pass(sl.wait.Sub(w.now))
	for n := range essentialTries - 5 {
		crash()
		if w.s.phase != serving {
			t.Fatalf("the service ends after %d crashes", n+5)
		}
	}
	w.exit(w.last, 256)
	if w.s.phase == serving {
		t.Errorf("the service goes on after %d crashes of an essential process", essentialTries)
	}
}

// A life is as long as it is, with an upgrade in its middle.
func TestLivesGoOn(t *testing.T) {
	for _, c := range []struct {
		before, after time.Duration
		crashes       int
	}{
		{stableAfter / 3, stableAfter / 3, 3}, // two, and this one
		{stableAfter * 2 / 3, stableAfter * 2 / 3, 0},
	} {
		w := newWorld(t)
		w.serve(spec("a"))
		for range 2 {
			w.exit(w.last, 256)
			w.pass(w.s.slots()[0].wait.Sub(w.now))
		}
		w.readyAll()
		w.pass(c.before)
		w.exchange()
		w.pass(c.after)
		w.exit(w.last, 256)
		if got := w.s.slots()[0].crashes; got != c.crashes {
			t.Errorf("after a life of %v: %d crashes in a row, want %d",
				c.before+c.after, got, c.crashes)
		}
	}
}

// The watcher's crashes are counted on too.
func TestCrashesOfTheWatcherGoOn(t *testing.T) {
	w := newWorld(t)
	w.s.cfg.Watch = true
	w.serve(spec("a"))
	w.s.reconcile()
	for range 3 {
		w.exit(w.s.watcher.pid, 9)
		w.pass(w.s.watcher.wait.Sub(w.now))
	}
	w.exchange()
	w.exit(w.s.watcher.pid, 9)
	if pause := w.s.watcher.wait.Sub(w.now); pause < 640*time.Millisecond {
		t.Errorf("after four crashes the pause is %v", pause)
	}
}

// A seat has three draining processes at most, also when the oldest were told
// by another image: the fourth reload gives the oldest its limit.
func TestOldestDrainIsFoundAfterTheUpgrade(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	var old []int
	for n := range maxLeaving {
		old = append(old, w.last)
		w.reload(fmt.Sprint("build ", n), true)
		w.probe(spec("a"))
		w.say(w.last, &ipc.Ready{})
		w.say(old[n], &ipc.Yielded{})
		w.pass(time.Second)
	}
	w.exchange()
	w.reload("the last build", true)
	w.probe(spec("a"))
	for n, pid := range old {
		if limited := !w.s.byPID[pid].killAt.IsZero(); limited != (n == 0) {
			t.Errorf("drain %d has a limit: %v", n, limited)
		}
	}
}

// Files that were seen to change before the upgrade are read when they have
// stood still for one look.
func TestCertificatesThatChangeAreReadAfterTheUpgrade(t *testing.T) {
	files := newKeyFiles(t)
	w := newWorld(t)
	give := func(serial int64) {
		cert, key := testPair(t, serial, w.now.Add(time.Hour))
		files.writeCert(cert)
		files.writeKey(key)
	}
	give(1)
	w.serve(spec("a", files.spec))
	give(2)
	w.pass(readEvery) // seen
	w.pass(readEvery / 4)
	w.exchange()
	w.pass(readEvery*3/4 - time.Millisecond)
	if strings.Contains(w.logged(), "serial 2") {
		t.Error("the files are read before their time")
	}
	w.pass(soon)
	if !strings.Contains(w.logged(), "serial 2") {
		t.Errorf("the files are not read:\n%s", w.logged())
	}
}
