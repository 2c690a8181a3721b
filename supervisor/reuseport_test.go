package supervisor

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
)

func reusePort(sp *ipc.Spec) { sp.ReusePort = true }

// The kernel is told which sockets are to get connections.
func TestTrimmedSocketsGetNoNewConnections(t *testing.T) {
	g, host := new(portGroup), "127.0.0.1:0"
	t.Cleanup(g.close)
	for range 2 {
		socket, err := listen.Open(listen.Address{Network: "tcp", Host: host, ReusePort: true})
		must(t, err)
		g.sockets = append(g.sockets, &listener{Socket: socket})
		at, err := unix.Getsockname(socket.FD)
		must(t, err)
		host = fmt.Sprintf("127.0.0.1:%d", at.(*unix.SockaddrInet4).Port)
	}
	now := time.Unix(1_000_000, 0)
	g.trim(1, now)
	if got := g.nextClose(); !got.Equal(now.Add(surplusDrain)) {
		t.Errorf("the second closes at %v", got)
	}
	if !g.steered {
		t.Skip("this kernel does not steer")
	}
	for range 30 {
		conn, err := net.Dial("tcp", host)
		must(t, err)
		defer conn.Close()
	}
	if _, _, err := unix.Accept(g.sockets[1].FD); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("the second got a connection (%v)", err)
	}
}

// catchUp passes over what the processes were told so far: while a service
// starts, the first to be ready serve the queues of the others.
func (w *world) catchUp() {
	w.t.Helper()
	for _, pid := range w.live() {
		w.s.byPID[pid].link.send(&ipc.AskConnections{})
		w.expect(pid, ipc.TypeAskConnections)
	}
}

func TestQueueOfADeadSlotIsLent(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2), reusePort))
	w.catchUp()
	pids := w.live()
	w.exit(pids[1], 9)
	if lend := w.expect(pids[0], ipc.TypeLend).(*ipc.Lend); lend.Slot != 1 {
		t.Errorf("lent slot %d, want 1", lend.Slot)
	}
	w.pass(backoffMost)
	w.say(w.last, &ipc.Ready{})
	if back := w.expect(pids[0], ipc.TypeReclaim).(*ipc.Reclaim); back.Slot != 1 {
		t.Errorf("reclaimed slot %d, want 1", back.Slot)
	}
	if lis := w.s.units[0].plan.group.sockets[1]; lis.lentTo != nil {
		t.Error("it is still lent")
	}
}

func TestQueueOfADeadLenderIsLentAgain(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(3), reusePort))
	w.catchUp()
	pids := w.live()
	w.exit(pids[2], 9)
	lender := w.s.units[0].plan.group.sockets[2].lentTo
	w.exit(lender.pid, 9)
	other := pids[0] + pids[1] - lender.pid
	slots := map[int]bool{}
	for range 2 {
		slots[w.expect(other, ipc.TypeLend).(*ipc.Lend).Slot] = true
	}
	if !slots[2] || len(slots) != 2 {
		t.Errorf("the last process has the slots %v", slots)
	}
}

func TestQueueOfAFrozenSlotIsLent(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2), reusePort))
	w.catchUp()
	pids := w.live()
	answer := func(pid int, busy time.Duration) {
		w.say(pid, &ipc.Report{Figures: ipc.Figures{Busy: busy}})
	}
	answer(pids[0], 0)
	answer(pids[1], 0)
	if lis := w.s.units[0].plan.group.sockets[1]; lis.lentTo != nil {
		t.Fatal("lent without need")
	}
	answer(pids[1], frozenAfter)
	w.expect(pids[0], ipc.TypeLend)
	answer(pids[1], 0)
	w.expect(pids[0], ipc.TypeReclaim)
	// Stopped by a signal it does not even answer.
	w.pass(lookEvery)
	answer(pids[0], 0)
	w.pass(frozenAfter + time.Millisecond)
	answer(pids[0], 0)
	w.expect(pids[0], ipc.TypeLend)
}

func TestQueueMovesOnWhenTheLenderFreezes(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(3), reusePort))
	w.catchUp()
	pids := w.live()
	w.exit(pids[2], 9)
	lender := w.s.units[0].plan.group.sockets[2].lentTo
	other := pids[0] + pids[1] - lender.pid
	w.say(lender.pid, &ipc.Report{Figures: ipc.Figures{Busy: frozenAfter}})
	slots := map[int]bool{}
	for range 2 {
		slots[w.expect(other, ipc.TypeLend).(*ipc.Lend).Slot] = true
	}
	if !slots[2] || !slots[lender.slot.number] {
		t.Errorf("the last process has the slots %v", slots)
	}
	if back := w.expect(lender.pid, ipc.TypeReclaim).(*ipc.Reclaim); back.Slot != 2 {
		t.Errorf("reclaimed slot %d, want 2", back.Slot)
	}
}

func TestReloadKeepsTheSocketsOfSlots(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2), reusePort))
	before := w.s.units[0].plan.group.sockets
	old := w.live()
	r := w.reload("two", false)
	w.probe(spec("a", count(3), reusePort))
	w.turn(old[0])
	w.turn(old[1])
	w.say(w.last, &ipc.Ready{})
	if res := result(r); res == nil || res.Code != 0 {
		t.Fatalf("result %+v", res)
	}
	after := w.s.units[0].plan.group.sockets
	if len(after) != 3 || after[0] != before[0] || after[1] != before[1] || len(w.bound) != 3 {
		t.Errorf("sockets %v, then %v, %d binds", before, after, len(w.bound))
	}
}

func TestSurplusSocketIsServedUntilItIsClosed(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a", count(2), reusePort))
	old := w.live()
	w.reload("two", false)
	w.probe(spec("a", reusePort))
	w.turn(old[0])
	fresh := w.last
	if lend := w.expect(fresh, ipc.TypeLend).(*ipc.Lend); lend.Slot != 1 {
		t.Errorf("lent slot %d, want 1", lend.Slot)
	}
	g := w.s.units[0].plan.group
	if got := w.s.untilNext(w.now); got > surplusDrain {
		t.Errorf("the loop sleeps for %v", got)
	}
	w.leave(old[1])
	w.pass(surplusDrain)
	w.expect(fresh, ipc.TypeReclaim)
	if len(g.sockets) != 1 {
		t.Errorf("%d sockets", len(g.sockets))
	}
}

func TestChangeOfReusePortIsRefused(t *testing.T) {
	for _, tt := range []struct{ before, after func(*ipc.Spec) }{
		{reusePort, func(*ipc.Spec) {}}, {func(*ipc.Spec) {}, reusePort},
	} {
		w := newWorld(t)
		w.serve(spec("a", tt.before))
		r := w.reload("two", false)
		w.probe(spec("a", tt.after))
		res := result(r)
		if res == nil || res.Code != 1 || !strings.Contains(res.Text,
			"ReusePort of tcp://a has changed, which needs a restart") {
			t.Errorf("result %+v", res)
		}
	}
}
