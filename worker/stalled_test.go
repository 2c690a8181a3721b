package worker_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// large serves more than the kernel takes: "/file" from a file of 32 MiB, and
// "/page" from memory. "/events" is a stream of events whose connections are in the
// channel.
func large(t *testing.T, o over) (clocked, chan *worker.Connection) {
	t.Helper()
	const size = 32 << 20
	path := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	streams := make(chan *worker.Connection, 1)
	w := o.worker(t, "http")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		switch r.Path() {
		case "/file":
			c.Send(http1.File(path))
		case "/page":
			c.Send(make([]byte, size))
		default:
			c.Send(http1.NewResponse(200,
				map[string]string{"Content-Type": "text/event-stream"}, ""))
			streams <- c
		}
	}
	return startClocked(t, w), streams
}

// unsent waits until the kernel takes no more of a connection.
func (s clocked) unsent(id uint64) {
	s.t.Helper()
	last := uint64(0)
	eventually(s.t, "full socket", func() (full bool) {
		s.do(func() {
			c := s.w.Connection(id)
			if c == nil {
				return
			}
			full = c.BytesWritten > 0 && c.BytesWritten == last && worker.Kept(c) > 0
			last = c.BytesWritten
		})
		return full
	})
}

func TestClientThatTakesNothingOfItsAnswerIsDestroyed(t *testing.T) {
	for _, path := range []string{"/file", "/page"} {
		t.Run(path, func(t *testing.T) {
			overEvery(t, func(t *testing.T, o over) {
				s, _ := large(t, o)
				c := o.open(s.service)
				c.send(fmt.Sprintf(get, path))
				s.unsent(1)
				s.advance(50 * time.Second)
				s.alive(1, "before its time")
				s.advance(15 * time.Second)
				s.gone(1)
				s.advance(time.Second)
				s.noTimers("after the end of a connection")
			})
		})
	}
}

// gone fails the test when the connection is there.
func (s clocked) gone(id uint64) {
	s.t.Helper()
	s.do(func() {
		if s.w.Connection(id) != nil {
			s.t.Error("the connection is still there")
		}
	})
}

// An answer that says Connection: close has ended the connection but for its rest.
func TestClientThatTakesNothingOfItsLastAnswerIsDestroyed(t *testing.T) {
	s, _ := large(t, "tcp")
	c := over("tcp").open(s.service)
	c.send("GET /file HTTP/1.0\r\n\r\n")
	s.unsent(1)
	s.advance(65 * time.Second)
	s.gone(1)
}

func TestClientThatTakesItsAnswerSlowlyIsServed(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		s, _ := large(t, o)
		c := o.open(s.service)
		c.send(fmt.Sprintf(get, "/file"))
		for range 5 {
			s.unsent(1)
			s.advance(45 * time.Second)
			s.alive(1, "while its answer goes on")
			if _, err := io.CopyN(io.Discard, c.r, 4<<20); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.CopyN(io.Discard, c.r, 12<<20); err != nil {
			t.Fatal(err)
		}
		s.alive(1, "behind its answer")
	})
}

func TestNobodyCountsWithoutALimitOrAnythingToTake(t *testing.T) {
	t.Run("no limit", func(t *testing.T) {
		s, _ := large(t, "tcp")
		s.do(func() { s.w.Limits.RequestTimeout = -1 })
		c := over("tcp").open(s.service)
		c.send(fmt.Sprintf(get, "/file"))
		s.unsent(1)
		s.advance(time.Hour)
		s.alive(1, "without a limit")
	})
	t.Run("a quiet stream", func(t *testing.T) {
		s, streams := large(t, "tcp")
		c := over("tcp").open(s.service)
		c.send(fmt.Sprintf(get, "/events"))
		conn := await(t, streams, "stream")
		s.do(func() { conn.Send(http1.Event{Data: "once"}) })
		s.advance(time.Hour)
		s.alive(1, "while its stream is quiet")
		s.noTimers("with a quiet stream")
	})
}
