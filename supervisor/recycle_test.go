package supervisor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

func TestLimitsRenewOneProcessAtATime(t *testing.T) {
	cases := []struct {
		name  string
		limit func(*ipc.Spec)
		reach func(w *world, pid int)
	}{
		{"age", func(sp *ipc.Spec) { sp.MaxAge = time.Hour }, func(w *world, pid int) {
			w.now = w.now.Add(66 * time.Minute)
		}},
		{"requests", func(sp *ipc.Spec) { sp.MaxRequests = 1000 }, func(w *world, pid int) {
			w.say(pid, &ipc.Report{Figures: ipc.Figures{TotalRequest: 1100}})
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a", count(2), c.limit))
			old := w.live()
			for _, pid := range old {
				c.reach(w, pid)
			}
			w.pass(lookEvery)
			if got := len(w.live()); got != 3 {
				t.Fatalf("%d processes, want one more than Count", got)
			}
			w.turn(old[0])
			w.pass(lookEvery)
			w.turn(old[1])
			if got := w.generations(); !slices.Equal(got, []int{1, 1}) || len(w.live()) != 2 {
				t.Errorf("generations %v, processes %v", got, w.live())
			}
			if len(w.s.units) != 1 || w.s.roll != nil {
				t.Errorf("%d units, reload %v", len(w.s.units), w.s.roll)
			}
		})
	}
}

func TestFailedRenewalLeavesTheProcessAlone(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", func(sp *ipc.Spec) { sp.MaxAge = time.Hour }))
	old := w.last
	w.pass(2 * time.Hour)
	w.exit(w.last, 256, "panic: no database")
	w.pass(lookEvery)
	if got := w.live(); !slices.Equal(got, []int{old}) {
		t.Fatalf("processes %v, want only %d", got, old)
	}
	w.pass(renewAgain)
	if got := len(w.live()); got != 2 {
		t.Errorf("%d processes, want another try after %v", got, renewAgain)
	}
}

func TestReloadWaitsForARenewalAndIsNotJoinedToIt(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", func(sp *ipc.Spec) { sp.MaxAge = time.Hour }))
	first := w.last
	w.pass(2 * time.Hour)
	r := w.reload("one", false) // the same binary
	w.turn(first)
	second := w.s.units[0].slots[0].current.pid
	w.pass(0)
	w.probe(spec("a"))
	w.turn(second)
	if res := result(r); res == nil || res.Code != 0 {
		t.Fatalf("result %+v", res)
	}
	if got := w.generations(); !slices.Equal(got, []int{2}) {
		t.Errorf("generations %v", got)
	}
}

func TestHangingProcessShowsWhereAndIsKilled(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", func(sp *ipc.Spec) { sp.HangTimeout = 5 * time.Second }))
	pid := w.last
	w.say(pid, &ipc.Report{Figures: ipc.Figures{Busy: 4 * time.Second}})
	w.pass(lookEvery)
	if w.s.byPID[pid].hung {
		t.Fatal("hung before its time")
	}
	w.say(pid, &ipc.Report{Figures: ipc.Figures{Busy: 6 * time.Second}})
	w.pass(lookEvery)
	w.expect(pid, ipc.TypeDump)
	w.pass(dumpPatience)
	if !w.procs[pid].killed {
		t.Fatal("not killed")
	}
	reason := w.s.byPID[pid]
	w.exit(pid, 9, "goroutine 1: apps/chat.onMessage")
	if got := reason.reason(); !strings.Contains(got, "hung in a callback") ||
		!strings.Contains(got, "onMessage") {
		t.Errorf("reason %q", got)
	}
}
