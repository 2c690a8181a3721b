package supervisor

import (
	"strings"
	"testing"

	"github.com/workerman-go/wm/ipc"
)

// wantReload ends one and looks at how.
func wantReload(t *testing.T, r *request, code int, says string) {
	t.Helper()
	got := result(r)
	if got == nil || got.Code != code || !strings.Contains(got.Text, says) {
		t.Errorf("the reload ended with %+v, want status %d and %q", got, code, says)
	}
}

func TestReloadIsRefusedWithoutDescriptors(t *testing.T) {
	ports := func(sp *ipc.Spec) { sp.ReusePort = true }
	for name, c := range map[string]struct {
		next []ipc.Spec
		need int
	}{
		"the same":        {[]ipc.Spec{spec("a", count(2))}, roomToReplace},
		"more processes":  {[]ipc.Spec{spec("a", count(4))}, roomToReplace + 2*processFiles},
		"another address": {[]ipc.Spec{spec("a", count(2), at("b"))}, roomToReplace + 1},
		"another Worker": {
			[]ipc.Spec{spec("a", count(2)), spec("b")}, roomToReplace + processFiles + 1,
		},
		"sockets of slots": {[]ipc.Spec{spec("a", count(2), at("b"), ports)}, roomToReplace + 2},
		"fewer processes":  {[]ipc.Spec{spec("a")}, roomToReplace},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a", count(2)))
			old := w.live()
			w.limit = w.files() + c.need - 1
			r := w.reload("two", false)
			w.probe(c.next...)
			wantReload(t, r, ipc.CodeFailed, "raise ulimit -n")
			if now := w.live(); len(now) != 2 || now[0] != old[0] || len(w.s.listeners) != 1 {
				t.Errorf("processes %v, want %v; %d listeners", now, old, len(w.s.listeners))
			}
			w.limit++
			w.reload("three", false)
			w.probe(c.next...)
			if w.s.roll == nil {
				t.Error("refused with as many as it needs")
			}
		})
	}
}

// With room for one process a reload goes on when the one before has left. One
// that may take as long as it wants gets a limit.
func TestReloadWaitsForDescriptorsOfThoseWhoLeave(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(3)))
	old := w.live()
	w.limit = w.files() + roomToReplace
	r := w.reload("two", true)
	w.probe(spec("a", count(3)))
	for n, pid := range old {
		if w.last != old[2]+2+n {
			t.Fatalf("process %d is the last, want the replacement of slot %d", w.last, n)
		}
		w.say(w.last, &ipc.Ready{})
		if d := w.told(pid); !d.Graceful {
			t.Errorf("slot %d: %+v", n, d)
		}
		w.say(pid, &ipc.Yielded{})
		if n == 2 {
			break // nobody waits for its descriptors
		}
		if d := w.told(pid); d.Graceful {
			t.Errorf("slot %d has no limit: %+v", n, d)
		}
		w.leave(pid)
	}
	w.leave(old[2])
	wantReload(t, r, ipc.CodeDone, "3 replaced")
}

// What a reload leaves free is enough to put back.
func TestPuttingBackUsesWhatWasLeftFree(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	old := w.live()
	w.limit = w.files() + roomToReplace
	r := w.reload("two", false)
	w.probe(spec("a", count(2)))
	first := w.last
	w.say(first, &ipc.Ready{})
	w.leave(old[0])
	w.limit -= spareFiles // somebody else has taken them
	w.exit(w.last, 512)   // slot 1
	back := w.last
	if back == first || w.s.roll == nil || w.s.roll.stage != undoing {
		t.Fatalf("process %d is the last, the reload %+v", back, w.s.roll)
	}
	w.say(back, &ipc.Ready{})
	w.leave(first)
	wantReload(t, r, ipc.CodeFailed, "everything was put back")
	if w.newest().plan.gen.number != 1 {
		t.Errorf("generation %d was put back", w.newest().plan.gen.number)
	}
}

func TestCheckWarnsOfTooFewDescriptors(t *testing.T) {
	w := newWorld(t)
	specs := []ipc.Spec{spec("a", count(100)), spec("b")}
	need := masterFiles + 101*processFiles + 2 + roomToReplace
	for limit, want := range map[int]int{need: 0, need - 1: 1} {
		w.limit = limit
		c := &checker{s: w.s}
		c.checkFileLimit(specs)
		if got := c.Report.Findings; len(got) != want || want > 0 && c.Err() != nil {
			t.Errorf("limit %d: %+v", limit, got)
		}
	}
}
