package eventloop

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// echo answers what comes, with the loop's own buffer.
type echo struct {
	loop *Loop
	fd   int
	n    int
}

func (e *echo) OnEvents(Events) {
	e.n, _ = unix.Read(e.fd, e.loop.Scratch())
	e.loop.AtTurnEnd(e)
}

func (e *echo) FlushTurn() { unix.Write(e.fd, e.loop.Scratch()[:e.n]) }

func mustLoop(t testing.TB) *Loop {
	t.Helper()
	l, err := New()
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// oneTurn is step without a testing.T, for what is measured.
func oneTurn(l *Loop) {
	n, _ := l.driver.wait(l.ready[:], 0)
	l.turn(l.ready[:n])
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	l := mustLoop(t)
	near, far := pair(t)
	source := &echo{loop: l, fd: near}
	must(t, l.Watch(near, Readable, source))
	message, nothing := []byte("x"), func() {}
	cases := []struct {
		name string
		do   func()
	}{
		{"message", func() {
			unix.Write(far, message)
			oneTurn(l)
			unix.Read(far, message)
		}},
		{"rewatch", func() { l.Rewatch(near, Writable); l.Rewatch(near, Readable) }},
		{"timer", func() { l.DelTimer(l.AddTimer(time.Hour, true, nothing)) }},
		{"post", func() { l.Post(nothing); oneTurn(l) }},
	}
	for _, c := range cases {
		if got := testing.AllocsPerRun(100, c.do); got != 0 {
			t.Errorf("%s: %v allocations, want 0", c.name, got)
		}
	}
}

func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{32, 4096} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			l := mustLoop(b)
			near, far := pair(b)
			must(b, l.Watch(near, Readable, &echo{loop: l, fd: near}))
			message := make([]byte, size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				unix.Write(far, message)
				oneTurn(l)
				unix.Read(far, message)
			}
		})
	}
}

// BenchmarkEvents is what the loop itself costs per event.
func BenchmarkEvents(b *testing.B) {
	for _, count := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("%d", count), func(b *testing.B) {
			l := mustLoop(b)
			for range count {
				near, far := pair(b)
				write(b, far, "x")
				must(b, l.Watch(near, Readable, sourceFunc(func(Events) {})))
			}
			b.ReportAllocs()
			for b.Loop() {
				oneTurn(l)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/event")
		})
	}
}

func BenchmarkTimer(b *testing.B) {
	for _, count := range []int{0, 1000, 100_000} {
		b.Run(fmt.Sprintf("%d", count), func(b *testing.B) {
			l := mustLoop(b)
			nothing := func() {}
			for i := range count {
				l.AddTimer(time.Hour+time.Duration(i*7919%count), false, nothing)
			}
			b.ReportAllocs()
			for b.Loop() {
				l.DelTimer(l.AddTimer(time.Hour, false, nothing))
			}
		})
	}
}

func BenchmarkPost(b *testing.B) {
	l := mustLoop(b)
	nothing := func() {}
	b.ReportAllocs()
	for b.Loop() {
		l.Post(nothing)
		oneTurn(l)
	}
}

// BenchmarkPostWake is the way of a result from another goroutine and back.
func BenchmarkPostWake(b *testing.B) {
	l := mustLoop(b)
	ended := make(chan error)
	go func() { ended <- l.Run() }() // ends with Stop
	back := make(chan bool)
	answer := func() { back <- true }
	b.ReportAllocs()
	for b.Loop() {
		l.Post(answer)
		<-back
	}
	l.Post(l.Stop)
	must(b, <-ended)
}
