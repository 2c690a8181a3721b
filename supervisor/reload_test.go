package supervisor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// generations lists the generation of who holds each seat.
func (w *world) generations() []int {
	var got []int
	for _, sl := range w.s.slots() {
		n := 0
		if sl.current != nil {
			n = sl.current.plan.gen.number
		}
		got = append(got, n)
	}
	return got
}

// turn plays one slot's change: the newest is ready, the old one leaves.
func (w *world) turn(old int) {
	w.t.Helper()
	w.say(w.last, &ipc.Ready{})
	w.leave(old)
}

func TestReloadIsNewFirstOneSlotAtATime(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	first, second := w.live()[0], w.live()[1]
	r := w.reload("two", false)
	w.probe(spec("a", count(2)))

	fresh := w.newest()
	if got := len(w.live()); got != 3 {
		t.Fatalf("%d processes while the first slot changes, want 3", got)
	}
	if w.procs[fresh.pid].launch.handover.Worker.Seated {
		t.Error("the replacement was seated beside the old process")
	}
	w.say(fresh.pid, &ipc.Ready{})
	w.expect(first, ipc.TypeDrain)
	if w.s.units[0].slots[0].current.pid != first {
		t.Error("the seat changed before the old process yielded")
	}
	w.say(first, &ipc.Yielded{})
	w.expect(fresh.pid, ipc.TypeSeated)
	if w.last == fresh.pid {
		t.Fatal("the second slot did not begin when the first seat changed")
	}
	w.say(first, &ipc.Goodbye{})
	w.exit(first, 0)
	w.turn(second)

	if res := result(r); res == nil || res.Code != 0 {
		t.Fatalf("result %+v", res)
	}
	if got := w.generations(); !slices.Equal(got, []int{2, 2}) {
		t.Errorf("generations %v", got)
	}
}

func TestBlockedOldProcessForfeitsItsSeat(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	old := w.last
	r := w.reload("two", false)
	w.probe(spec("a"))
	w.say(w.last, &ipc.Ready{})
	w.pass(yieldTimeout)
	w.expect(w.last, ipc.TypeSeated)
	if result(r) != nil {
		t.Error("the reload ended while the old process lives")
	}
	w.pass(10 * time.Second)
	if !w.procs[old].killed {
		t.Fatal("the old process was not killed in the end")
	}
	w.exit(old, 9)
	if res := result(r); res == nil || res.Code != 0 {
		t.Errorf("result %+v", res)
	}
}

func TestFailingReplacementPutsBackNewestFirst(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(3)))
	old := w.live()
	r := w.reload("two", false)
	w.probe(spec("a", count(3)))
	w.turn(old[0])
	changed := w.last - 1
	w.say(w.last, &ipc.Failed{Code: 250, Text: "OnWorkerStart: no database"})
	w.exit(w.last, 64000, "dial tcp: refused")

	back := w.newest()
	if back.plan.gen.number != 1 || back.slot.number != 0 {
		t.Fatalf("putting back started generation %d in slot %d", back.plan.gen.number, back.slot.number)
	}
	w.turn(changed)
	res := result(r)
	if res == nil || res.Code != 1 {
		t.Fatalf("result %+v", res)
	}
	for _, want := range []string{"a/1", "no database", "dial tcp: refused"} {
		if !strings.Contains(res.Text, want) {
			t.Errorf("%q does not say %q", res.Text, want)
		}
	}
	if got := w.generations(); !slices.Equal(got, []int{1, 1, 1}) {
		t.Errorf("generations %v", got)
	}
	if w.s.gen.number != 1 || w.s.roll != nil {
		t.Errorf("generation %d stays, reload %v", w.s.gen.number, w.s.roll)
	}
	w.pass(time.Minute)
	w.exit(w.live()[0], 9)
	if got := w.newest().plan.gen.number; got != 1 {
		t.Errorf("a respawn after the failed reload runs generation %d", got)
	}
}

func TestPuttingBackMayFailToo(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	old := w.live()
	r := w.reload("two", false)
	w.probe(spec("a", count(2)))
	w.turn(old[0])
	w.exit(w.last, 256, "second fails")
	w.exit(w.last, 256, "first fails again")
	res := result(r)
	if res == nil || res.Code != 1 || !strings.Contains(res.Text, "mixed") {
		t.Fatalf("result %+v", res)
	}
	if got := w.generations(); !slices.Equal(got, []int{2, 1}) {
		t.Errorf("generations %v, want the slot that works left as it is", got)
	}
}

func TestStopFirstNeverOverlaps(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", stopFirst))
	old := w.last
	r := w.reload("two", false)
	w.probe(spec("a", stopFirst))
	w.expect(old, ipc.TypeDrain)
	if got := len(w.live()); got != 1 {
		t.Fatalf("%d processes, want 1", got)
	}
	w.leave(old)
	if p := w.newest(); p.plan.gen.number != 2 || !w.procs[p.pid].launch.handover.Worker.Seated {
		t.Errorf("started generation %d", p.plan.gen.number)
	}
	w.say(w.last, &ipc.Ready{})
	if res := result(r); res == nil || res.Code != 0 {
		t.Errorf("result %+v", res)
	}
}

func TestStopFirstFailureBringsTheOldBinaryBack(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", stopFirst))
	old := w.last
	r := w.reload("two", false)
	w.probe(spec("a", stopFirst))
	w.leave(old)
	w.exit(w.last, 256, "panic: new")
	if p := w.newest(); p.plan.gen.number != 1 {
		t.Fatalf("generation %d was started", p.plan.gen.number)
	}
	w.say(w.last, &ipc.Ready{})
	if res := result(r); res == nil || res.Code != 1 || !strings.Contains(res.Text, "panic: new") {
		t.Errorf("result %+v", res)
	}
}

func TestReloadAddsAndRemoves(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)), spec("gone"))
	old := w.live()
	r := w.reload("two", false)
	w.probe(spec("new"), spec("a", count(3)))
	w.say(w.last, &ipc.Ready{}) // new/0
	w.turn(old[0])
	w.turn(old[1])
	w.say(w.last, &ipc.Ready{}) // a/2
	w.expect(old[2], ipc.TypeDrain)
	w.leave(old[2])
	if res := result(r); res == nil || res.Code != 0 {
		t.Fatalf("result %+v", res)
	}
	if len(w.s.units) != 2 || w.s.units[0].spec.Key != "new" || len(w.s.units[1].slots) != 3 {
		t.Errorf("units %+v", w.s.units)
	}
	if len(w.s.listeners) != 2 {
		t.Errorf("%d listeners stay open, want 2", len(w.s.listeners))
	}
}

func TestReloadShrinksFromTheTop(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(3)))
	old := w.live()
	r := w.reload("two", false)
	w.probe(spec("a", count(1)))
	w.turn(old[0])
	w.leave(old[1], old[2])
	if res := result(r); res == nil || res.Code != 0 || len(w.live()) != 1 {
		t.Errorf("result %+v, processes %v", res, w.live())
	}
}

func TestConflictRefusesTheWholeReload(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	old := w.last
	w.taken["b"] = true
	r := w.reload("two", false)
	w.probe(spec("a"), spec("b"))
	res := result(r)
	if res == nil || res.Code != 1 || !strings.Contains(res.Text, "listen tcp://b: address already") {
		t.Fatalf("result %+v", res)
	}
	if got := w.live(); !slices.Equal(got, []int{old}) || w.s.byPID[old].state != running {
		t.Errorf("processes %v", got)
	}
}

func TestFailedNewUnitLeavesNoTrace(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	old := w.last
	r := w.reload("two", false)
	w.probe(spec("new"), spec("a"))
	w.exit(w.last, 256, "panic: new app")
	if res := result(r); res == nil || res.Code != 1 {
		t.Fatalf("result %+v", res)
	}
	w.pass(time.Minute)
	if got := w.live(); !slices.Equal(got, []int{old}) {
		t.Errorf("processes %v, want only %d", got, old)
	}
	if units, listeners := len(w.s.units), len(w.s.listeners); units != 1 || listeners != 1 {
		t.Errorf("%d units, %d listeners, want one each", units, listeners)
	}
}

func TestNotReloadableIsToldAndStays(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", stays), spec("b"))
	a, b := w.live()[0], w.live()[1]
	r := w.reload("two", false)
	w.probe(spec("a", stays), spec("b"))
	w.expect(a, ipc.TypeReload)
	w.turn(b)
	if res := result(r); res == nil || res.Code != 0 {
		t.Fatalf("result %+v", res)
	}
	if got := w.generations(); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("generations %v", got)
	}
	w.pass(time.Minute)
	w.exit(a, 9)
	if got := w.newest().plan.gen.number; got != 1 {
		t.Errorf("the respawn runs generation %d, want the one it was started from", got)
	}
}

func TestReloadsJoinOrQueue(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	old := w.last
	first := w.reload("two", false)
	same := w.reload("two", false)
	other := w.reload("three", false)
	another := w.reload("three", false)
	w.probe(spec("a"))
	w.turn(old)
	middle := w.s.units[0].slots[0].current.pid
	for i, r := range []*request{first, same} {
		if res := result(r); res == nil || res.Code != 0 {
			t.Errorf("reload %d: %+v", i, res)
		}
	}
	if result(other) != nil {
		t.Fatal("the follow-up was answered before its code is live")
	}
	if len(w.s.pokes) == 0 {
		t.Fatal("nothing wakes the loop for the follow-up")
	}
	w.pass(0)
	w.probe(spec("a"))
	w.turn(middle)
	for i, r := range []*request{other, another} {
		if res := result(r); res == nil || res.Code != 0 {
			t.Errorf("follow-up %d: %+v", i, res)
		}
	}
	if got := w.generations(); !slices.Equal(got, []int{3}) || len(w.live()) != 1 {
		t.Errorf("generations %v, processes %v", got, w.live())
	}
}

func TestGracefulReloadDoesNotBlockTheNext(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	for n := range maxLeaving + 1 {
		old := w.s.units[0].slots[0].current.pid
		r := w.reload("two", true)
		w.probe(spec("a"))
		if n == maxLeaving {
			oldest := w.live()[0]
			w.pass(defaultStopTimeout)
			if !w.procs[oldest].killed {
				t.Fatal("the oldest of too many draining processes was not killed")
			}
			w.exit(oldest, 9)
		}
		w.say(w.last, &ipc.Ready{})
		w.say(old, &ipc.Yielded{})
		if res := result(r); res == nil || res.Code != 0 {
			t.Fatalf("reload %d: %+v", n, res)
		}
	}
}

func TestStopAnswersAReloadUnderWay(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	r := w.reload("two", false)
	w.probe(spec("a"))
	w.s.onSignal(unix.SIGTERM)
	w.s.reconcile()
	if res := result(r); res == nil || res.Code != 1 {
		t.Errorf("result %+v", res)
	}
	w.leave(w.live()...)
	if w.s.phase != over {
		t.Errorf("phase %v", w.s.phase)
	}
}

func TestBusyExecutableIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.pass(time.Minute)
	w.fails = unix.ETXTBSY
	w.exit(w.last, 9)
	if got := len(w.live()); got != 0 {
		t.Fatalf("%d processes", got)
	}
	w.pass(busyRetry)
	if got := len(w.live()); got != 1 {
		t.Errorf("%d processes after the second attempt, want 1", got)
	}
}

func TestInnerListenerStaysWithItsSlot(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	old := w.last
	w.say(old, &ipc.Listen{ID: 1, Address: "tcp://127.0.0.1:2000"})
	r := w.reload("two", false)
	w.probe(spec("a"))
	fresh := w.last
	w.say(fresh, &ipc.Listen{ID: 1, Address: "tcp://127.0.0.1:2000"}, &ipc.Ready{})
	w.leave(old)
	if res := result(r); res == nil || res.Code != 0 {
		t.Fatalf("result %+v", res)
	}
	if got := w.bound; !slices.Equal(got, []string{"a", "127.0.0.1:2000"}) {
		t.Errorf("bound %v, want each address once", got)
	}
}
