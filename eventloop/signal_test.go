package eventloop

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestOnSignal(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		must(t, l.OnSignal(syscall.SIGWINCH, func(os.Signal) { t.Error("replaced callback") }))
		must(t, l.OnSignal(syscall.SIGWINCH, func(s os.Signal) {
			if s != syscall.SIGWINCH {
				t.Errorf("signal = %v", s)
			}
			if !l.Owned() {
				t.Error("the callback is not on the loop goroutine")
			}
			l.Stop()
		}))
		wait := run(t, l)
		must(t, syscall.Kill(os.Getpid(), syscall.SIGWINCH))
		wait()
	})
}

func TestOffSignal(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		must(t, l.OnSignal(syscall.SIGWINCH, func(os.Signal) {
			t.Error("called after OffSignal")
		}))
		sub := l.signals[syscall.SIGWINCH]
		sub.arrived <- syscall.SIGWINCH
		until(t, func() bool { return l.mail.waiting.Load() })
		if !l.OffSignal(syscall.SIGWINCH) {
			t.Error("first OffSignal = false")
		}
		if l.OffSignal(syscall.SIGWINCH) {
			t.Error("second OffSignal = true")
		}
		step(t, l) // with the delivery that had been posted
	})
}

func TestSignalsOfTheFrameworkAreRefused(t *testing.T) {
	refused := []os.Signal{
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGTSTP,
		syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGABRT,
		syscall.SIGIOT, syscall.SIGIO, syscall.SIGPIPE, syscall.SIGKILL,
		syscall.SIGSTOP, nil,
	}
	eachDriver(t, func(t *testing.T, l *Loop) {
		for _, s := range refused {
			if err := l.OnSignal(s, func(os.Signal) {}); !errors.Is(err, ErrSignal) {
				t.Errorf("OnSignal(%v) = %v, want %v", s, err, ErrSignal)
			}
		}
		for _, s := range []os.Signal{syscall.SIGALRM, syscall.SIGCHLD} {
			must(t, l.OnSignal(s, func(os.Signal) {}))
		}
	})
}

func TestEndOfRunEndsSignals(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		must(t, l.OnSignal(syscall.SIGWINCH, func(os.Signal) {}))
		sub := l.signals[syscall.SIGWINCH]
		l.Stop()
		run(t, l)()
		if _, open := <-sub.arrived; open {
			t.Error("the signal's channel is still open")
		}
	})
}
