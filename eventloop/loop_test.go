package eventloop

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestStopFinishesTheTurn(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		var j journal
		l.Post(func() { j.note("stop"); l.Stop() })
		l.Post(func() {
			j.note("post")
			l.AtTurnEnd(flushFunc(func() { j.note("flush") }))
		})
		l.AddTimer(0, true, func() { j.note("timer") })
		run(t, l)()
		j.expect(t, "stop", "post", "timer", "flush")
	})
}

func TestStopBeforeRunStillFlushes(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		var j journal
		l.AtTurnEnd(flushFunc(func() { j.note("flush") }))
		l.Stop()
		run(t, l)()
		j.expect(t, "flush")
	})
}

func TestAtTurnEndOutsideATurnRunsBeforeTheFirstWait(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		flushed := make(chan bool, 1)
		l.AtTurnEnd(flushFunc(func() { flushed <- true }))
		wait := run(t, l)
		receive(t, flushed, "the flusher")
		l.Post(l.Stop)
		wait()
	})
}

func TestTurnOrder(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		var j journal
		source := func(name string) Source {
			return sourceFunc(func(Events) { j.note(name) })
		}
		far, near := pair(t)
		listener, client := listenAndDial(t)
		defer unix.Close(client)
		must(t, l.Watch(near, Readable, source("descriptor")))
		must(t, l.WatchListener(listener, source("listener")))
		write(t, far, "x")
		l.AddTimer(0, false, func() { j.note("timer") })
		l.Post(func() { j.note("post") })
		l.AtTurnEnd(flushFunc(func() { j.note("flusher") }))
		l.SetTurnHook(func() { j.note("hook") })
		step(t, l)
		j.expect(t, "listener", "descriptor", "post", "timer", "flusher", "hook")
	})
}

func TestFlusherAddedByAFlusherRunsInTheSameTurnEnd(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		var j journal
		l.SetTurnHook(func() { j.note("hook") })
		l.AtTurnEnd(flushFunc(func() {
			j.note("first")
			l.AtTurnEnd(flushFunc(func() { j.note("second") }))
		}))
		step(t, l)
		step(t, l)
		j.expect(t, "first", "second", "hook", "hook")
	})
}

func TestTurnTakesAtMost128EventsAndStarvesNobody(t *testing.T) {
	const count = 300
	eachDriver(t, func(t *testing.T, l *Loop) {
		seen := make(map[int]int)
		inTurn := 0
		for i := range count {
			far, near := pair(t)
			write(t, far, "x")
			must(t, l.Watch(near, Readable, sourceFunc(func(Events) {
				seen[i]++
				inTurn++
			})))
		}
		for range 3 {
			inTurn = 0
			step(t, l)
			if inTurn != maxTurnEvents {
				t.Errorf("events in a turn = %d, want %d", inTurn, maxTurnEvents)
			}
		}
		if len(seen) != count {
			t.Errorf("heard %d of %d descriptors in three turns", len(seen), count)
		}
	})
}

func TestGuardCallsEverythingButSources(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		guarded := 0
		l.SetGuard(func(fn func()) { guarded++; fn() })
		far, near := pair(t)
		_, own := pair(t)
		must(t, l.Watch(near, Readable, sourceFunc(func(Events) { drain(near) })))
		write(t, far, "x")
		step(t, l)
		if guarded != 0 {
			t.Errorf("a Source was guarded")
		}
		l.Post(func() {})
		l.AddTimer(0, false, func() {})
		must(t, l.OnWritable(own, func(int) {}))
		step(t, l)
		if guarded != 3 {
			t.Errorf("guarded calls = %d, want 3: post, timer, descriptor", guarded)
		}
	})
}

func TestGuardThatRecoversKeepsTheLoopAndTheTimer(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		var j journal
		l.SetGuard(func(fn func()) {
			defer func() {
				if recover() != nil {
					j.note("recovered")
				}
			}()
			fn()
		})
		l.Post(func() { panic("post") })
		l.Post(func() { j.note("next post") })
		l.AddTimer(0, true, func() { panic("timer") })
		step(t, l)
		step(t, l)
		j.expect(t, "recovered", "next post", "recovered", "recovered")
	})
}

func TestBusyAndOwned(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		if l.Busy() != 0 || l.Owned() {
			t.Errorf("before Run: busy %v, owned %v", l.Busy(), l.Owned())
		}
		inside, leave := make(chan bool), make(chan bool)
		wait := run(t, l)
		l.Post(func() { inside <- l.Owned(); <-leave })
		if !receive(t, inside, "the post") {
			t.Error("Owned on the loop = false")
		}
		if l.Busy() <= 0 || l.Owned() {
			t.Errorf("in a turn: busy %v, owned from outside %v", l.Busy(), l.Owned())
		}
		close(leave)
		until(t, func() bool { return l.Busy() == 0 })
		l.Post(l.Stop)
		wait()
		if l.Busy() != 0 || l.Owned() {
			t.Errorf("after Run: busy %v, owned %v", l.Busy(), l.Owned())
		}
	})
}

// until asks again and again, for a state that sends no event.
func until(t *testing.T, done func() bool) {
	t.Helper()
	end := time.Now().Add(deadline)
	for !done() {
		if time.Now().After(end) {
			t.Fatal("the state did not come")
		}
		runtime.Gosched()
	}
}

func TestCheckOwnerNamesTheWayIn(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		l.CheckOwner(true)
		l.AddTimer(time.Hour, false, func() {}) // before Run nobody owns it
		wait := run(t, l)
		begun := make(chan bool)
		l.Post(func() { close(begun) })
		receive(t, begun, "the first turn")
		text := panicOf(func() { l.AddTimer(0, false, func() {}) })
		want := "eventloop: adding a timer was called outside the event loop: " +
			"use worker.Post, Connection.Post or worker.Go"
		if text != want {
			t.Errorf("panic = %v, want %q", text, want)
		}
		l.Post(func() { l.AddTimer(0, false, l.Stop) })
		wait()
	})
}

func panicOf(fn func()) (value any) {
	defer func() { value = recover() }()
	fn()
	return nil
}

func TestNowIsOneTimePerTurn(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		fake := time.Hour
		l.clock = func() time.Duration { return fake }
		step(t, l)
		began := l.Now()
		l.Post(func() {
			fake += time.Second / 2
			if got := l.Now().Sub(began); got != 100*time.Millisecond {
				t.Errorf("Now moved inside a turn: %v", got)
			}
		})
		fake += 100 * time.Millisecond
		step(t, l)
	})
}

func TestNowFollowsTheCalendar(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		step(t, l)
		l.wall.wall = l.wall.wall.Add(-24 * time.Hour) // as if the date was set
		fake := l.now + anchorAge
		l.clock = func() time.Duration { return fake }
		step(t, l)
		if off := time.Since(l.Now()); off < -time.Minute || off > time.Minute {
			t.Errorf("Now is %v beside the calendar", off)
		}
	})
}

func TestRunReportsAFailedWait(t *testing.T) {
	l, err := New()
	must(t, err)
	unix.Close(l.driver.(*epollDriver).fd)
	if err := l.Run(); !errors.Is(err, unix.EBADF) {
		t.Errorf("Run = %v, want EBADF", err)
	}
	unix.Close(l.mail.wake)
}

// interrupted is a driver whose first wait is ended by a signal.
type interrupted struct {
	driver
	waits int
}

func (d *interrupted) wait(ready []unix.EpollEvent, timeout int) (int, error) {
	if d.waits++; d.waits == 1 {
		return -1, unix.EINTR // what x/sys returns
	}
	return d.driver.wait(ready, timeout)
}

func TestInterruptedWaitIsATurnWithoutEvents(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		l.driver = &interrupted{driver: l.driver}
		turns := 0
		l.SetTurnHook(func() {
			if turns++; turns == 2 { // the first is the one before any wait
				l.Stop()
			}
		})
		run(t, l)()
	})
}

func TestScratch(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		if got := len(l.Scratch()); got != 64<<10 {
			t.Errorf("scratch buffer has %d bytes", got)
		}
	})
}
