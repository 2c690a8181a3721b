package eventloop

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const deadline = 10 * time.Second

// eachDriver runs the test on a loop of each driver.
func eachDriver(t *testing.T, test func(t *testing.T, l *Loop)) {
	t.Helper()
	drivers := []struct {
		name string
		make func() (*Loop, error)
	}{{"epoll", New}, {"poll", NewPoll}}
	for _, d := range drivers {
		t.Run(d.name, func(t *testing.T) {
			l, err := d.make()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			})
			test(t, l)
		})
	}
}

// run starts Run and returns what waits for its end.
func run(t *testing.T, l *Loop) (wait func()) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }() // ends with Stop
	return func() {
		t.Helper()
		if err := receive(t, ended, "the end of Run"); err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	}
}

func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(deadline):
		t.Fatalf("%s did not come", what)
		panic("not reached")
	}
}

// step makes one turn with what is ready now, on the test's goroutine.
func step(t *testing.T, l *Loop) {
	t.Helper()
	n, err := l.driver.wait(l.ready[:], 0)
	if err != nil {
		t.Fatal(err)
	}
	l.turn(l.ready[:n])
}

// journal notes what happened, in order.
type journal []string

func (j *journal) note(what string) { *j = append(*j, what) }

func (j *journal) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(*j, want) {
		t.Errorf("got %q, want %q", *j, want)
	}
	*j = nil
}

// sourceFunc is a Source made of a function.
type sourceFunc func(ev Events)

func (f sourceFunc) OnEvents(ev Events) { f(ev) }

// flushFunc is a Flusher made of a function.
type flushFunc func()

func (f flushFunc) FlushTurn() { f() }

// pair returns two connected descriptors that are closed with the test.
func pair(t testing.TB) (int, int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX,
		unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(fds[0])
		unix.Close(fds[1])
	})
	return fds[0], fds[1]
}

func write(t testing.TB, fd int, text string) {
	t.Helper()
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func drain(fd int) {
	var buf [64]byte
	for {
		if n, err := unix.Read(fd, buf[:]); n <= 0 || err != nil {
			return
		}
	}
}

// must fails the test on an error of the call before it.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
