package eventloop

import (
	"testing"
	"time"
)

func TestStartTimersRunAtOnceWhenNotHeld(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.BeginStart(false)
		l.AddTimer(time.Second, false, func() { l.note("start") })
		l.EndStart()
		l.pass(time.Second)
		l.expect(t, "start")
	})
}

func TestHeldStartTimersBeginAtTheRelease(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.BeginStart(true)
		l.AddTimer(time.Second, true, func() { l.note("first") })
		gone := l.AddTimer(time.Second, true, func() { l.note("gone") })
		l.AddTimer(time.Second, true, func() { l.note("second") })
		l.EndStart()
		l.AddTimer(time.Second, false, func() { l.note("ordinary") })
		if got := l.TimerCount(); got != 4 {
			t.Errorf("timers = %d, want 4", got)
		}
		if !l.DelTimer(gone) {
			t.Error("a held timer could not be deleted")
		}
		l.pass(time.Minute)
		l.expect(t, "ordinary")
		l.ReleaseStartTimers()
		l.pass(time.Second - 1)
		l.expect(t)
		l.pass(1)
		l.expect(t, "first", "second")
	})
}

func TestReleaseInsideTheStart(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.BeginStart(true)
		l.ReleaseStartTimers()
		l.AddTimer(1, false, func() { l.note("start") })
		l.EndStart()
		l.pass(1)
		l.expect(t, "start")
	})
}

func TestStopStartTimersLeavesTheOthers(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.BeginStart(false)
		l.AddTimer(1, true, func() { l.note("start") })
		l.AddTimer(1, false, func() {
			l.AddTimer(1, true, func() { l.note("child") })
		})
		l.AddInnerTimer(3, false, func() { l.note("inner") })
		l.EndStart()
		l.AddTimer(3, false, func() { l.note("ordinary") })
		l.pass(1)
		l.expect(t, "start")
		l.pass(1)
		l.expect(t, "start", "child")
		l.StopStartTimers()
		l.pass(1)
		l.expect(t, "inner", "ordinary")
		if got := l.TimerCount(); got != 0 {
			t.Errorf("timers = %d, want 0", got)
		}
	})
}

func TestStoppedStartTimersAddNoMore(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.BeginStart(false)
		l.AddTimer(1, true, func() {
			l.note("start")
			l.StopStartTimers()
			id := l.AddTimer(1, true, func() { l.note("late") })
			if id == 0 || l.DelTimer(id) {
				t.Errorf("late timer %d: want an id that is dead", id)
			}
			l.AddInnerTimer(1, false, func() { l.note("inner") })
		})
		l.EndStart()
		l.pass(1)
		l.pass(1)
		l.expect(t, "start", "inner")
		l.AddTimer(1, false, func() { l.note("ordinary") })
		l.pass(1)
		l.expect(t, "ordinary")
	})
}

func TestStoppedWhileHeld(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.BeginStart(true)
		l.AddTimer(1, true, func() { l.note("start") })
		l.EndStart()
		l.StopStartTimers()
		l.ReleaseStartTimers()
		l.pass(1)
		l.expect(t)
	})
}

func TestOnlyTimersOfStartTimersFollowThem(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.AddTimer(1, false, func() {
			l.AddTimer(1, false, func() { l.note("ordinary child") })
		})
		l.BeginStart(false)
		l.AddTimer(1, false, func() {
			l.Post(func() { l.AddTimer(1, false, func() { l.note("of a post") }) })
		})
		l.EndStart()
		l.pass(1)
		l.StopStartTimers()
		l.pass(1)
		l.pass(1)
		l.expect(t, "ordinary child", "of a post")
	})
}
