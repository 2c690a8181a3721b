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

func TestWithoutALoopTimersAreAcceptedAndNeverRun(t *testing.T) {
	timer.Bind(nil, nil)
	never := func() { t.Error("a timer of the probe ran") }
	first, second := timer.Add(0, never), timer.After(10, never)
	if first == 0 || second == 0 || first == second {
		t.Errorf("ids %d and %d: want two that are not 0", first, second)
	}
	if id := timer.Add(-1, never); id != 0 {
		t.Errorf("Add(-1) = %d, want 0", id)
	}
	if timer.Del(first) {
		t.Error("Del = true, want false")
	}
	timer.DelAll()

	l, _ := bound(t) // the same process becomes a worker process
	timer.After(time.Millisecond, l.Stop)
	if timer.Del(first) || timer.Del(second) {
		t.Error("an id from before deleted a timer of the loop")
	}
	run(t, l)
}

func TestTimersMayBeAddedAnywhere(t *testing.T) {
	l, _ := bound(t)
	l.Post(func() { timer.After(0, func() { timer.After(0, l.Stop) }) })
	run(t, l)
}
