package supervisor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// A system that cannot start processes for a moment must not leave a reload
// that never ends.
func TestPuttingBackEndsWhenNothingCanBeStarted(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	old := w.live()
	r := w.reload("two", false)
	w.probe(spec("a", count(2)))
	w.turn(old[0])
	w.fails = unix.EAGAIN
	w.exit(w.last, 256, "second fails")
	res := result(r)
	if res == nil || res.Code != 1 || !strings.Contains(res.Text, "mixed") {
		t.Fatalf("result %+v", res)
	}
	if got := w.generations(); !slices.Equal(got, []int{2, 1}) {
		t.Errorf("generations %v, want what works left alone", got)
	}
}

func TestPuttingBackAnEmptySeatIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", stopFirst))
	old := w.last
	r := w.reload("two", false)
	w.probe(spec("a", stopFirst))
	w.leave(old)
	w.fails = unix.EAGAIN
	w.exit(w.last, 256, "new fails")
	if res := result(r); res == nil || res.Code != 1 {
		t.Fatalf("result %+v", res)
	}
	w.pass(backoffMost)
	if p := w.newest(); p.plan.gen.number != 1 || p.state != starting {
		t.Errorf("generation %d is %v", p.plan.gen.number, p.state)
	}
}

func TestBusyReplacementIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	r := w.reload("two", false)
	w.fails = unix.ETXTBSY
	w.probe(spec("a"))
	if got := w.s.untilNext(w.now); got > busyRetry {
		t.Fatalf("the loop sleeps for %v, want %v", got, busyRetry)
	}
	w.pass(busyRetry)
	if w.newest().plan.gen.number != 2 {
		t.Fatal("the replacement was not started")
	}
	if result(r) != nil {
		t.Error("the reload has ended")
	}
}

func TestFailedReplacementLeavesNoInnerPort(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.say(w.last, &ipc.Listen{ID: 1, Address: "tcp://127.0.0.1:2000"})
	r := w.reload("two", false)
	w.probe(spec("a"))
	w.say(w.last, &ipc.Listen{ID: 1, Address: "tcp://127.0.0.1:3000"})
	w.exit(w.last, 64000)
	if res := result(r); res == nil || res.Code != 1 {
		t.Fatalf("result %+v", res)
	}
	inner := w.s.units[0].slots[0].inner
	if len(inner) != 1 || inner["tcp://127.0.0.1:2000"] == nil {
		t.Errorf("inner ports %v, want only that of the old process", inner)
	}
}

func TestInnerPortsAreRefusedToTheLeavingAndTheGreedy(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	for n := range maxInner + 1 {
		w.say(w.last, &ipc.Listen{ID: uint64(n), Address: "tcp://127.0.0.1:" + string(rune('a'+n))})
	}
	if got := len(w.s.units[0].slots[0].inner); got != maxInner {
		t.Errorf("%d inner ports, want %d", got, maxInner)
	}
	w.s.leave(false)
	w.say(w.last, &ipc.Listen{ID: 99, Address: "tcp://127.0.0.1:9"})
	if got := len(w.s.units[0].slots[0].inner); got != 0 {
		t.Errorf("%d inner ports of a leaving process", got)
	}
}

func TestNewAddressOfANotReloadableWaits(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", stays))
	r := w.reload("two", false)
	w.probe(spec("a", stays, at("elsewhere")))
	if res := result(r); res == nil || res.Code != 0 {
		t.Fatalf("result %+v", res)
	}
	if got := w.s.units[0].spec.Host; got != "a" || len(w.s.listeners) != 1 {
		t.Errorf("listens at %s, %d listeners", got, len(w.s.listeners))
	}
}

func TestGracefulReloadOfAStopFirstHasALimit(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", stopFirst))
	w.reload("two", true)
	w.probe(spec("a", stopFirst))
	if d := w.expect(w.last-1, ipc.TypeDrain).(*ipc.Drain); !d.Graceful {
		t.Errorf("drain %+v", d)
	}
	w.pass(defaultStopTimeout)
	if !w.procs[w.last-1].killed {
		t.Error("its seat stays empty")
	}
}

func TestReloadBehindTheFirstStepIsNotJoined(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2)))
	old := w.live()
	w.reload("two", false)
	w.probe(spec("a", count(2)))
	w.turn(old[0])
	second := w.reload("two", false) // what OnWorkerStart reads may have changed
	w.turn(old[1])
	if res := result(second); res != nil {
		t.Fatalf("answered %+v by a reload that had begun before", res)
	}
}

func TestExitsOfRemovedWorkersStay(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"), spec("b"))
	w.pass(time.Minute)
	w.exit(w.live()[1], 9)
	w.readyAll()
	old := w.live()
	w.reload("two", false)
	w.probe(spec("a"))
	w.turn(old[0])
	w.leave(old[1])
	rows := w.s.snapshot().Exits
	if !slices.ContainsFunc(rows, func(r ipc.ExitRow) bool { return r.Key == "b" && r.Status == 9 }) {
		t.Errorf("exits %+v", rows)
	}
}
