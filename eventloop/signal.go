package eventloop

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// ErrSignal is returned by OnSignal for a signal that belongs to the framework
// or cannot be caught.
var ErrSignal = errors.New("eventloop: signal is not free")

// subscription is one signal of the author.
type subscription struct {
	fn      func(os.Signal)
	arrived chan os.Signal
}

// taken are the signals the framework answers itself, and those the kernel
// gives to nobody.
func taken(s syscall.Signal) bool {
	switch s {
	case syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGTSTP,
		syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGABRT,
		syscall.SIGIO, syscall.SIGPIPE, syscall.SIGKILL, syscall.SIGSTOP:
		return true
	}
	return false
}

// OnSignal calls fn on the loop goroutine, guarded, when the process gets s; a
// second call replaces fn. The signals of the framework (INT, TERM, HUP, TSTP,
// QUIT, USR1, USR2, ABRT, IO, PIPE) are refused with ErrSignal. Called on the
// loop goroutine.
func (l *Loop) OnSignal(s os.Signal, fn func(os.Signal)) error {
	l.check("OnSignal")
	number, ok := s.(syscall.Signal)
	if !ok || taken(number) {
		return fmt.Errorf("on signal %v: %w", s, ErrSignal)
	}
	if sub := l.signals[s]; sub != nil {
		sub.fn = fn
		return nil
	}
	sub := &subscription{fn: fn, arrived: make(chan os.Signal, 8)}
	l.signals[s] = sub
	signal.Notify(sub.arrived, s)
	go l.forward(sub) // ends when OffSignal or the end of Run closes arrived
	return nil
}

// OffSignal ends OnSignal and reports whether there was one. Called on the loop
// goroutine.
func (l *Loop) OffSignal(s os.Signal) bool {
	l.check("OffSignal")
	sub := l.signals[s]
	if sub == nil {
		return false
	}
	delete(l.signals, s)
	signal.Stop(sub.arrived) // nothing is sent to the channel after it
	close(sub.arrived)
	return true
}

func (l *Loop) forward(sub *subscription) {
	for s := range sub.arrived {
		l.Post(func() {
			if l.signals[s] == sub { // not switched off meanwhile
				sub.fn(s)
			}
		})
	}
}
