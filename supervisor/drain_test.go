package supervisor

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// told reads the order to leave.
func (w *world) told(pid int) *ipc.Drain {
	w.t.Helper()
	return w.expect(pid, ipc.TypeDrain).(*ipc.Drain)
}

// row is what status shows of a process.
func (w *world) row(pid int) ipc.ProcessRow {
	w.t.Helper()
	for _, row := range w.s.snapshot().Processes {
		if row.PID == pid {
			return row
		}
	}
	w.t.Fatalf("process %d is not shown", pid)
	return ipc.ProcessRow{}
}

// livesFor passes the time until just before the limit, and the limit.
func (w *world) livesFor(pid int, limit time.Duration) {
	w.t.Helper()
	w.pass(limit - time.Millisecond)
	if w.played(pid).killed {
		w.t.Fatalf("killed before %v have gone", limit)
	}
	w.pass(time.Millisecond)
	if !w.played(pid).killed {
		w.t.Fatalf("not killed after %v", limit)
	}
}

func twoSeconds(sp *ipc.Spec) { sp.StopTimeout = 2 * time.Second }

// A process of an older wm says nothing about pacing.
func TestStopTimeoutBeginsBehindThePacing(t *testing.T) {
	for name, tt := range map[string]struct {
		pacing, want time.Duration
		change       func(*ipc.Spec)
	}{
		"none":        {0, defaultStopTimeout, count(1)},
		"five":        {5 * time.Second, 5*time.Second + defaultStopTimeout, count(1)},
		"too much":    {time.Hour, maxPacing + defaultStopTimeout, count(1)},
		"negative":    {-time.Hour, defaultStopTimeout, count(1)},
		"of its own":  {time.Second, 3 * time.Second, twoSeconds},
		"alone there": {time.Hour, defaultStopTimeout, stopFirst},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a", tt.change))
			old := w.last
			r := w.reload("two", false)
			w.probe(spec("a", tt.change))
			if w.last != old && w.s.byPID[w.last] != nil {
				w.say(w.last, &ipc.Ready{})
			}
			if m := w.told(old); !m.Restart || m.Graceful {
				t.Errorf("told %+v", m)
			}
			w.say(old, &ipc.Yielded{Pacing: tt.pacing})
			w.say(old, &ipc.Yielded{Pacing: tt.pacing}) // once is enough
			w.livesFor(old, tt.want)
			if want := "did not leave within " + tt.want.String(); !strings.Contains(w.logged(), want) {
				t.Errorf("the log has no %q", want)
			}
			if result(r) != nil {
				t.Error("the reload did not wait for the drain")
			}
			w.exit(old, 9)
		})
	}
}

// A stop has no time for one after another, whatever a reload had promised.
func TestStopWaitsForNoPacing(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	old := w.last
	w.reload("two", false)
	w.probe(spec("a"))
	w.say(w.last, &ipc.Ready{})
	w.told(old)
	w.pass(time.Second)
	w.s.onSignal(unix.SIGTERM)
	w.say(old, &ipc.Yielded{Pacing: 5 * time.Second}) // crosses the order on the link
	for _, pid := range w.live() {
		if m := w.told(pid); m.Restart {
			t.Errorf("%d was told %+v", pid, m)
		}
	}
	w.livesFor(old, defaultStopTimeout-time.Second)
	w.exit(old, 9)
}

// Clients of a Worker that is gone find nobody when they come back.
func TestRemovedWorkersAreNoRestart(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)), spec("b"))
	pids := w.live()
	w.reload("two", false)
	w.probe(spec("a"))
	w.turn(pids[0])
	if m := w.told(pids[1]); !m.Restart {
		t.Errorf("a surplus slot was told %+v", m)
	}
	if m := w.told(pids[2]); m.Restart {
		t.Errorf("a removed Worker was told %+v", m)
	}
}

func TestRenewalIsARestart(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", func(sp *ipc.Spec) { sp.MaxAge = time.Minute }))
	old := w.last
	w.pass(2 * time.Minute)
	w.say(w.last, &ipc.Ready{})
	if m := w.told(old); !m.Restart {
		t.Errorf("told %+v", m)
	}
	w.say(old, &ipc.Yielded{Pacing: 5 * time.Second})
	w.livesFor(old, 5*time.Second+defaultStopTimeout)
	w.exit(old, 9)
}

// The connection of the first process stays open for the whole test.
func TestStatusTellsWhatDrainsWaitFor(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	first := w.last
	for range maxLeaving {
		old := w.s.units[0].slots[0].current.pid
		r := w.reload("two", true)
		w.probe(spec("a"))
		w.say(w.last, &ipc.Ready{})
		w.say(old, &ipc.Yielded{},
			&ipc.Report{Figures: ipc.Figures{Connections: 1}, WaitsFor: "1 connection (oldest 3 s)"})
		if res := result(r); res == nil || res.Code != 0 {
			t.Fatalf("result %+v", res)
		}
		if row := w.row(old); row.State != "draining" || !row.KillAt.IsZero() ||
			!row.ToldAt.Equal(w.now) || row.WaitsFor != "1 connection (oldest 3 s)" {
			t.Errorf("row %+v", row)
		}
		w.pass(time.Second)
	}
	if n := len(w.s.units[0].slots[0].leaving); n != maxLeaving {
		t.Fatalf("%d processes drain, want %d", n, maxLeaving)
	}
	fourth := w.reload("two", true)
	w.probe(spec("a"))
	if w.told(first).Graceful {
		w.told(first)
	}
	row := w.row(first)
	if want := w.now.Add(defaultStopTimeout); !row.KillAt.Equal(want) || row.State != "draining" {
		t.Errorf("the oldest is %s until %v, want %v", row.State, row.KillAt, want)
	}
	if n := len(w.live()); n != maxLeaving+1 {
		t.Errorf("%d processes beside each other", n)
	}
	w.exit(first, 0)
	w.say(w.last, &ipc.Ready{})
	w.say(w.s.units[0].slots[0].current.pid, &ipc.Yielded{})
	if res := result(fourth); res == nil || res.Code != 0 {
		t.Errorf("result %+v", res)
	}
	w.s.onSignal(unix.SIGTERM)
	if row := w.row(w.last); row.State != "stopping" || row.KillAt.IsZero() {
		t.Errorf("of a stopping service: %+v", row)
	}
}

func TestStatusHasVersionsAndAge(t *testing.T) {
	w := newWorld(t)
	w.s.cfg.WM = "0.9"
	w.serve(spec("a"))
	w.pass(time.Minute)
	snap, row := w.s.snapshot(), w.row(w.last)
	if snap.Version != "0.1.0" || snap.WM != "0.9" || row.WM != "1" || row.Version != "2.4.1" ||
		row.Age != time.Minute {
		t.Errorf("service %s with wm %s, process %+v", snap.Version, snap.WM, row)
	}
}
