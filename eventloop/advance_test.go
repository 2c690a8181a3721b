package eventloop

import (
	"fmt"
	"testing"
	"time"
)

// advancing is a running loop whose clock can be moved on. Times in its journal
// are those since it was made.
type advancing struct {
	*Loop
	journal
	t     *testing.T
	began time.Time
}

func onAdvancing(t *testing.T, test func(l *advancing)) {
	t.Helper()
	eachDriver(t, func(t *testing.T, l *Loop) {
		l.AllowAdvance()
		a := &advancing{Loop: l, t: t}
		wait := run(t, l)
		a.do(func() { a.began = l.Now() })
		test(a)
		l.Post(l.Stop)
		wait()
	})
}

// do runs fn on the loop.
func (a *advancing) do(fn func()) {
	a.t.Helper()
	done := make(chan bool, 1)
	a.Post(func() {
		fn()
		done <- true
	})
	receive(a.t, done, "the loop")
}

func (a *advancing) pass(d time.Duration) {
	a.t.Helper()
	done := make(chan bool, 1)
	a.Post(func() { a.Advance(d, func() { done <- true }) })
	receive(a.t, done, "the end of Advance")
}

// noteTime notes what happens and when, in minutes.
func (a *advancing) noteTime(what string) {
	a.note(fmt.Sprintf("%s at %.0f", what, a.Now().Sub(a.began).Minutes()))
}

func TestAdvanceRunsTimersInOrderAtTheirTimes(t *testing.T) {
	onAdvancing(t, func(l *advancing) {
		l.do(func() {
			l.AddTimer(25*time.Minute, false, func() { l.noteTime("once") })
			l.AddTimer(10*time.Minute, true, func() { l.noteTime("repeat") })
			l.AddInnerTimer(20*time.Minute+time.Second, false, func() {
				l.noteTime("first")
				l.AddTimer(3*time.Minute, false, func() { l.noteTime("second") })
			})
		})
		l.pass(30 * time.Minute)
		l.do(func() {
			l.noteTime("end")
			l.expect(l.t, "repeat at 10", "repeat at 20", "first at 20", "second at 23",
				"once at 25", "repeat at 30", "end at 30")
		})
	})
}

func TestAdvanceRunsNothingBeforeItsTime(t *testing.T) {
	onAdvancing(t, func(l *advancing) {
		l.do(func() { l.AddTimer(time.Hour, true, func() { l.noteTime("hour") }) })
		l.pass(59 * time.Minute)
		l.do(func() { l.expect(l.t) })
		l.pass(time.Minute)
		l.do(func() { l.expect(l.t, "hour at 60") })
	})
}

func TestAdvancePassesTimersOfEveryTurn(t *testing.T) {
	onAdvancing(t, func(l *advancing) {
		turns := 0
		l.do(func() {
			l.AddTimer(0, true, func() { turns++ })
			l.AddTimer(50*time.Millisecond, false, func() { l.note("later") })
		})
		l.pass(100 * time.Millisecond)
		l.do(func() {
			l.expect(l.t, "later")
			if turns < 10 {
				l.t.Errorf("the timer of every turn ran %d times", turns)
			}
		})
	})
}

func TestTheAdvancedClockRunsOn(t *testing.T) {
	onAdvancing(t, func(l *advancing) {
		l.pass(24 * time.Hour)
		l.pass(0)
		ran := make(chan time.Time, 1)
		l.do(func() { l.AddTimer(time.Millisecond, false, func() { ran <- l.Now() }) })
		at := receive(l.t, ran, "the timer")
		if ahead := time.Until(at).Round(time.Hour); ahead != 24*time.Hour {
			l.t.Errorf("Now is %v ahead, want a day", ahead)
		}
		l.do(func() {
			if busy := l.Busy(); busy > time.Hour {
				l.t.Errorf("the loop is busy for %v", busy)
			}
		})
	})
}

func TestAdvanceLooksAtDescriptors(t *testing.T) {
	onAdvancing(t, func(l *advancing) {
		near, far := pair(l.t)
		l.do(func() {
			must(l.t, l.OnReadable(near, func(fd int) {
				drain(fd)
				l.noteTime("read")
			}))
			l.AddTimer(time.Minute, true, func() { write(l.t, far, "x") })
		})
		l.pass(2 * time.Minute)
		l.do(func() {
			l.OffReadable(near)
			if len(l.journal) == 0 {
				l.t.Error("what the first timer wrote was not read before the second")
			}
		})
	})
}
