package timer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/timer"
)

const deadline = 10 * time.Second

// bound gives the process a loop for the length of the test, and the lines
// that package timer logs.
func bound(t *testing.T) (l *eventloop.Loop, logged *[]string) {
	t.Helper()
	l, err := eventloop.New()
	if err != nil {
		t.Fatal(err)
	}
	logged = new([]string)
	timer.Bind(l, func(format string, a ...any) {
		*logged = append(*logged, fmt.Sprintf(format, a...))
	})
	t.Cleanup(func() {
		timer.Bind(nil, nil)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, logged
}

// run runs the loop until something in it calls Stop.
func run(t *testing.T, l *eventloop.Loop) {
	t.Helper()
	late := time.AfterFunc(deadline, func() {
		l.Post(func() {
			t.Error("the loop was not stopped in time")
			l.Stop()
		})
	})
	defer late.Stop()
	if err := l.Run(); err != nil {
		t.Errorf("Run = %v", err)
	}
}

func TestAddRunsUntilDeleted(t *testing.T) {
	l, logged := bound(t)
	runs := 0
	var id timer.ID
	id = timer.Add(time.Millisecond, func() {
		if runs++; runs < 3 {
			return
		}
		if !timer.Del(id) {
			t.Error("Del in its own callback = false")
		}
		timer.After(5*time.Millisecond, l.Stop)
	})
	run(t, l)
	if runs != 3 {
		t.Errorf("runs = %d, want 3", runs)
	}
	if len(*logged) != 0 {
		t.Errorf("logged %q, want nothing", *logged)
	}
}

func TestDelInTheFirstRun(t *testing.T) {
	l, _ := bound(t)
	runs := 0
	var id timer.ID
	id = timer.Add(0, func() {
		runs++
		timer.Del(id)
		timer.After(time.Millisecond, l.Stop)
	})
	run(t, l)
	if runs != 1 {
		t.Errorf("runs = %d, want 1", runs)
	}
	if timer.Del(id) {
		t.Error("second Del = true")
	}
}

func TestAfterRunsOnce(t *testing.T) {
	l, _ := bound(t)
	runs := 0
	timer.After(0, func() { runs++ })
	timer.After(3*time.Millisecond, l.Stop)
	run(t, l)
	if runs != 1 {
		t.Errorf("runs = %d, want 1", runs)
	}
}

func TestRunsDoNotPileUp(t *testing.T) {
	l, _ := bound(t)
	const interval, slow = 5 * time.Millisecond, 20 * time.Millisecond
	var began, ended time.Time
	timer.Add(interval, func() {
		if began.IsZero() {
			began = time.Now()
			for time.Since(began) < slow { // a callback that computes
			}
			ended = time.Now()
			return
		}
		if gap := time.Since(ended); gap < interval {
			t.Errorf("next run %v after the end of the last, want %v", gap, interval)
		}
		l.Stop()
	})
	run(t, l)
}

func TestNegativeIntervalsAreRefused(t *testing.T) {
	l, _ := bound(t)
	if id := timer.Add(-1, func() {}); id != 0 {
		t.Errorf("Add(-1) = %d, want 0", id)
	}
	if id := timer.After(-time.Second, func() {}); id != 0 {
		t.Errorf("After(-1s) = %d, want 0", id)
	}
	if timer.Del(0) {
		t.Error("Del(0) = true")
	}
	if got := l.TimerCount(); got != 0 {
		t.Errorf("timers = %d, want 0", got)
	}
}

func TestAForgottenUnitIsLoggedOnceAndMadeAMillisecond(t *testing.T) {
	l, logged := bound(t)
	began := time.Now()
	runs := 0
	timer.After(30, func() { runs++ })
	timer.Add(10, func() {
		if runs++; runs == 4 {
			l.Stop()
		}
	})
	run(t, l)
	if took := time.Since(began); took < 3*time.Millisecond {
		t.Errorf("three intervals in %v, want at least 3ms", took)
	}
	want := "timer: an interval of 30ns is under 1 ms and was made 1 ms; " +
		"write the unit, as in 10*time.Second"
	if len(*logged) != 1 || (*logged)[0] != want {
		t.Errorf("logged %q, want once %q", *logged, want)
	}
}

func TestDelAllLeavesTheFramework(t *testing.T) {
	l, _ := bound(t)
	for range 3 {
		timer.Add(0, func() { t.Error("a deleted timer ran") })
	}
	l.AddInnerTimer(time.Millisecond, false, l.Stop)
	timer.DelAll()
	if got := l.TimerCount(); got != 0 {
		t.Errorf("timers = %d, want 0", got)
	}
	run(t, l)
}

func TestTimersOfTheProbeNeverRun(t *testing.T) {
	timer.Bind(nil, nil)
	never := func() { t.Error("a timer of the probe ran") }
	first, second := timer.Add(0, never), timer.After(10, never)
	if first == 0 || second == 0 || first == second {
		t.Errorf("ids %d and %d: want two that are not 0", first, second)
	}
	if id := timer.Add(-1, never); id != 0 {
		t.Errorf("Add(-1) = %d, want 0", id)
	}
	timer.Forget() // the next app

	l, _ := bound(t)
	timer.Arm()
	timer.After(time.Millisecond, l.Stop)
	if timer.Del(first) || timer.Del(second) {
		t.Error("an id that is forgotten deleted a timer of the loop")
	}
	run(t, l)
}

// What Start adds is armed when the process begins, under the same ids.
func TestTimersAddedBeforeTheLoopAreKept(t *testing.T) {
	timer.Bind(nil, nil)
	runs := 0
	var l *eventloop.Loop
	var logged *[]string
	var repeat timer.ID
	repeat = timer.Add(10, func() { // a forgotten unit
		if runs++; runs < 3 {
			return
		}
		timer.After(5*time.Millisecond, l.Stop)
		if !timer.Del(repeat) || timer.Del(repeat) {
			t.Error("Del in its own callback: want true, then false")
		}
	})
	never := func() { t.Error("a deleted timer ran") }
	early, late, kept := timer.After(0, never), timer.After(0, never), timer.After(0, never)
	if !timer.Del(early) || timer.Del(early) {
		t.Error("Del before there is a loop: want true, then false")
	}

	l, logged = bound(t)
	if !timer.Del(kept) || timer.Del(kept) {
		t.Error("Del before Arm: want true, then false")
	}
	timer.Arm()
	timer.Arm() // has nothing left
	if got := l.TimerCount(); got != 2 {
		t.Errorf("timers = %d, want 2", got)
	}
	if !timer.Del(late) || timer.Del(late) {
		t.Error("Del after Arm: want true, then false")
	}
	run(t, l)
	if runs != 3 || len(*logged) != 1 {
		t.Errorf("%d runs, logged %q; want 3 and one line", runs, *logged)
	}
}

func TestDelAllTakesThoseOfStartToo(t *testing.T) {
	timer.Bind(nil, nil)
	for range 2 {
		timer.Add(0, func() { t.Error("a deleted timer ran") })
	}
	timer.DelAll()
	l, _ := bound(t)
	timer.Arm()
	if got := l.TimerCount(); got != 0 {
		t.Errorf("timers = %d, want 0", got)
	}
}

// Timers of Start are start timers: held without the seat, ended with it.
func TestTimersOfStartWaitForTheSeat(t *testing.T) {
	timer.Bind(nil, nil)
	ticks, seated := 0, false
	var l *eventloop.Loop
	timer.Add(time.Millisecond, func() {
		if ticks++; !seated || ticks > 3 {
			t.Errorf("run %d, seated %v", ticks, seated)
		}
		if ticks == 3 {
			l.StopStartTimers()
			l.AddInnerTimer(5*time.Millisecond, false, l.Stop)
		}
	})
	l, _ = bound(t)
	l.BeginStart(true)
	timer.Arm()
	l.EndStart()
	timer.After(5*time.Millisecond, func() {
		seated = true
		l.ReleaseStartTimers()
	})
	run(t, l)
	if ticks != 3 {
		t.Errorf("%d runs, want 3", ticks)
	}
}

func TestTimersMayBeAddedAnywhere(t *testing.T) {
	l, _ := bound(t)
	l.Post(func() { timer.After(0, func() { timer.After(0, l.Stop) }) })
	run(t, l)
}
