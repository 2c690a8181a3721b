package eventloop

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// timeline is a loop whose clock the test sets.
type timeline struct {
	*Loop
	journal
	t   *testing.T
	now time.Duration
}

// onTimeline runs the test on a loop of each driver at time 0 of a set clock.
func onTimeline(t *testing.T, test func(t *testing.T, l *timeline)) {
	t.Helper()
	eachDriver(t, func(t *testing.T, l *Loop) {
		line := &timeline{Loop: l, t: t, now: 1}
		l.clock = func() time.Duration { return line.now }
		step(t, l)
		test(t, line)
	})
}

// pass lets time go by and makes a turn.
func (l *timeline) pass(d time.Duration) {
	l.t.Helper()
	l.now += d
	step(l.t, l.Loop)
}

func TestTimerRuns(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.AddTimer(3*time.Second, false, func() { l.note("once") })
		l.AddTimer(2*time.Second, true, func() { l.note("repeat") })
		for range 7 {
			l.pass(time.Second)
		}
		l.expect(t, "repeat", "once", "repeat", "repeat")
		if got := l.TimerCount(); got != 1 {
			t.Errorf("timers = %d, want 1", got)
		}
	})
}

func TestRepeatIsFromTheEndOfTheRun(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.AddTimer(time.Second, true, func() {
			l.note("run")
			l.now += 10 * time.Second // a slow callback
		})
		l.pass(5 * time.Second) // late: one run, not five
		l.expect(t, "run")
		l.pass(time.Second - 1)
		l.expect(t)
		l.pass(1)
		l.expect(t, "run")
	})
}

func TestTimersRunInOrderOfTimeThenOfAdding(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		add := func(d time.Duration, name string) {
			l.AddTimer(d, false, func() { l.note(name) })
		}
		add(20, "20")
		add(10, "10 first")
		add(30, "30")
		add(10, "10 second")
		l.pass(time.Second)
		l.expect(t, "10 first", "10 second", "20", "30")
	})
}

func TestZeroIsEachTurn(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.AddTimer(0, true, func() { l.note("each") })
		l.AddTimer(-time.Second, false, func() { l.note("next") })
		l.pass(0)
		l.pass(0)
		l.expect(t, "each", "next", "each")
		if got := l.timeout(); got != 0 {
			t.Errorf("the loop would rest for %d ms", got)
		}
	})
}

func TestTimersAddedInATurnWaitForTheNext(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.AddTimer(0, false, func() {
			l.note("outer")
			l.AddTimer(0, false, func() { l.note("inner") })
		})
		l.pass(0)
		l.expect(t, "outer")
		l.pass(0)
		l.expect(t, "inner")
	})
}

func TestDelTimer(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		id := l.AddTimer(1, true, func() { l.note("deleted timer") })
		if !l.DelTimer(id) {
			t.Error("first DelTimer = false")
		}
		if l.DelTimer(id) {
			t.Error("second DelTimer = true")
		}
		for _, odd := range []TimerID{0, -1, id + 1, id<<32 | id, 1 << 62} {
			if l.DelTimer(odd) {
				t.Errorf("DelTimer(%d) = true", odd)
			}
		}
		l.pass(1)
		l.expect(t)
		if got := l.TimerCount(); got != 0 {
			t.Errorf("timers = %d, want 0", got)
		}
	})
}

func TestTimerDeletesItselfInItsFirstRun(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		var id TimerID
		id = l.AddTimer(1, true, func() {
			l.note("run")
			if l.TimerCount() != 1 {
				t.Error("a running repeat timer does not count")
			}
			if !l.DelTimer(id) {
				t.Error("DelTimer of the running timer = false")
			}
		})
		l.pass(1)
		l.pass(1)
		l.expect(t, "run")
	})
}

func TestOneShotIsGoneWhenItRuns(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		var id TimerID
		id = l.AddTimer(1, false, func() {
			if l.DelTimer(id) || l.TimerCount() != 0 {
				t.Error("a one-shot timer was still there in its run")
			}
		})
		l.pass(1)
	})
}

func TestTimerDeletesAnotherThatIsDueToo(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		var second TimerID
		l.AddTimer(1, false, func() { l.note("first"); l.DelTimer(second) })
		second = l.AddTimer(1, false, func() { l.note("second") })
		l.pass(1)
		l.expect(t, "first")
	})
}

func TestReusedPlaceHasANewID(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		old := l.AddTimer(1, false, func() {})
		l.DelTimer(old)
		fresh := l.AddTimer(1, false, func() { l.note("fresh") })
		if old == fresh || len(l.timers.slab) != 1 {
			t.Errorf("ids %d and %d, slab of %d", old, fresh, len(l.timers.slab))
		}
		if l.DelTimer(old) {
			t.Error("an old id deleted a new timer")
		}
		l.pass(1)
		l.expect(t, "fresh")
	})
}

func TestDelAllTimersInsideATimer(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.AddTimer(1, true, func() { l.note("run"); l.DelAllTimers() })
		l.AddTimer(1, true, func() { l.note("other") })
		l.AddInnerTimer(2, true, func() { l.note("inner") })
		l.pass(1)
		l.pass(1)
		l.expect(t, "run", "inner")
		if got := l.TimerCount(); got != 0 {
			t.Errorf("timers = %d, want 0", got)
		}
	})
}

func TestGenerationStaysWithinTheID(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		l.DelTimer(l.AddTimer(1, false, func() {}))
		l.timers.slab[0].generation = 1<<31 - 1
		for range 2 {
			id := l.AddTimer(1, false, func() {})
			if id <= 0 || !l.DelTimer(id) {
				t.Errorf("id %d of the last generation is not good", id)
			}
		}
	})
}

func TestTimeoutOfTheWait(t *testing.T) {
	cases := []struct {
		left time.Duration
		want int
	}{
		{0, 0}, {1, 1}, {time.Millisecond, 1}, {time.Millisecond + 1, 2},
		{time.Second, 1000}, {1 << 62, 1<<31 - 1}, {1<<63 - 1, 1<<31 - 1},
	}
	onTimeline(t, func(t *testing.T, l *timeline) {
		if got := l.timeout(); got != -1 {
			t.Errorf("without timers: %d ms, want -1", got)
		}
		for _, c := range cases {
			id := l.AddTimer(c.left, false, func() {})
			if got := l.timeout(); got != c.want {
				t.Errorf("%v left: %d ms, want %d", c.left, got, c.want)
			}
			l.DelTimer(id)
		}
		l.AddTimer(1, false, func() {})
		l.now += time.Second
		if got := l.timeout(); got != 0 {
			t.Errorf("overdue: %d ms, want 0", got)
		}
	})
}

func TestTimerWakesTheWaitingLoop(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		const interval = 2 * time.Millisecond
		runs := 0
		began := time.Now()
		l.AddTimer(interval, true, func() {
			if runs++; runs == 3 {
				l.Stop()
			}
		})
		run(t, l)()
		if took := time.Since(began); took < 3*interval {
			t.Errorf("three runs after %v, want at least %v", took, 3*interval)
		}
	})
}

// TestTimersAgainstAList adds and deletes at random and compares with a sorted
// list.
func TestTimersAgainstAList(t *testing.T) {
	onTimeline(t, func(t *testing.T, l *timeline) {
		random := rand.New(rand.NewPCG(1, 2))
		live := map[TimerID]int{}
		var ran []int
		for range 5000 {
			due := random.IntN(1000)
			id := l.AddTimer(time.Duration(due), false, func() { ran = append(ran, due) })
			live[id] = due
			if random.IntN(3) == 0 {
				for victim := range live {
					delete(live, victim)
					if !l.DelTimer(victim) {
						t.Fatalf("timer %d was not there", victim)
					}
					break
				}
			}
		}
		var want []int
		for _, due := range live {
			want = append(want, due)
		}
		slices.Sort(want)
		l.pass(time.Second)
		if !slices.Equal(ran, want) {
			t.Errorf("%d timers ran, %d wanted, or in another order", len(ran), len(want))
		}
	})
}
