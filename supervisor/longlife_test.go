package supervisor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// What a master with many reloads behind it keeps.

// An app that comes and goes has one row for each status, whatever the number of
// reloads.
func TestExitsOfAWorkerThatComesAndGoes(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	for n := range 5 {
		for _, specs := range [][]ipc.Spec{{spec("a"), spec("b")}, {spec("a")}} {
			a := w.s.units[0].slots[0].current.pid
			r := w.reload(fmt.Sprint(n, len(specs)), false)
			w.probe(specs...)
			w.turn(a)
			if len(specs) == 2 {
				w.say(w.last, &ipc.Ready{})
			} else {
				w.leave(w.of("b"))
			}
			wantResult(t, r, 0)
		}
	}
	if got := len(w.s.removed); got != 1 {
		t.Errorf("%d Workers are remembered as removed, want 1", got)
	}
	var rows []ipc.ExitRow
	for _, row := range w.s.snapshot().Exits {
		if row.Key == "b" {
			rows = append(rows, row)
		}
	}
	if len(rows) != 1 || rows[0].Count != 5 {
		t.Errorf("rows of b: %+v, want one with 5 exits", rows)
	}
}

// of is the process of a Worker that is not in the way of a newer one.
func (w *world) of(key string) int {
	w.t.Helper()
	for _, pid := range slices.Backward(w.live()) {
		if w.s.byPID[pid].plan.spec.Key == key {
			return pid
		}
	}
	w.t.Fatalf("no process of %s", key)
	return 0
}

// The list of removed Workers has an end, also when every reload has new names.
func TestRemovedWorkersAreForgottenInTheEnd(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"), spec("b0"))
	for n := range maxRemoved + 3 {
		r := w.reload(fmt.Sprint(n), false)
		next := fmt.Sprint("b", n+1)
		a, b := w.of("a"), w.of(fmt.Sprint("b", n))
		w.probe(spec("a"), spec(next))
		w.turn(a)
		w.say(w.last, &ipc.Ready{})
		w.leave(b)
		wantResult(t, r, 0)
	}
	if got := len(w.s.removed); got != maxRemoved {
		t.Errorf("%d Workers are remembered, want %d", got, maxRemoved)
	}
}

// A slot that comes and goes may not collect old processes.
func TestRetiredSlotsHaveTheSameBound(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	var drained []int
	for n := range maxLeaving + 1 {
		for _, slots := range []int{1, 2} {
			if slots == 1 {
				drained = append(drained, w.s.units[0].slots[1].current.pid)
			}
			old := w.live()
			w.pass(time.Second)
			r := w.reload(fmt.Sprint(n, slots), true)
			w.probe(spec("a", count(slots)))
			for _, pid := range old {
				if !slices.Contains(drained, pid) {
					w.turn(pid)
				}
			}
			if slots == 2 {
				w.say(w.last, &ipc.Ready{})
			} else {
				w.say(drained[len(drained)-1], &ipc.Yielded{})
			}
			wantResult(t, r, 0)
		}
	}
	for i, pid := range drained {
		if p := w.s.byPID[pid]; p.killAt.IsZero() != (i > 0) {
			t.Errorf("process %d, drained %d., has limit %v", pid, i+1, p.killAt)
		}
	}
}

// What leaves when its Worker is back already counts for that.
func TestExitsOfAWorkerThatIsBack(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"), spec("b"))
	slow := w.live()[1]
	for _, specs := range [][]ipc.Spec{{spec("a")}, {spec("a"), spec("b")}} {
		a := w.of("a")
		w.reload(fmt.Sprint(len(specs)), true)
		w.probe(specs...)
		w.turn(a)
		w.say(slow, &ipc.Yielded{})
	}
	w.say(w.last, &ipc.Ready{})
	w.exit(slow, 9)
	for _, row := range w.s.snapshot().Exits {
		if row.Key == "b" && row.Count == 1 && row.Status == 9 {
			return
		}
	}
	t.Errorf("exits %+v", w.s.snapshot().Exits)
}
