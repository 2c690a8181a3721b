package child

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// answers makes sure that the process lives and its harness works.
func (s *started) answers() {
	s.t.Helper()
	s.send(&ipc.AskReport{ID: 99})
	expect[*ipc.Report](s)
}

// busyClient is in the middle of a message, so a drain waits for it.
func (s *started) busyClient() *client {
	s.t.Helper()
	c := s.dial()
	c.ask("x", "x")
	c.write("half ")
	for len(s.rows()) != 1 || s.rows()[0].RecvQ == 0 {
		continue // until the process has read it
	}
	return c
}

func (s *started) rows() (rows []ipc.ConnectionRow) {
	s.t.Helper()
	s.send(&ipc.AskConnections{ID: 98})
	for {
		piece := expect[*ipc.Connections](s)
		if rows = append(rows, piece.Rows...); piece.Last {
			return rows
		}
	}
}

func TestDrainSaysWhatItWaitsFor(t *testing.T) {
	s := run(t, echo())
	c := s.busyClient()
	s.send(&ipc.Drain{Timeout: 250 * time.Millisecond})
	expect[*ipc.Yielded](s)
	if got := expect[*ipc.Waiting](s).Text; !strings.Contains(got, "1 connection") {
		t.Errorf("waiting for %q", got)
	}
	c.ask("message", "half message")
	c.closed()
	s.leaves(ipc.ExitDone)
}

// The seat is free at yielded: nothing is accepted any more, whatever the
// author's OnWorkerStop does.
func TestYieldedDoesNotWaitForOnWorkerStop(t *testing.T) {
	s := run(t, echo("slow"))
	s.send(&ipc.Drain{Timeout: testDeadline})
	expect[*ipc.Yielded](s)
	conn, err := net.Dial("tcp", s.addr)
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v, %v, want connection refused", conn, err)
	}
	s.expectLog("OnWorkerStop")
	s.answers()
}

func TestGracefulDrainWaitsAndCanBeHurried(t *testing.T) {
	for name, hurry := range map[string]func(*started, *client){
		"client leaves": func(s *started, c *client) {
			c.conn.Close()
		},
		"ordinary drain": func(s *started, c *client) {
			s.send(&ipc.Drain{Timeout: testDeadline})
			expect[*ipc.Yielded](s)
			c.closed()
		},
		"TERM": func(s *started, c *client) {
			s.signal(syscall.SIGTERM)
			c.closed()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := run(t, echo())
			c := s.dial()
			c.ask("x", "x")
			s.send(&ipc.Drain{Graceful: true})
			expect[*ipc.Yielded](s)
			c.ask("still", "still")
			s.send(&ipc.Drain{Graceful: true})
			expect[*ipc.Yielded](s)
			c.ask("served", "served")
			hurry(s, c)
			s.leaves(ipc.ExitDone)
			if got := strings.Join(s.logs, "|"); got != "OnWorkerStop" {
				t.Errorf("logs %q, want OnWorkerStop once", got)
			}
		})
	}
}

func TestSignalsThatStop(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			h := echo()
			h.Worker.Debug = true
			s := run(t, h)
			c := s.busyClient()
			s.signal(sig)
			s.expectLog("OnWorkerStop")
			s.signal(sig)
			s.answers()
			c.ask("message", "half message")
			c.closed()
			s.leaves(ipc.ExitDone)
		})
	}
}

func TestQuitIsGraceful(t *testing.T) {
	s := run(t, echo())
	c := s.dial()
	c.ask("x", "x")
	s.signal(syscall.SIGQUIT)
	s.expectLog("OnWorkerStop")
	c.ask("still", "still")
	c.conn.Close()
	s.leaves(ipc.ExitDone)
}

func TestSignalsThatDoNothing(t *testing.T) {
	always := []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE,
		syscall.SIGABRT, syscall.SIGIO, syscall.SIGTSTP}
	for name, harmless := range map[string][]syscall.Signal{
		"debug":  always,
		"daemon": append(always, syscall.SIGHUP),
	} {
		t.Run(name, func(t *testing.T) {
			h := echo()
			h.Worker.Debug = name == "debug"
			s := run(t, h)
			c := s.dial()
			for range 3 {
				for _, sig := range harmless {
					s.signal(sig)
					s.answers()
					c.ask("x", "x")
				}
			}
			s.send(&ipc.Drain{})
			expect[*ipc.Yielded](s)
			s.leaves(ipc.ExitDone)
		})
	}
}

// Nobody else kills a process that a person told to stop.
func TestStopByASignalIsEnforced(t *testing.T) {
	h := echo()
	h.Worker.Spec.StopTimeout = 2 * time.Second
	s := run(t, h)
	s.dial().ask("block", "blocked")
	s.signal(syscall.SIGTERM)
	if got := expect[*ipc.Waiting](s).Text; !strings.HasPrefix(got, "busy ") {
		t.Errorf("waiting for %q", got)
	}
	s.leaves(ipc.ExitDone)
}

func TestDrainBeforeReady(t *testing.T) {
	s := begin(t, echo())
	s.send(&ipc.Drain{Timeout: testDeadline})
	expect[*ipc.Hello](s)
	expect[*ipc.Ready](s) // it crossed the drain
	expect[*ipc.Yielded](s)
	s.leaves(ipc.ExitDone)
}
