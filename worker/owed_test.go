package worker_test

import (
	"bufio"
	"fmt"
	"io"
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

// While one waits for its answer, a panic in the next cannot be told to the
// peer: it would be taken for the answer of the first.
func TestPanicBehindAnUnansweredRequestEndsTheConnection(t *testing.T) {
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		if r.Path() == "/panic" {
			panic("boom")
		}
	}
	s := start(t, w)
	c := s.dial()
	c.send(fmt.Sprintf(get+get, "/later", "/panic"))
	c.expectEnd()
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
	for range 3 {
		c.send(fmt.Sprintf(get, "/"))
	}
	conn := await(t, waiting, "request")
	await(t, waiting, "request")
	await(t, waiting, "request")
	s.do(func() {
		for n := range 3 {
			conn.Send(fmt.Sprint(n) + strings.Repeat("x", 8<<20))
		}
	})
	r := bufio.NewReaderSize(c.r, 1<<20)
	answers := 0
	for ; ; answers++ {
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || body[0] != byte('0'+answers) {
			t.Fatalf("answer %d: %.9q, %v", answers, body, err)
		}
	}
	if answers == 0 || answers == 3 {
		t.Errorf("%d answers came, want those before the refused one", answers)
	}
}
