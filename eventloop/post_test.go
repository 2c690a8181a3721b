package eventloop

import (
	"sync"
	"testing"
)

func TestPostsOfManyGoroutinesAllRunInOrder(t *testing.T) {
	const posters, each = 8, 2000
	eachDriver(t, func(t *testing.T, l *Loop) {
		var next [posters]int
		total := 0
		wait := run(t, l)
		var group sync.WaitGroup
		for p := range posters {
			group.Go(func() { // ends after its posts
				for i := range each {
					l.Post(func() {
						if next[p] != i {
							t.Errorf("poster %d: post %d came as %d", p, i, next[p])
						}
						next[p]++
						total++
						if total == posters*each {
							l.Stop()
						}
					})
				}
			})
		}
		group.Wait()
		wait()
	})
}

func TestPostWakesTheWaitingLoop(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		wait := run(t, l)
		for range 100 {
			until(t, func() bool { return l.Busy() == 0 })
			ran := make(chan bool, 1)
			l.Post(func() { ran <- true })
			receive(t, ran, "the post")
		}
		l.Post(l.Stop)
		wait()
	})
}

func TestPostOfAPostRunsInTheNextTurn(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		var j journal
		l.SetTurnHook(func() { j.note("turn") })
		l.Post(func() {
			j.note("outer")
			l.Post(func() { j.note("inner") })
		})
		step(t, l)
		step(t, l)
		j.expect(t, "outer", "turn", "inner", "turn")
	})
}

func TestPostAfterRunIsDropped(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		l.Stop()
		run(t, l)()
		l.Post(func() { t.Error("a post ran after Run") })
		step(t, l)
	})
}

func TestWakeUpsAreCoalesced(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		wakes := 0
		must(t, l.Unwatch(l.mail.wake))
		must(t, l.Watch(l.mail.wake, Readable, sourceFunc(func(ev Events) {
			wakes++
			wakeSource{l}.OnEvents(ev)
		})))
		for range 1000 {
			l.Post(func() {})
		}
		step(t, l)
		l.stamp.Store(0)
		step(t, l)
		if wakes != 1 {
			t.Errorf("wake-ups for 1000 posts = %d, want 1", wakes)
		}
	})
}

func TestABurstOfPostsDoesNotKeepItsMemory(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		for range maxSpare * 4 {
			l.Post(func() {})
		}
		step(t, l)
		if got := cap(l.mail.spare); got > maxSpare {
			t.Errorf("kept room for %d posts, want at most %d", got, maxSpare)
		}
	})
}
