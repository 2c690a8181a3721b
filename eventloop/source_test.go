package eventloop

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEventsOfADescriptor(t *testing.T) {
	cases := []struct {
		name  string
		want  Events
		cause func(t *testing.T, near, far int)
		got   Events
	}{
		{"bytes", Readable, func(t *testing.T, _, far int) { write(t, far, "x") }, Readable},
		{"nothing", Readable, func(*testing.T, int, int) {}, 0},
		{"room", Writable, func(*testing.T, int, int) {}, Writable},
		{"both", Readable | Writable,
			func(t *testing.T, _, far int) { write(t, far, "x") }, Readable | Writable},
		{"half closed", Readable,
			func(_ *testing.T, _, far int) { unix.Shutdown(far, unix.SHUT_WR) },
			Readable | Hangup},
		{"half closed, not reading", 0,
			func(_ *testing.T, _, far int) { unix.Shutdown(far, unix.SHUT_WR) }, 0},
		{"bytes, not reading", 0, func(t *testing.T, _, far int) { write(t, far, "x") }, 0},
		{"shut down, not reading", 0,
			func(_ *testing.T, near, _ int) { unix.Shutdown(near, unix.SHUT_RDWR) }, Hangup},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			eachDriver(t, func(t *testing.T, l *Loop) {
				near, far := pair(t)
				var got Events
				must(t, l.Watch(near, c.want, sourceFunc(func(ev Events) { got = ev })))
				c.cause(t, near, far)
				step(t, l)
				if got != c.got {
					t.Errorf("events = %04b, want %04b", got, c.got)
				}
			})
		})
	}
}

func TestResetIsFailedAndHangup(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		listener, client := listenAndDial(t)
		conn, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		must(t, err)
		defer unix.Close(conn)
		var got Events
		must(t, l.Watch(conn, 0, sourceFunc(func(ev Events) { got = ev })))
		must(t, unix.SetsockoptLinger(client, unix.SOL_SOCKET, unix.SO_LINGER,
			&unix.Linger{Onoff: 1}))
		unix.Close(client)
		until(t, func() bool { step(t, l); return got != 0 })
		if want := Failed | Hangup; got != want {
			t.Errorf("events = %04b, want %04b", got, want)
		}
	})
}

func TestLevelTriggered(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		near, far := pair(t)
		calls := 0
		must(t, l.Watch(near, Readable, sourceFunc(func(Events) { calls++ })))
		write(t, far, "x")
		step(t, l)
		step(t, l)
		drain(near)
		step(t, l)
		if calls != 2 {
			t.Errorf("calls = %d, want 2", calls)
		}
	})
}

// twoReady returns a loop's two watched descriptors with bytes waiting; the
// first source called runs act with the descriptor of the other one.
func twoReady(t *testing.T, l *Loop, act func(other int)) (calls *int) {
	t.Helper()
	calls = new(int)
	nearA, farA := pair(t)
	nearB, farB := pair(t)
	other := map[int]int{nearA: nearB, nearB: nearA}
	for near := range other {
		must(t, l.Watch(near, Readable, sourceFunc(func(Events) {
			*calls++
			if *calls == 1 {
				act(other[near])
			}
		})))
	}
	write(t, farA, "x")
	write(t, farB, "x")
	return calls
}

func TestUnwatchHoldsBackEventsOfThisTurn(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		calls := twoReady(t, l, func(other int) { must(t, l.Unwatch(other)) })
		step(t, l)
		if *calls != 1 {
			t.Errorf("calls = %d, want 1", *calls)
		}
	})
}

func TestRewatchHoldsBackEventsOfThisTurn(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		calls := twoReady(t, l, func(other int) { must(t, l.Rewatch(other, 0)) })
		step(t, l)
		if *calls != 1 {
			t.Errorf("calls = %d, want 1", *calls)
		}
	})
}

func TestReusedDescriptorGetsNoEventOfItsPredecessor(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		quiet, _ := pair(t)
		calls := twoReady(t, l, func(other int) {
			must(t, l.Unwatch(other))
			// Closes other and gives its number to another socket at once.
			must(t, unix.Dup3(quiet, other, unix.O_CLOEXEC))
			must(t, l.Watch(other, Readable, sourceFunc(func(Events) {
				t.Error("an event of the closed descriptor reached the new one")
			})))
		})
		step(t, l)
		if *calls != 1 {
			t.Errorf("calls = %d, want 1", *calls)
		}
	})
}

func TestNumberClosedWithoutUnwatchCanBeWatchedAgain(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		near, _ := pair(t)
		number, err := unix.FcntlInt(uintptr(near), unix.F_DUPFD_CLOEXEC, 500)
		must(t, err)
		must(t, l.Watch(number, Readable, sourceFunc(func(Events) { t.Error("old source") })))
		unix.Close(number)
		step(t, l)
		again, far := pair(t)
		must(t, unix.Dup3(again, number, unix.O_CLOEXEC))
		defer unix.Close(number)
		calls := 0
		must(t, l.Watch(number, Readable, sourceFunc(func(Events) { calls++ })))
		write(t, far, "x")
		step(t, l)
		if calls != 1 {
			t.Errorf("calls = %d, want 1", calls)
		}
	})
}

func TestWatchErrors(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		near, _ := pair(t)
		nobody := sourceFunc(func(Events) {})
		must(t, l.Watch(near, 0, nobody))
		cases := []struct {
			name string
			got  error
			want error
		}{
			{"twice", l.Watch(near, Readable, nobody), unix.EEXIST},
			{"negative", l.Watch(-1, Readable, nobody), unix.EINVAL},
			{"no source", l.Watch(near, Readable, nil), unix.EINVAL},
			{"not open", l.Watch(9999, Readable, nobody), unix.EBADF},
			{"rewatch", l.Rewatch(9998, Readable), ErrNotWatched},
			{"unwatch", l.Unwatch(9998), ErrNotWatched},
			{"unwatch negative", l.Unwatch(-1), ErrNotWatched},
			{"requeue", l.RequeueListener(9998), ErrNotWatched},
		}
		for _, c := range cases {
			if !errors.Is(c.got, c.want) {
				t.Errorf("%s: error = %v, want %v", c.name, c.got, c.want)
			}
		}
	})
}

func TestUnwatchOfAClosedDescriptor(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		near, _ := pair(t)
		number, err := unix.Dup(near)
		must(t, err)
		must(t, l.Watch(number, Readable, sourceFunc(func(Events) {})))
		unix.Close(number)
		if err := l.Unwatch(number); err != nil {
			t.Errorf("Unwatch = %v, want nil", err)
		}
	})
}

func TestRewatchToggles(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		near, far := pair(t)
		var got Events
		must(t, l.Watch(near, Readable, sourceFunc(func(ev Events) { got |= ev })))
		write(t, far, "x")
		for _, want := range []Events{0, Writable, Readable, Readable, Readable | Writable} {
			must(t, l.Rewatch(near, want))
			got = 0
			step(t, l)
			if got != want {
				t.Errorf("rewatch %04b: events %04b", want, got)
			}
		}
	})
}

func TestForgottenDescriptorIsSilentAndItsNumberFree(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		must(t, err)
		defer unix.Close(fds[1])
		silent := sourceFunc(func(Events) { t.Error("an event of the forgotten descriptor") })
		must(t, l.Watch(fds[0], Readable, silent))
		write(t, fds[1], "x")
		l.Forget(fds[0])
		must(t, unix.Close(fds[0]))

		near, far := pair(t)
		again, err := unix.FcntlInt(uintptr(near), unix.F_DUPFD_CLOEXEC, fds[0])
		must(t, err)
		defer unix.Close(again)
		calls := 0
		must(t, l.Watch(again, Readable, sourceFunc(func(Events) { calls++ })))
		write(t, far, "x")
		step(t, l)
		if calls != 1 {
			t.Errorf("descriptor %d after %d: %d calls, want 1", again, fds[0], calls)
		}
	})
}
