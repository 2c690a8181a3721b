package child

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/ipc"
)

// farEnd returns a sender and the master's end of its link.
func farEnd(t *testing.T) (*sender, *ipc.Conn) {
	t.Helper()
	master, fd, err := ipc.Pair()
	if err != nil {
		t.Fatal(err)
	}
	link, err := ipc.FromDescriptor(fd)
	if err != nil {
		t.Fatal(err)
	}
	master.SetDeadline(time.Now().Add(testDeadline))
	t.Cleanup(func() {
		master.Close()
		link.Close()
	})
	return newSender(link), master
}

func TestSenderKeepsTheOrder(t *testing.T) {
	out, master := farEnd(t)
	out.send(&ipc.Hello{PID: 1})
	out.log("a line")
	out.send(&ipc.Ready{})
	out.finish(time.Minute)
	for _, want := range []ipc.Type{ipc.TypeHello, ipc.TypeLog, ipc.TypeReady} {
		if m, _, err := master.Recv(); err != nil || m.Type() != want {
			t.Fatalf("got %v, %v, want type %d", m, err, want)
		}
	}
}

// A master that does not read costs log lines and nothing else.
func TestSenderNeverBlocksItsCaller(t *testing.T) {
	out, master := farEnd(t)
	const lines, others = 20_000, 500
	text := strings.Repeat("x", 200)
	for range lines {
		out.log(text)
	}
	for id := range uint64(others) {
		out.send(&ipc.Report{ID: id})
	}
	dropped := int(out.dropped.Load())
	if dropped == 0 {
		t.Fatal("nothing was dropped")
	}
	logged, next := 0, uint64(0)
	for next < others {
		m, _, err := master.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.Type() == ipc.TypeLog {
			logged++
			continue
		}
		if id := m.(*ipc.Report).ID; id != next {
			t.Fatalf("report %d arrived, want %d", id, next)
		}
		next++
	}
	if logged+dropped != lines {
		t.Errorf("%d lines arrived and %d were dropped, of %d", logged, dropped, lines)
	}
	out.log(text) // there is room again
	if m, _, err := master.Recv(); err != nil || m.Type() != ipc.TypeLog {
		t.Errorf("got %v, %v, want a log record", m, err)
	}
	out.finish(time.Minute)
}

func TestSenderEndsThoughTheMasterDoesNotRead(t *testing.T) {
	out, _ := farEnd(t)
	for range 20_000 {
		out.send(&ipc.Failed{Text: strings.Repeat("x", 200)})
	}
	out.finish(10 * time.Millisecond)
	out.send(&ipc.Ready{})
	out.log("late")
	if len(out.queue) != 0 {
		t.Errorf("%d messages queued after the end", len(out.queue))
	}
}

func TestSenderEndsWithTheMaster(t *testing.T) {
	out, master := farEnd(t)
	master.Close()
	out.send(&ipc.Ready{})
	<-out.done
	out.send(&ipc.Ready{})
	out.finish(time.Minute)
}

func TestLongLogTextsAreCut(t *testing.T) {
	out, master := farEnd(t)
	out.log(strings.Repeat("y", 2*maxLogText))
	m, _, err := master.Recv()
	if err != nil || len(m.(*ipc.Log).Text) != maxLogText+len(" ...") {
		t.Errorf("got %v, %v", m, err)
	}
	out.finish(time.Minute)
}

// silent is a sender whose queue a test looks at.
func silent() *sender { return &sender{more: make(chan struct{}, 1)} }

func TestListenGivesUpAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &process{out: silent()}
		begun := time.Now()
		fd, err := p.openListener("tcp://127.0.0.1:1", false)
		if fd != -1 || err != errNoAnswer || time.Since(begun) != openTimeout {
			t.Errorf("got %d, %v after %v", fd, err, time.Since(begun))
		}
		if want := (&ipc.Listen{ID: 1, Address: "tcp://127.0.0.1:1"}); len(p.out.queue) != 1 ||
			*p.out.queue[0].(*ipc.Listen) != *want {
			t.Errorf("sent %v, want %v", p.out.queue, want)
		}
	})
}

func TestListenTakesTheAnswerToItsQuestion(t *testing.T) {
	descriptor := func() int {
		fd, err := unix.Dup(1)
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	isOpen := func(fd int) bool {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		return err == nil
	}
	var o opener
	first, _, _ := o.ask()
	o.settle(first, opened{-1, errNoAnswer})
	second, answer, _ := o.ask()

	late, extra, right := descriptor(), descriptor(), descriptor()
	o.answer(&ipc.Listening{ID: first}, []int{late})
	o.answer(&ipc.Listening{ID: second}, []int{right, extra})
	got := <-answer
	if got.fd != right || got.err != nil || !isOpen(right) {
		t.Errorf("got %+v, want descriptor %d", got, right)
	}
	if isOpen(late) || isOpen(extra) {
		t.Error("a descriptor that nobody wants is still open")
	}
	unix.Close(right)

	id, answer, _ := o.ask()
	o.answer(&ipc.Listening{ID: id}, nil)
	if got := <-answer; got.err != errNoDescriptor {
		t.Errorf("without a descriptor: %+v", got)
	}
	id, answer, _ = o.ask()
	fd := descriptor()
	o.answer(&ipc.Listening{ID: id, Error: "in use"}, []int{fd})
	if got := <-answer; got.err == nil || got.err.Error() != "in use" || isOpen(fd) {
		t.Errorf("with an error: %+v", got)
	}
	_, answer, _ = o.ask()
	o.end(errLinkEnded)
	if got := <-answer; got.err != errLinkEnded {
		t.Errorf("at the end of the link: %+v", got)
	}
	if _, _, err := o.ask(); err != errLinkEnded {
		t.Errorf("after the end of the link: %v", err)
	}
}

// A later order may hurry a process, never slow it down.
func TestDepartureDeadlines(t *testing.T) {
	type order = departure
	cases := map[string]struct {
		orders      []order
		warn, limit time.Duration // 0: never
		graceful    bool
		code        int
		restart     bool
	}{
		"ordered":      {[]order{{within: 10}}, 8, 0, false, 0, false},
		"graceful":     {[]order{{within: 10, graceful: true}}, 0, 0, true, 0, false},
		"without time": {[]order{{}}, 0, 0, false, 0, false},
		"by a signal":  {[]order{{within: 10, enforced: true}}, 8, 10, false, 0, false},
		"twice": {[]order{{within: 10, enforced: true}, {within: 20, enforced: true}},
			16, 10, false, 0, false},
		"hurried": {[]order{{within: 9, graceful: true}, {within: 5}}, 4, 0, false, 0, false},
		"graceful too late": {[]order{{within: 5}, {within: 9, graceful: true}},
			4, 0, false, 0, false},
		"orphan while stopping": {[]order{{within: 10, enforced: true},
			{within: 5, enforced: true, code: ipc.ExitOrphan}}, 4, 5, false, ipc.ExitOrphan, false},
		"a reload": {[]order{{within: 10, restart: true}}, 8, 0, false, 0, true},
		"stop after a graceful reload": {[]order{{restart: true, graceful: true}, {within: 5}},
			4, 0, false, 0, false},
		"graceful stop after a reload": {[]order{{within: 5, restart: true}, {graceful: true}},
			4, 0, false, 0, false},
	}
	for name, tc := range cases {
		synctest.Test(t, func(t *testing.T) {
			loop, err := eventloop.New()
			if err != nil {
				t.Fatal(err)
			}
			defer loop.Close()
			p := &process{out: silent(), loop: loop}
			for _, o := range tc.orders {
				o.within *= time.Second
				p.leave(o)
			}
			got := []time.Duration{after(p.leaving.warn), after(p.leaving.limit)}
			if want := []time.Duration{tc.warn, tc.limit}; !slices.Equal(got, []time.Duration{
				want[0] * time.Second, want[1] * time.Second}) {
				t.Errorf("%s: warned and ended after %v, want %v s", name, got, want)
			}
			l := &p.leaving
			if l.graceful != tc.graceful || l.code != tc.code || l.restart != tc.restart {
				t.Errorf("%s: graceful %v, code %d, restart %v", name, l.graceful, l.code, l.restart)
			}
		})
	}
}

// The time that a drain takes anyway is not late.
func TestWarningWaitsForThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, err := eventloop.New()
		if err != nil {
			t.Fatal(err)
		}
		defer loop.Close()
		p := &process{out: silent(), loop: loop}
		p.leave(departure{restart: true, within: 10 * time.Second})
		p.pacing.Store(int64(3 * time.Second))
		if at := <-p.leaving.warn; at.Sub(start) != 8*time.Second {
			t.Errorf("looked after %v", at.Sub(start))
		}
		p.onWarning()
		if got := after(p.leaving.warn); got != 11*time.Second || p.pacing.Load() != 0 {
			t.Errorf("warned after %v, %d ns left", got, p.pacing.Load())
		}
	})
}

// start is when every bubble of synctest begins.
var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// after waits for an alarm and returns when it came; 0 for none.
func after(alarm <-chan time.Time) time.Duration {
	if alarm == nil {
		return 0
	}
	return (<-alarm).Sub(start)
}
