package worker_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// clocked is a service whose time is moved on by the test.
type clocked struct {
	*service
	w *worker.Worker
}

func startClocked(t *testing.T, w *worker.Worker) clocked {
	t.Helper()
	s := prepare(t, w)
	s.loop.AllowAdvance()
	s.run()
	await(t, s.ready, "ready")
	return clocked{s, w}
}

// advance lets time pass for the loop, in turns of its own.
func (s clocked) advance(d time.Duration) {
	s.t.Helper()
	done := make(chan struct{})
	s.loop.Post(func() { s.loop.Advance(d, func() { close(done) }) })
	await(s.t, done, "end of Advance")
}

// received waits until the connection has read so many bytes.
func (s clocked) received(id, n uint64) {
	s.t.Helper()
	eventually(s.t, "bytes received", func() (all bool) {
		s.do(func() {
			c := s.w.Connection(id)
			all = c != nil && c.BytesRead >= n
		})
		return all
	})
}

// alive fails the test when the connection was ended.
func (s clocked) alive(id uint64, when string) {
	s.t.Helper()
	s.do(func() {
		if c := s.w.Connection(id); c == nil || c.Status() != worker.Established {
			s.t.Errorf("the connection is gone %s", when)
		}
	})
}

// noTimers fails the test when somebody is looked after.
func (s clocked) noTimers(when string) {
	s.t.Helper()
	s.do(func() {
		if _, n := worker.Left(s.p); n != 0 {
			s.t.Errorf("%d timers %s, want none", n, when)
		}
	})
}

// trickle sends text in pieces of one byte, with a pause behind each.
func (s clocked) trickle(c *wire, text string, pause time.Duration) {
	s.t.Helper()
	for i := range len(text) {
		c.send(text[i : i+1])
		s.received(1, uint64(i+1))
		s.advance(pause)
	}
}

const slow = "request that did not arrive in time"

func TestHeadThatIsNotCompleteInTimeIsAnswered(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		s := startClocked(t, echoing(t, o))
		c := o.open(s.service)
		c.send("GET / HTTP/1.1\r\nHo")
		s.received(1, 18)
		s.advance(50 * time.Second)
		s.alive(1, "before its time")
		s.advance(12 * time.Second)
		c.expectRefusal(http.StatusRequestTimeout, slow)
	})
}

// A byte now and then does not prolong the time for the head.
func TestSlowHeadIsNotSavedByItsBytes(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		s := startClocked(t, echoing(t, o))
		c := o.open(s.service)
		s.trickle(c, "GET / HTTP/", 4*time.Second) // 44 s
		s.alive(1, "before its time")
		s.advance(18 * time.Second)
		c.expectRefusal(http.StatusRequestTimeout, slow)
	})
}

// A body may take as long as it likes, but has to go on.
func TestBodyThatPausesIsAnswered(t *testing.T) {
	for name, wire := range map[string]string{
		"length":  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
		"chunked": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n",
		"in the size line": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"1\r\nx\r\n0000",
		"in the trailers": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX:",
	} {
		t.Run(name, func(t *testing.T) {
			overEvery(t, func(t *testing.T, o over) {
				s := startClocked(t, echoing(t, o))
				c := o.open(s.service)
				c.send(wire)
				for n := range uint64(5) {
					s.received(1, uint64(len(wire))+n)
					s.advance(45 * time.Second)
					s.alive(1, "while its body goes on")
					c.send("0")
				}
				s.received(1, uint64(len(wire))+5)
				s.advance(63 * time.Second)
				c.expectRefusal(http.StatusRequestTimeout, slow)
			})
		})
	}
}

// A client is not late because the app or the protocol makes it wait.
func TestTimeIsNotCountedWhileTheClientHasToWait(t *testing.T) {
	w := echoing(t, "tcp")
	waiting := make(chan *worker.Connection, 1)
	w.OnRequest = func(c *worker.Connection, r *http1.Request) { waiting <- c }
	s := startClocked(t, w)
	c := over("tcp").open(s.service)
	c.send(fmt.Sprintf(get, "/") + "GET /half")
	conn := await(t, waiting, "request")
	s.advance(time.Hour)
	s.do(func() { conn.Send("late") })
	expectAnswer(t, c.r, http.StatusOK, "late")
	s.advance(40 * time.Second)
	s.do(func() { conn.PauseRecv() })
	s.advance(time.Hour)
	s.do(func() { conn.ResumeRecv() })
	s.advance(40 * time.Second)
	s.alive(1, "soon after a pause")
	s.advance(22 * time.Second)
	c.expectRefusal(http.StatusRequestTimeout, slow)
}

// Who always has a half request there, but not always the same, is no idler.
func TestEachRequestHasItsOwnTime(t *testing.T) {
	s := startClocked(t, echoing(t, "tcp"))
	c := over("tcp").open(s.service)
	whole := fmt.Sprintf(get, "/")
	half := len(whole) / 2
	c.send(whole[:half])
	for n := range uint64(12) {
		s.received(1, uint64(half)+n*uint64(len(whole)))
		s.advance(20 * time.Second)
		c.send(whole[half:] + whole[:half])
		expectAnswer(t, c.r, http.StatusOK, "GET / 0")
	}
	s.alive(1, "among requests in time")
}

func TestNobodyIsLookedAtWithoutUnfinishedRequests(t *testing.T) {
	s := startClocked(t, echoing(t, "tcp"))
	c := over("tcp").open(s.service)
	for range 3 {
		c.send(fmt.Sprintf(get+get, "/1", "/2"))
		expectAnswer(t, c.r, http.StatusOK, "GET /1 0")
		expectAnswer(t, c.r, http.StatusOK, "GET /2 0")
		s.noTimers("after whole requests")
		c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
		c.expect("HTTP/1.1 100 Continue\r\n\r\n")
		s.do(func() {
			if _, n := worker.Left(s.p); n != 1 {
				t.Errorf("%d timers with half a request, want 1", n)
			}
		})
		c.send("hello")
		expectAnswer(t, c.r, http.StatusOK, "POST / 5")
		s.advance(time.Second)
		s.noTimers("a second after the rest of a request")
	}
	c.send("GET")
	s.received(1, 3)
	c.Close()
	eventually(t, "end of the connection", func() (gone bool) {
		s.do(func() { gone = s.w.Connection(1) == nil })
		return gone
	})
	s.advance(time.Second)
	s.noTimers("a second after the end of a connection")
}

func TestRequestTimeouts(t *testing.T) {
	tests := []struct {
		name                string
		limit, alive, ended time.Duration
	}{
		{"default", 0, 50 * time.Second, 62 * time.Second},
		{"none", -1, 24 * time.Hour, 0},
		{"longer", 5 * time.Minute, 290 * time.Second, 302 * time.Second},
		{"shorter than the interval", 200 * time.Millisecond, 0, 260 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := echoing(t, "tcp")
			w.Limits.RequestTimeout = tt.limit
			s := startClocked(t, w)
			c := over("tcp").open(s.service)
			c.send("GET")
			if tt.alive > 0 {
				s.received(1, 3)
				s.advance(tt.alive)
				s.alive(1, "before its time")
			}
			if tt.ended > 0 {
				s.advance(tt.ended - tt.alive)
				c.expectRefusal(http.StatusRequestTimeout, slow)
			}
		})
	}
}

// collector takes what comes in pieces of its own, as an upload is, and has a
// message after five bytes.
type collector struct{ protocol.Protocol }

func (collector) Input(buf []byte, c protocol.Conn) (int, error) { return 1, nil }

func (k collector) Decode(frame []byte, c protocol.Conn) (any, error) {
	n, _ := c.State().(int)
	c.SetState((n + 1) % 5)
	if n == 4 {
		return []byte("five"), nil
	}
	return nil, protocol.Skip
}

func (collector) Midway(c protocol.Conn) bool { return c.State() != nil && c.State() != 0 }

func (collector) Late(c protocol.Conn) error {
	return &protocol.Reject{Reply: []byte("late"), Why: "late"}
}

func TestMessageTakenInPiecesHasToGoOn(t *testing.T) {
	w := worker.New("tcp://127.0.0.1:0")
	w.Protocol = collector{}
	w.OnMessage = func(c *worker.Connection, data []byte) { c.SendRaw(data) }
	s := startClocked(t, w)
	c := over("tcp").open(s.service)
	c.send("12345")
	c.expect("five")
	s.noTimers("after a whole message")
	c.send("1")
	for n := range uint64(3) {
		s.received(1, 6+n)
		s.advance(40 * time.Second)
		s.alive(1, "while it goes on")
		c.send("2")
	}
	s.received(1, 9)
	s.advance(62 * time.Second)
	c.expect("late")
	c.expectEnd()
}

func TestIdleConnections(t *testing.T) {
	const limit = time.Minute
	serve := func(t *testing.T, o over, limit time.Duration) (clocked, chan *worker.Connection) {
		w := echoing(t, o)
		w.Limits.IdleTimeout = limit
		waiting, answer := make(chan *worker.Connection, 1), w.OnRequest
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			if r.Path() != "/later" {
				answer(c, r)
				return
			}
			waiting <- c
		}
		return startClocked(t, w), waiting
	}
	t.Run("are kept without a limit", func(t *testing.T) {
		s, _ := serve(t, "tcp", 0)
		c := over("tcp").open(s.service)
		c.send(fmt.Sprintf(get, "/"))
		expectAnswer(t, c.r, http.StatusOK, "GET / 0")
		s.advance(24 * time.Hour)
		s.alive(1, "without a limit")
	})
	t.Run("are closed at the limit", func(t *testing.T) {
		overEvery(t, func(t *testing.T, o over) {
			s, _ := serve(t, o, limit)
			c := o.open(s.service)
			for range 5 {
				c.send(fmt.Sprintf(get, "/"))
				expectAnswer(t, c.r, http.StatusOK, "GET / 0")
				s.advance(limit * 3 / 4)
			}
			s.advance(limit)
			c.expectEnd()
		})
	})
	t.Run("are closed before the first request", func(t *testing.T) {
		s, _ := serve(t, "tcp", limit)
		c := over("tcp").open(s.service)
		eventually(t, "connection", func() (in bool) {
			s.do(func() { in = s.w.Connection(1) != nil })
			return in
		})
		s.advance(limit * 3 / 4)
		s.alive(1, "before its time")
		s.advance(limit)
		c.expectEnd()
		s.advance(limit)
		s.noTimers("without connections")
	})
	t.Run("are busy until the answer", func(t *testing.T) {
		s, waiting := serve(t, "tcp", limit)
		c := over("tcp").open(s.service)
		c.send(fmt.Sprintf(get, "/later"))
		conn := await(t, waiting, "request")
		s.advance(time.Hour)
		s.do(func() { conn.Send("late") })
		expectAnswer(t, c.r, http.StatusOK, "late")
		s.advance(limit * 3 / 4)
		s.alive(1, "soon after an answer")
		s.advance(limit)
		c.expectEnd()
	})
}

// End gives a peer that goes on sending more than its second, but not for ever.
func TestLingeringGoesOnWhileThePeerSends(t *testing.T) {
	s := startClocked(t, echoing(t, "tcp"))
	c := over("tcp").open(s.service)
	c.send("nonsense\r\n")
	c.expectRefusal(http.StatusBadRequest, "no request, or an unknown method")
	sent := uint64(len("nonsense\r\n"))
	for range 50 { // 25 s
		c.send(strings.Repeat("x", 100))
		sent += 100
		s.received(1, sent)
		s.advance(time.Second / 2)
	}
	s.do(func() {
		if c := s.w.Connection(1); c == nil || c.Status() != worker.Ending {
			t.Error("closed while the peer sends")
		}
	})
	eventually(t, "end of a connection that always sends", func() (gone bool) {
		_, _ = c.Write([]byte("x")) // an error says that it is over
		s.advance(time.Second / 2)
		s.do(func() { gone = s.w.Connection(1) == nil })
		return gone
	})
}

// A request that comes at the moment when its connection has been idle for too
// long is answered.
func TestRequestAtTheEndOfIdleTimeout(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "http")
		w.Limits.IdleTimeout = time.Hour
		w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send("answer") }
		s := start(t, w)
		c := o.open(s)
		for range 2 {
			s.do(func() {
				if _, err := fmt.Fprintf(c.Conn, get, "/"); err != nil {
					t.Error(err)
				}
				worker.LookIdle(w)
			})
			expectAnswer(t, c.r, http.StatusOK, "answer")
		}
		s.do(func() { worker.LookIdle(w) })
		c.expectEnd()
	})
}
