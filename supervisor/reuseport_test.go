package supervisor

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

func reusePort(sp *ipc.Spec) { sp.ReusePort = true }

// realGroup opens a socket for each of n slots at one port.
func realGroup(t *testing.T, n int) (g *portGroup, host string) {
	t.Helper()
	first := mustBind(t, binding{network: "tcp", host: "127.0.0.1:0", reusePort: true})
	host, _ = where(t, first.fd)
	g = &portGroup{sockets: []*listener{first}}
	t.Cleanup(g.close)
	grow(t, g, host, n)
	return g, host
}

func grow(t *testing.T, g *portGroup, host string, n int) {
	t.Helper()
	for len(g.sockets) < n {
		g.sockets = append(g.sockets,
			mustBind(t, binding{network: "tcp", host: host, reusePort: true}))
	}
}

// deal makes connections and returns how many each socket got.
func deal(t *testing.T, g *portGroup, host string, connections int) []int {
	t.Helper()
	for range connections {
		dial(t, host)
	}
	counts := make([]int, len(g.sockets))
	for n, lis := range g.sockets {
		for {
			fd, _, err := unix.Accept(lis.fd)
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			must(t, err)
			unix.Close(fd)
			counts[n]++
		}
	}
	return counts
}

func TestKernelDealsConnectionsOut(t *testing.T) {
	g, host := realGroup(t, 3)
	for n, count := range deal(t, g, host, 90) {
		if count == 0 {
			t.Errorf("slot %d got none of 90 connections", n)
		}
	}
	if _, err := bind(binding{network: "tcp", host: host}); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a socket without ReusePort at the same port: %v", err)
	}
}

func TestSurplusSocketsGetNoNewConnections(t *testing.T) {
	g, host := realGroup(t, 4)
	g.trim(2, time.Now())
	if !g.steered {
		t.Skip("this kernel does not steer")
	}
	if got := deal(t, g, host, 90); got[0] == 0 || got[1] == 0 || got[2]+got[3] != 0 {
		t.Errorf("dealt %v to four sockets, two of which are surplus", got)
	}
	for len(g.sockets) > 2 {
		last := len(g.sockets) - 1
		g.sockets[last].close()
		g.sockets = g.sockets[:last]
	}
	if got := deal(t, g, host, 90); got[0] == 0 || got[1] == 0 {
		t.Errorf("dealt %v to the two that stay", got)
	}
	grow(t, g, host, 3)
	g.trim(3, time.Now())
	if got := deal(t, g, host, 90); got[0] == 0 || got[1] == 0 || got[2] == 0 {
		t.Errorf("dealt %v to three", got)
	}
}

func TestDatagramSocketsOfOnePort(t *testing.T) {
	first := mustBind(t, binding{network: "udp", host: "127.0.0.1:0", reusePort: true})
	defer first.close()
	host, _ := where(t, first.fd)
	second := mustBind(t, binding{network: "udp", host: host, reusePort: true})
	defer second.close()
	if _, err := bind(binding{network: "udp", host: host}); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a third one that does not share: %v", err)
	}
	conn, err := net.Dial("udp", host)
	must(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("x"))
	must(t, err)
	fds := []unix.PollFd{{Fd: int32(first.fd), Events: unix.POLLIN},
		{Fd: int32(second.fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 5000); n != 1 {
		t.Errorf("%d of the two sockets got the datagram (%v)", n, err)
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
