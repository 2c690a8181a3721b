package supervisor

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// Messages that cross the freezes of a link come once and in order, in both
// directions.
func TestLinkLosesNothingToAFreeze(t *testing.T) {
	const count = 300
	mine, fd, err := ipc.Pair()
	must(t, err)
	theirs, err := ipc.FromDescriptor(fd)
	must(t, err)
	defer theirs.Close()
	messages, gone := make(chan linkMessage, 16), make(chan struct{})
	defer close(gone)
	l := openLink(mine, messages, gone)
	defer l.close()
	var all sync.WaitGroup
	all.Go(func() {
		for n := range count {
			theirs.Send(&ipc.Report{ID: uint64(n)})
		}
	})
	all.Go(func() {
		for n := range count {
			if m, _, err := theirs.Recv(); err != nil || m.(*ipc.Lend).Slot != n {
				t.Errorf("message %d to the process: %+v, %v", n, m, err)
				return
			}
		}
	})
	over, come := make(chan struct{}), make(chan struct{}, 1)
	all.Go(func() {
		for {
			l.freeze()
			for !l.still() {
				time.Sleep(10 * time.Microsecond)
			}
			l.thaw()
			select {
			case <-over:
				return
			case <-come: // or on one processor it would be frozen all the time
			}
		}
	})
	for n := range count {
		l.send(&ipc.Lend{Slot: n})
		if m := <-messages; m.err != nil || m.m.(*ipc.Report).ID != uint64(n) {
			t.Fatalf("message %d of the process: %+v, %v", n, m.m, m.err)
		}
		select {
		case come <- struct{}{}:
		default:
		}
	}
	close(over)
	all.Wait()
}

// A link that ends while it freezes gives the descriptors back that it was to
// pass on.
func TestLinkThatEndsFrozenKeepsNoDescriptor(t *testing.T) {
	before := openDescriptors(t)
	for range 200 {
		mine, theirs, err := ipc.Pair()
		must(t, err)
		gone := make(chan struct{})
		l := openLink(mine, make(chan linkMessage, 16), gone)
		for l.queue(&ipc.Kick{}, -1, true) {
		}
		must(t, l.pass(&ipc.Lend{}, theirs))
		l.freeze()
		l.close()
		for over := false; !over; {
			l.mu.Lock()
			over = !l.writes
			l.mu.Unlock()
			runtime.Gosched()
		}
		close(gone)
		unix.Close(theirs)
	}
	if after := openDescriptors(t); after > before+20 {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(all)
}

// What another Conn of the socket has begun to read and what is queued goes
// over to the link of the image that takes over.
func TestLinkGoesOverBetweenTwoRecords(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	p := w.newest()
	text := strings.Repeat("x", 200_000)
	recs, err := ipc.Records(&ipc.Log{Text: text})
	must(t, err)
	must(t, w.played(p.pid).conn.SendRecord(recs[0]))
	// Until it has come there is nothing that a freeze could interrupt.
	fd := p.link.conn.Descriptor()
	for waits := 1; waits > 0; {
		waits, err = unix.IoctlGetInt(fd, unix.TIOCINQ)
		must(t, err)
	}
	p.link.freeze()
	p.link.send(&ipc.Kick{})
	for !p.link.still() {
		time.Sleep(time.Millisecond)
	}
	w.s.reaper = reap(w.s.exits, w.s.gone)
	row := (&saver{s: w.s, frozen: true}).link(p.link)
	if row.Partial == nil || row.Partial.Of != ipc.TypeLog || len(row.Out) != 1 {
		t.Fatalf("partial %v, %d records to be sent", row.Partial != nil, len(row.Out))
	}
	for _, rec := range recs[1:] {
		must(t, w.played(p.pid).conn.SendRecord(rec))
	}
	r := &restorer{s: newSupervisor(w.s.cfg, w.s.sys), kept: map[int]bool{}}
	next := r.link(row)
	must(t, r.err)
	next.thaw()
	defer next.close()
	m := <-r.s.messages
	if log, ok := m.m.(*ipc.Log); !ok || log.Text != text {
		t.Errorf("got %T, %v", m.m, m.err)
	}
	w.expect(p.pid, ipc.TypeKick)
}

func TestLastWordsLoseNothingToAFreeze(t *testing.T) {
	read, write, err := os.Pipe()
	must(t, err)
	var there bytes.Buffer
	w := listenToLastWords(read, &there, func() {})
	var want bytes.Buffer
	for n := range 300 {
		line := fmt.Sprintf("line %d\n", n)
		want.WriteString(line)
		if n%3 == 0 {
			w.freeze()
		}
		io.WriteString(write, line)
		if n%3 == 2 {
			for !w.still() {
				time.Sleep(time.Millisecond)
			}
			w.thaw()
		}
	}
	write.Close()
	<-w.done
	if there.String() != want.String() {
		t.Errorf("%d bytes were passed on of %d", there.Len(), want.Len())
	}
}

// Commands that come while the control socket is paused are answered after.
func TestPausedCommandsAreAnsweredLater(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	c := w.s.control
	early, err := ipc.DialControl(c.path)
	must(t, err)
	defer early.Close()
	for len(c.busy) == 0 {
		time.Sleep(time.Millisecond) // it is accepted and has not asked
	}
	for !c.pause() {
		time.Sleep(time.Millisecond)
	}
	c.freeze()
	late, err := ipc.DialControl(c.path)
	must(t, err)
	defer late.Close()
	for _, conn := range []*ipc.Conn{early, late} {
		must(t, conn.Send(&ipc.Request{Command: ipc.CommandPing}))
	}
	for !c.still() {
		time.Sleep(time.Millisecond)
	}
	for cl := range c.callers {
		cl.readBy = past // as after a long pause
	}
	if len(w.s.requests) > 0 || len(c.callers) != 1 {
		t.Errorf("%d callers while nobody may ask, want 1", len(c.callers))
	}
	c.thaw()
	for range 2 {
		w.s.onRequest(<-w.s.requests)
	}
	for _, conn := range []*ipc.Conn{early, late} {
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		m, _, err := conn.Recv()
		if r, ok := m.(*ipc.Result); !ok || r.Code != ipc.CodeDone {
			t.Errorf("got %+v, %v", m, err)
		}
	}
}

// A status that the reaper has taken from the kernel reaches the loop, also
// when it is frozen in that moment.
func TestFrozenReaperDeliversWhatItHas(t *testing.T) {
	exits, gone := make(chan exit), make(chan struct{})
	defer close(gone)
	got := map[int]bool{}
	var pids []int
	for range 20 {
		pid, err := startTrue()
		must(t, err)
		pids = append(pids, pid)
		r := reap(exits, gone)
		r.freeze()
		for !r.still() {
			select {
			case x := <-exits:
				got[x.pid] = true
			case <-r.done:
			}
		}
	}
	r := reap(exits, gone)
	for _, pid := range pids {
		for !got[pid] {
			got[(<-exits).pid] = true
		}
	}
	r.freeze()
	<-r.done // it must not take the statuses of later tests
}

// startTrue starts a process that ends by itself.
func startTrue() (pid int, err error) {
	gen, err := openGeneration("/bin/true")
	if err != nil {
		return 0, err
	}
	defer gen.close()
	got, err := start(launch{gen: gen, title: "true", quiet: true, listener: -1})
	if err != nil {
		return 0, err
	}
	unix.Close(got.pidfd)
	got.words.Close()
	got.link.Close()
	return got.pid, nil
}

// silence has nobody read from a process or write to it.
func (w *world) silence(p *process) {
	w.t.Helper()
	p.words.freeze()
	p.link.freeze()
	for by := time.Now().Add(5 * time.Second); !p.words.still() || !p.link.still(); {
		if time.Now().After(by) {
			w.t.Fatal("the process is still listened to")
		}
		runtime.Gosched()
	}
}
