package worker_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// hungStore takes changes, but reads wait until the test ends, or saves do.
type hungStore struct {
	http1.SessionHandler
	reads, writes chan struct{} // nil: not
	hung          atomic.Int64
}

func (s *hungStore) hang(until chan struct{}) {
	if until != nil {
		s.hung.Add(1)
		<-until
	}
}

func (s *hungStore) Lock(context.Context, string) (func(), error) { return func() {}, nil }

func (s *hungStore) Read(context.Context, string) ([]byte, error) {
	s.hang(s.reads)
	return nil, nil
}

func (s *hungStore) Write(context.Context, string, []byte, time.Duration) error {
	s.hang(s.writes)
	return nil
}

// However many requests a store keeps waiting, uploads and the author's work go on, and
// what does not ask the store in the same way.
func TestStoreThatHangsLeavesRoom(t *testing.T) {
	const places, requests = 1024, 1100
	form := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n" +
		strings.Repeat("x", 1000) + "\r\n--b--\r\n"
	upload := fmt.Sprintf("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n"+
		"Content-Type: multipart/form-data; boundary=b\r\n\r\n%s", len(form), form)
	for _, what := range []string{"reads", "writes"} {
		t.Run(what, func(t *testing.T) {
			useSessions(t)
			h := &hungStore{SessionHandler: http1.Sessions.Handler}
			release := make(chan struct{})
			http1.Sessions.Handler = h
			http1.Sessions.LockTimeout = time.Hour
			limit := http1.MaxUploadMemory
			t.Cleanup(func() { http1.MaxUploadMemory = limit })
			http1.MaxUploadMemory = 100
			w := worker.New("http://127.0.0.1:0")
			w.OnRequest = func(c *worker.Connection, r *http1.Request) {
				if r.Path() == "/upload" {
					c.Send(fmt.Sprint(r.File("f").Size))
					return
				}
				count(c, r)
			}
			s := start(t, w)
			t.Cleanup(func() { close(release) })
			s.do(func() {
				if what == "reads" {
					h.reads = release
				} else {
					h.writes = release
				}
			})
			for n := range requests {
				lines := ""
				if what == "reads" {
					lines = fmt.Sprintf("Cookie: PHPSID=session-number-%d\r\n", n)
				}
				s.dial().send("GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n")
			}
			eventually(t, "a store that has to do", func() bool { return h.hung.Load() == places })

			c := s.dial()
			c.send(upload)
			expectAnswer(t, c.r, http.StatusOK, "1000")
			worked := make(chan int, 1)
			worker.Go(t.Context(), func(context.Context) (int, error) { return 7, nil },
				func(n int, _ error) { worked <- n })
			await(t, worked, "worker.Go")
			if what == "reads" {
				c.send(fmt.Sprintf(get, "/")) // a new session
				expectAnswer(t, c.r, http.StatusOK, "1")
			}
		})
	}
}

// A request that has waited for a place as long as it may for its session is not begun.
func TestRequestsThatWaitForAPlaceFailInTime(t *testing.T) {
	const places, requests = 1024, 1030
	useSessions(t)
	h := &hungStore{SessionHandler: http1.Sessions.Handler, reads: make(chan struct{})}
	http1.Sessions.Handler = h
	http1.Sessions.LockTimeout = time.Second
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = count
	s := start(t, w)
	var last *client
	for n := range requests {
		last = s.dial()
		id := fmt.Sprintf("session-number-%d", n)
		last.send("GET / HTTP/1.1\r\nHost: h\r\nCookie: PHPSID=" + id + "\r\n\r\n")
	}
	eventually(t, "a store that has to do", func() bool { return h.hung.Load() == places })
	eventually(t, "requests that wait for a place", func() (all bool) {
		s.do(func() { all = w.Connection(requests) != nil && w.Connection(requests).BytesRead > 0 })
		return all
	})
	first := time.Now()
	eventually(t, "the time of all", func() bool { return time.Since(first) > time.Second })
	close(h.reads)
	expectAnswer(t, last.r, http.StatusInternalServerError, "the server failed\n")
	if n := h.hung.Load(); n != places {
		t.Errorf("%d reads, want %d", n, places)
	}
	s.logged("sessions fail: session session-...: no turn within 1s (Sessions.LockTimeout)")
}
