package worker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

const (
	sessionID = "0123456789abcdef"
	getWith   = "GET %s HTTP/1.1\r\nHost: x\r\nCookie: PHPSID=" + sessionID + "\r\n\r\n"
)

// slowStore is a handler over files whose calls can be held back and made to fail.
type slowStore struct {
	*http1.FileSessions
	hold chan struct{} // nil: nothing is held back; else writes wait for a value
	held chan struct{} // gets one from each write that waits
	fail atomic.Pointer[error]
	boom atomic.Bool
}

func (s *slowStore) Read(ctx context.Context, id string) ([]byte, error) {
	if s.boom.Load() {
		panic("boom in Read")
	}
	return s.FileSessions.Read(ctx, id)
}

func (s *slowStore) Write(ctx context.Context, id string, data []byte, d time.Duration) error {
	if s.hold != nil {
		s.held <- struct{}{}
		<-s.hold
	}
	if err := s.fail.Load(); err != nil {
		return *err
	}
	return s.FileSessions.Write(ctx, id, data, d)
}

// useSessions makes a handler over a folder of the test that of all sessions, with
// {"n":0} stored under sessionID.
func useSessions(t testing.TB) *slowStore {
	t.Helper()
	saved := http1.Sessions
	t.Cleanup(func() { http1.Sessions = saved })
	h := &slowStore{FileSessions: http1.NewFileSessions(filepath.Join(t.TempDir(), "sessions"))}
	h.store(t, `{"n":0}`)
	http1.Sessions.Handler = h
	return h
}

func (s *slowStore) store(t testing.TB, data string) {
	t.Helper()
	err := s.FileSessions.Write(t.Context(), sessionID, []byte(data), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
}

func (s *slowStore) stored(t testing.TB) string {
	t.Helper()
	data, err := s.FileSessions.Read(t.Context(), sessionID)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// count adds one and answers with the sum.
func count(c *worker.Connection, r *http1.Request) {
	s := r.Session()
	s.Set("n", s.Int("n")+1)
	c.Send(fmt.Sprint(s.Int("n")))
}

func TestSessionIsStoredBeforeTheAnswer(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		h := useSessions(t)
		w := o.worker(t, "http")
		w.OnRequest = count
		c := o.open(start(t, w))
		for n := range 100 {
			c.send(fmt.Sprintf(getWith, "/"))
			expectAnswer(t, c.r, http.StatusOK, fmt.Sprint(n+1))
			if got := h.stored(t); got != fmt.Sprintf(`{"n":%d}`, n+1) {
				t.Fatalf("stored %s behind answer %d", got, n+1)
			}
		}
	})
}

func TestSessionOfANewClientIsStoredBeforeTheAnswer(t *testing.T) {
	h := useSessions(t)
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = count
	c := start(t, w).dial()
	for range 500 {
		c.send(fmt.Sprintf(get, "/"))
		response, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		cookies := response.Cookies()
		if len(cookies) != 1 {
			t.Fatalf("cookies %v", cookies)
		}
		data, err := h.FileSessions.Read(t.Context(), cookies[0].Value)
		if err != nil || string(data) != `{"n":1}` {
			t.Fatalf("stored %q, %v", data, err)
		}
	}
}

// Requests of one client at once, some pipelined, some answered later, none lost.
func TestRequestsOfASessionGoOneAfterAnother(t *testing.T) {
	h := useSessions(t)
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		if r.Path() == "/now" {
			count(c, r)
			return
		}
		s := r.Session() // what is changed before the callback returns is stored then
		s.Set("n", s.Int("n")+1)
		worker.Go(c.Context(), func(context.Context) (int, error) { return 0, nil },
			func(int, error) {
				s.Set("late", true)
				c.Send("later")
			})
	}
	s := start(t, w)
	const clients, requests = 10, 10
	var wg sync.WaitGroup
	for range clients {
		c := s.dial()
		wg.Go(func() {
			for range requests / 2 {
				if _, err := fmt.Fprintf(c, getWith+getWith, "/now", "/later"); err != nil {
					t.Error(err)
				}
			}
			for range requests {
				if err := skipAnswer(c.r); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	want := fmt.Sprintf(`{"late":true,"n":%d}`, clients*requests)
	if got := h.stored(t); got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
}

func skipAnswer(r *bufio.Reader) error {
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return err
}

func TestLongPollDoesNotHoldItsSession(t *testing.T) {
	useSessions(t)
	waiting := make(chan *worker.Connection, 1)
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		if r.Path() == "/poll" {
			r.Session().Set("polls", 1)
			waiting <- c
			return
		}
		count(c, r)
	}
	s := start(t, w)
	poll, other := s.dial(), s.dial()
	poll.send(fmt.Sprintf(getWith, "/poll"))
	conn := await(t, waiting, "long poll")
	for n := range 3 {
		other.send(fmt.Sprintf(getWith, "/"))
		expectAnswer(t, other.r, http.StatusOK, fmt.Sprint(n+1))
	}
	s.do(func() { conn.Send("news") })
	expectAnswer(t, poll.r, http.StatusOK, "news")
}

func TestSessionInOnWebSocketConnect(t *testing.T) {
	useSessions(t)
	w := worker.New("websocket://127.0.0.1:0")
	w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
		s := r.Session()
		s.Set("n", s.Int("n")+1)
		if err := s.Save(); err != nil {
			t.Error(err)
		}
		c.Data = s.Int("n")
	}
	w.OnMessage = func(c *worker.Connection, _ []byte) { c.Send(fmt.Sprint(c.Data)) }
	s := start(t, w)
	for n := range 3 {
		c := s.dial()
		c.send("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
			"Cookie: PHPSID=" + sessionID + "\r\n\r\n")
		response, err := http.ReadResponse(c.r, nil)
		if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%v, %v", response, err)
		}
		c.send("\x81\x80\x00\x00\x00\x00")
		c.expect("\x81\x01" + fmt.Sprint(n+1))
	}
}

func TestRehearseRestoresSessions(t *testing.T) {
	saved := http1.Sessions
	_, undo := worker.Rehearse(worker.App{Name: "x", Start: func() {
		http1.Sessions.Name = "other"
		http1.Sessions.Handler = http1.NewFileSessions("/nowhere")
	}})
	undo()
	if http1.Sessions.Name != saved.Name || http1.Sessions.Handler != saved.Handler {
		t.Errorf("Sessions are %+v", http1.Sessions)
	}
}

// A large upload comes in pieces: its session is locked when all of it is there.
func TestSessionOfALargeUpload(t *testing.T) {
	h := useSessions(t)
	saved := http1.MaxUploadMemory
	http1.MaxUploadMemory = 10
	t.Cleanup(func() { http1.MaxUploadMemory = saved })
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		if r.Path() == "/up" {
			r.Session().Set("title", r.Post("title"))
		}
		c.Send(r.Path())
	}
	s := start(t, w)
	c := s.dial()
	const body = "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nlarge\r\n--b--\r\n"
	head := fmt.Sprintf("POST /up HTTP/1.1\r\nHost: x\r\nCookie: PHPSID="+sessionID+"\r\n"+
		"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n", len(body))
	for range 2 {
		c.send(head + body[:30])
		s.do(func() {}) // the head was read
		if unlock, err := h.Lock(t.Context(), sessionID); err != nil {
			t.Error(err)
		} else {
			unlock()
		}
		c.send(body[30:] + fmt.Sprintf(getWith, "/next"))
		expectAnswer(t, c.r, http.StatusOK, "/up")
		if got := h.stored(t); got != `{"n":0,"title":"large"}` {
			t.Errorf("stored %s", got)
		}
		expectAnswer(t, c.r, http.StatusOK, "/next")
	}
}
