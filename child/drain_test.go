package child

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/protocol"
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

// A process that is replaced tells how long it closes its connections for, and
// what it waits for meanwhile. A stop that comes in between is told to the rest.
func TestRestartIsPacedUntilAStopComes(t *testing.T) {
	s := run(t, echo("bye"))
	var clients []*client
	for range 21 {
		c := s.dial()
		c.ask("x", "x")
		clients = append(clients, c)
	}
	s.send(&ipc.AskReport{ID: 1})
	if got := expect[*ipc.Report](s).WaitsFor; got != "" {
		t.Errorf("waits for %q before it was told to leave", got)
	}
	s.send(&ipc.Drain{Timeout: testDeadline, Restart: true})
	if got := expect[*ipc.Yielded](s).Pacing; got != 10*time.Second {
		t.Errorf("closes for %v, want 10 s", got)
	}
	clients[0].ends(protocol.Restarting, protocol.Restarting)
	s.send(&ipc.AskReport{ID: 2})
	if got := expect[*ipc.Report](s).WaitsFor; !strings.HasSuffix(got, ", closes 2 a second") {
		t.Errorf("waits for %q", got)
	}
	s.send(&ipc.Drain{Timeout: testDeadline})
	if got := expect[*ipc.Yielded](s).Pacing; got != 0 {
		t.Errorf("a stop closes for %v", got)
	}
	last := protocol.Restarting // a second may have passed, and not ten
	for n, c := range clients[1:] {
		if n == len(clients)-2 {
			last = protocol.Stopping
		}
		last = c.ends(last, protocol.Stopping)
	}
	s.leaves(ipc.ExitDone)
}

// ends expects the farewell, one of two, and nothing behind it.
func (c *client) ends(one, other protocol.Occasion) (why protocol.Occasion) {
	c.t.Helper()
	got, err := c.in.ReadString('\n')
	for _, why := range []protocol.Occasion{one, other} {
		if err == nil && got == fmt.Sprintf("bye %d\n", why) {
			c.closed()
			c.conn.Close()
			return why
		}
	}
	c.t.Fatalf("got %q and %v, want the farewell of %d or %d", got, err, one, other)
	return one
}

// A blocked loop is described by what it published last.
func TestBlockedProcessSaysWhatItWaitsFor(t *testing.T) {
	s := run(t, echo())
	s.dial().ask("block", "blocked")
	s.send(&ipc.Drain{Graceful: true})
	want := regexp.MustCompile(`^a callback \(\d+\.\d s so far\), then 1 connection$`)
	for end := time.Now().Add(testDeadline); ; {
		s.send(&ipc.AskReport{ID: 1})
		got := expect[*ipc.Report](s).WaitsFor
		if want.MatchString(got) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waits for %q", got)
		}
	}
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

// A process that stands in line serves its clients until its turn comes, and says
// so; then it closes them, and says when it is done.
func TestProcessInLineWaitsForItsTurn(t *testing.T) {
	s := run(t, echo("bye"))
	c := s.dial()
	c.ask("x", "x")
	s.send(&ipc.Drain{Timeout: testDeadline, Restart: true, InLine: true})
	if got := expect[*ipc.Yielded](s).Pacing; got != time.Second/2 {
		t.Errorf("closes for %v, want 500ms", got)
	}
	c.ask("still", "still")
	s.send(&ipc.AskReport{ID: 1})
	if got := expect[*ipc.Report](s).WaitsFor; !strings.HasSuffix(got, ", in line to close them") {
		t.Errorf("waits for %q", got)
	}
	s.send(&ipc.Turn{})
	expect[*ipc.TurnOver](s)
	c.ends(protocol.Restarting, protocol.Restarting)
	s.leaves(ipc.ExitDone)
}
