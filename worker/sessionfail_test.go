package worker_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// While a store takes its time, or fails, the loop serves everybody else.
func TestStoreThatHangsAndFails(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		h := useSessions(t)
		h.hold, h.held = make(chan struct{}), make(chan struct{}, 8)
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			if r.Path() == "/page" {
				c.Send("page")
				return
			}
			count(c, r)
		}
		failed := make(chan error, 1)
		w.OnError = func(_ *worker.Connection, code worker.ErrorCode, err error) {
			if code != worker.SendFail {
				t.Errorf("code %v", code)
			}
			failed <- err
		}
		s := start(t, w)
		waits, other := o.open(s), o.open(s)
		waits.send(fmt.Sprintf(getWith, "/"))
		await(t, h.held, "write")
		for range 10 {
			other.send(fmt.Sprintf(get, "/page"))
			expectAnswer(t, other.r, http.StatusOK, "page")
		}
		h.hold <- struct{}{}
		expectAnswer(t, waits.r, http.StatusOK, "1")

		broken := errors.New("no space left on the device")
		h.fail.Store(&broken)
		waits.send(fmt.Sprintf(getWith, "/"))
		await(t, h.held, "write")
		h.hold <- struct{}{}
		waits.expectCut()
		if err := await(t, failed, "OnError"); !errors.Is(err, broken) {
			t.Errorf("OnError with %v", err)
		}
		s.logged("closed without its answer: session 01234567... is not stored: no space")
		eventually(t, "send_fail", func() bool { return s.p.Figures().SendFail == 1 })
		other.send(fmt.Sprintf(getWith, "/page"))
		expectAnswer(t, other.r, http.StatusOK, "page")
	})
}

func TestHandlerThatPanicsEndsTheConnection(t *testing.T) {
	h := useSessions(t)
	h.boom.Store(true)
	http1.Sessions.LockTimeout = time.Minute
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = count
	s := start(t, w)
	c := s.dial()
	c.send(fmt.Sprintf(getWith, "/"))
	c.expectEnd()
	s.logged("boom in Read")
	h.boom.Store(false)
	c = s.dial()
	c.send(fmt.Sprintf(getWith, "/"))
	expectAnswer(t, c.r, http.StatusOK, "1")
}

func TestPanickingCallbackStoresAndUnlocksItsSession(t *testing.T) {
	h := useSessions(t)
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		r.Session().Set("n", 7)
		panic("boom")
	}
	s := start(t, w)
	for range 2 {
		c := s.dial()
		c.send(fmt.Sprintf(getWith, "/"))
		expectAnswer(t, c.r, http.StatusInternalServerError, "the server failed\n")
		c.expectEnd()
		if got := h.stored(t); got != `{"n":7}` {
			t.Errorf("stored %s", got)
		}
	}
}

func TestUnreadableSessionIsAnswered500(t *testing.T) {
	useSessions(t)
	http1.Sessions.Handler = http1.NewFileSessions("/proc/nowhere/sessions")
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		if r.Path() == "/page" {
			c.Send("page")
			return
		}
		count(c, r)
	}
	s := start(t, w)
	c := s.dial()
	c.send(fmt.Sprintf(getWith+getWith, "/page", "/"))
	expectAnswer(t, c.r, http.StatusOK, "page")
	expectAnswer(t, c.r, http.StatusInternalServerError, "the server failed\n")
	s.logged("sessions fail: session 01234567...: " +
		"session folder /proc/nowhere/sessions: no such file")
}

// A store that is down gets a few lines in the log and not a stack for each request.
func TestManySessionFailuresAreFewLines(t *testing.T) {
	useSessions(t)
	http1.Sessions.Handler = http1.NewFileSessions("/proc/nowhere/sessions")
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		defer func() {
			e := recover()
			var gone *http1.SessionUnavailable
			if err, ok := e.(error); !ok || !errors.As(err, &gone) || gone.Err == nil {
				t.Errorf("panic of %T: %v", e, e)
			}
			panic(e)
		}()
		count(c, r)
	}
	s := start(t, w)
	const requests = 200
	for range requests {
		c := s.dial()
		c.send(fmt.Sprintf(getWith, "/"))
		expectAnswer(t, c.r, http.StatusInternalServerError, "the server failed\n")
	}
	if got := s.p.Figures().ThrowException; got != requests {
		t.Errorf("throw_exception %d, want %d", got, requests)
	}
	var lines []string
	eventually(t, "a count of all failures", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		lines = strings.Split(strings.Join(s.lines, "\n"), "\n")
		return failuresTold(lines) == requests
	})
	if len(lines) > requests/4 { // it depends on how long they took
		t.Errorf("%d lines for %d failures: %q", len(lines), requests, lines)
	}
}

// failuresTold is how many failures of sessions lines of the log are about.
func failuresTold(lines []string) (told int) {
	for _, line := range lines {
		n := 1
		fmt.Sscanf(line, "sessions fail: %d more times, the last: ", &n)
		told += n
	}
	return told
}

// So does one whose failures end connections, and what is not told yet is told at the end.
func TestFailuresToStoreAreFewLines(t *testing.T) {
	h := useSessions(t)
	broken := errors.New("no space left on the device")
	h.fail.Store(&broken)
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = count
	s := start(t, w)
	for range 5 {
		c := s.dial()
		c.send(fmt.Sprintf(get, "/"))
		c.expectEnd()
	}
	s.drain(false)
	await(t, s.gone, "gone")
	s.mu.Lock()
	defer s.mu.Unlock()
	// One more line for each second that they took.
	if n := len(s.lines); n < 4 || n > 5 || failuresTold(s.lines) != 5 ||
		!strings.Contains(s.lines[3], " more times, the last: conn") {
		t.Errorf("%d lines: %q", n, s.lines)
	}
}

// Who leaves while waiting for a session, using it, or after changing it, leaves nothing
// locked, and what was changed is kept.
func TestClientsThatLeaveReleaseTheirSessions(t *testing.T) {
	h := useSessions(t)
	http1.Sessions.LockTimeout = 2 * deadline
	conns := make(chan *worker.Connection, 8)
	w := worker.New("http://127.0.0.1:0")
	w.OnConnect = func(c *worker.Connection) { conns <- c }
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		if r.Path() == "/destroy" {
			r.Session().Set("destroyed", true)
			c.Destroy()
			return
		}
		count(c, r)
	}
	s := start(t, w)
	lock, err := h.Lock(t.Context(), sessionID)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c := s.dial()
		conn := await(t, conns, "connection")
		c.send(fmt.Sprintf(getWith, "/"))
		eventually(t, "a request that waits", func() bool {
			waiting := ""
			s.do(func() { waiting = s.p.Waiting() })
			return strings.Contains(waiting, "worker.Go")
		})
		s.do(conn.Destroy)
	}
	lock()
	c := s.dial()
	c.send(fmt.Sprintf(getWith, "/destroy"))
	c.expectEnd()
	c = s.dial()
	c.send(fmt.Sprintf(getWith, "/"))
	expectAnswer(t, c.r, http.StatusOK, "1")
	if got, want := h.stored(t), `{"destroyed":true,"n":1}`; got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
}

func TestDrainWaitsForSessions(t *testing.T) {
	h := useSessions(t)
	h.hold, h.held = make(chan struct{}), make(chan struct{}, 1)
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = count
	s := start(t, w)
	c := s.dial()
	c.send(fmt.Sprintf(getWith, "/"))
	await(t, h.held, "write")
	s.do(func() { s.p.Drain(false) })
	s.do(func() {
		if got := s.p.Waiting(); !strings.Contains(got, "1 connection") {
			t.Errorf("waiting for %s", got)
		}
	})
	h.hold <- struct{}{}
	expectAnswer(t, c.r, http.StatusOK, "1")
	c.expectEnd()
	await(t, s.gone, "the end of the drain")
	if got := h.stored(t); got != `{"n":1}` {
		t.Errorf("stored %s", got)
	}
}

// brokenGC is a store of an author whose GC panics.
type brokenGC struct{ http1.SessionHandler }

func (brokenGC) GC(context.Context) error { panic("no collector") }

func TestPanicInGCOfSessionsIsLogged(t *testing.T) {
	h := useSessions(t)
	http1.Sessions.Handler = brokenGC{h}
	http1.Sessions.GCProbability, http1.Sessions.GCDivisor = 1, 1
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = count
	s := start(t, w)
	c := s.dial()
	c.send(fmt.Sprintf(getWith, "/"))
	expectAnswer(t, c.r, http.StatusOK, "1")
	s.logged("no collector")
	c.send(fmt.Sprintf(getWith, "/"))
	expectAnswer(t, c.r, http.StatusOK, "2")
}
