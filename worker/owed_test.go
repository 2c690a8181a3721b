package worker_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

const get = "GET %s HTTP/1.1\r\nHost: x\r\n\r\n"

func TestPanickingRequestIsAnsweredAndEndsItsConnection(t *testing.T) {
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		if r.Path() == "/panic" {
			panic("boom")
		}
		c.Send("answer of " + r.Path())
	}
	s := start(t, w)
	c := s.dial()
	c.send(fmt.Sprintf(get+get+get, "/first", "/panic", "/second"))
	for _, want := range []int{http.StatusOK, http.StatusInternalServerError} {
		response, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != want || strings.Contains(string(body), "second") {
			t.Errorf("status %d, body %q, want status %d", response.StatusCode, body, want)
		}
	}
	c.expectEnd()
	s.logged("panic in OnRequest")
}

// The next request is delivered when the last was answered, however late, so
// that no answer can be taken for that of another.
func TestLateAnswersAreThoseOfTheirRequests(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			if r.Path() == "/now" {
				c.Send(r.URI())
				return
			}
			worker.Go(c.Context(), func(context.Context) (int, error) { return 0, nil },
				func(int, error) { c.Send(r.URI()) })
		}
		s := start(t, w)
		c := o.open(s)
		targets := []string{"/later?1", "/now?2", "/later?3", "/later?4", "/now?5", "/now?6"}
		for _, target := range targets {
			c.send(fmt.Sprintf(get, target))
		}
		for _, want := range targets {
			expectAnswer(t, c.r, http.StatusOK, want)
		}
	})
}

// What SendRaw says is no answer, and the connection goes on.
func TestRawAnswersPayWhatIsOwed(t *testing.T) {
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		c.SendRaw([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nraw"))
	}
	c := start(t, w).dial()
	for range 3 {
		c.send(fmt.Sprintf(get, "/"))
		expectAnswer(t, c.r, http.StatusOK, "raw")
	}
}

func expectAnswer(t testing.TB, r *bufio.Reader, status int, body string) {
	t.Helper()
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || string(got) != body {
		t.Errorf("answer %d %.80q, %v, want %d %.80q", response.StatusCode, got, err, status, body)
	}
}

// Requests behind a slow reader wait in the kernel instead of losing answers.
func TestPipelinedAnswersAreNeverLost(t *testing.T) {
	const requests, size = 40, 600 << 10
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		c.Send(r.Path() + strings.Repeat("x", size))
	}
	s := start(t, w)
	c := s.dial()
	for n := range requests {
		c.send(fmt.Sprintf(get, fmt.Sprintf("/%d", n)))
	}
	for n := range requests {
		response, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", n, err)
		}
		body, err := io.ReadAll(response.Body)
		if want := fmt.Sprintf("/%dx", n); err != nil || !strings.HasPrefix(string(body), want) {
			t.Fatalf("answer %d: %.20q, %v, want %s", n, body, err, want)
		}
	}
	if got := s.p.Figures().SendFail; got != 0 {
		t.Errorf("send_fail %d, want 0", got)
	}
}

// An answer that is refused ends the connection behind those before it.
func TestRefusedAnswerEndsTheConnection(t *testing.T) {
	w := worker.New("http://127.0.0.1:0")
	waiting := make(chan *worker.Connection, 8)
	w.OnRequest = func(c *worker.Connection, r *http1.Request) { waiting <- c }
	s := start(t, w)
	c := s.dial()
	c.send(fmt.Sprintf(get, "/"))
	conn := await(t, waiting, "request")
	s.do(func() {
		conn.SendRaw(bytes.Repeat([]byte{'x'}, 64<<20))
		conn.Flush()
		if err := conn.Send("answer"); err != worker.ErrBufferFull {
			t.Errorf("Send behind the backlog: %v, want ErrBufferFull", err)
		}
	})
	n, err := io.Copy(io.Discard, c.r)
	if n != 64<<20 || err != nil {
		t.Errorf("%d bytes and %v, want what was sent before and the end", n, err)
	}
}

// A message that is refused before a dialled connection stands is no answer: the
// connection goes on.
func TestRefusedMessageBeforeTheConnectionStands(t *testing.T) {
	addr := peer(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://"+addr, func(o *outgoing) {
		o.OnBufferFull, o.OnBufferDrain, o.OnError = nil, nil, nil
		o.SetProtocol(http1.Protocol)
		o.MaxSendBufferSize = 1
		if err := o.SendRaw([]byte("early")); err != nil {
			t.Error(err)
		}
		err := o.SendRaw([]byte("refused"))
		if err != worker.ErrBufferFull || o.Status() != worker.Initial {
			t.Errorf("Send: %v, then %v", err, o.Status())
		}
	})
	o.expect(t, "connect")
	o.do(func() { o.Destroy() })
}
