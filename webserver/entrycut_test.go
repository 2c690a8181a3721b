package webserver

import (
	"bufio"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// cut answers in ways that break off.
func cut(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/short", "/short/late":
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "part")
		if r.URL.Path == "/short/late" {
			w.(http.Flusher).Flush()
		}
	case "/abort":
		io.WriteString(w, "part")
		panic(http.ErrAbortHandler)
	}
}

// What a handler of net/http cannot finish must not look whole: a proxy, or
// http.ServeContent on a disk that fails, says how much there is and then stops.
func TestAnAnswerBelowItsContentLengthIsNoAnswer(t *testing.T) {
	s := withEntry(t, cut)
	addr := s.Addr("WebServer")
	get(t, addr, "/short").want(t, 500, "*")
	s.ExpectLog("less than its Content-Length")
	r := request(t, addr, "HEAD", "/short")
	r.want(t, 200, "")
	r.header(t, "Content-Length", "100")

	conn := dial(t, addr)
	defer conn.Close()
	io.WriteString(conn, "GET /short/late HTTP/1.1\r\nHost: a\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	if body, err := io.ReadAll(response.Body); err != io.ErrUnexpectedEOF {
		t.Errorf("read %q, %v, want it to be cut off", body, err)
	}
}

func TestAnAnswerAboveItsContentLengthIsRefused(t *testing.T) {
	errs := make(chan error, 2)
	addr := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "3")
		_, err := io.WriteString(w, "abc")
		errs <- err
		_, err = io.WriteString(w, "d")
		errs <- err
	}).Addr("WebServer")
	get(t, addr, "/x").want(t, 200, "abc")
	if first, second := <-errs, <-errs; first != nil || second != http.ErrContentLength {
		t.Errorf("Write: %v, then %v", first, second)
	}
}

func TestAnAbortedEntryEndsTheConnection(t *testing.T) {
	s := withEntry(t, cut)
	conn := dial(t, s.Addr("WebServer"))
	defer conn.Close()
	io.WriteString(conn, "GET /abort HTTP/1.1\r\nHost: a\r\n\r\n")
	if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
		t.Errorf("read %q, %v, want the end", got, err)
	}
	s.Do("WebServer", func(*worker.Worker) {
		if n := worker.Stats().ThrowException; n != 0 {
			t.Errorf("%d panics counted", n)
		}
	})
}

func TestAProxyAsEntryPassesOnThatItsAnswerBrokeOff(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "part")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer backend.Close()
	to, err := url.Parse(backend.URL)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	conn := dial(t, withEntry(t, proxy.ServeHTTP).Addr("WebServer"))
	defer conn.Close()
	io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	if body, err := io.ReadAll(response.Body); err != io.ErrUnexpectedEOF {
		t.Errorf("read %q, %v, want it to be cut off", body, err)
	}
}

// turn returns when the loop has done what was posted before.
func turn() {
	done := make(chan struct{})
	worker.Post(func() { close(done) })
	<-done
}

// The first answer has no body, and its end must not end the second one.
func TestFlushOfAnAnswerWithoutABody(t *testing.T) {
	returned, second := make(chan struct{}), make(chan struct{})
	addr := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none" {
			defer close(returned)
			w.WriteHeader(http.StatusNoContent)
			w.(http.Flusher).Flush()
			for range 100 {
				select {
				case <-second:
					return
				default:
					turn()
				}
			}
			return
		}
		io.WriteString(w, "begun ")
		w.(http.Flusher).Flush()
		close(second)
		<-returned
		turn()
		turn()
		io.WriteString(w, "whole")
	}).Addr("WebServer")
	conn := dial(t, addr)
	defer conn.Close()
	io.WriteString(conn, "GET /none HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n")
	in := bufio.NewReader(conn)
	read(t, in, "GET").want(t, 204, "")
	read(t, in, "GET").want(t, 200, "begun whole")
}

func TestAClientThatReadsNothingIsCutOff(t *testing.T) {
	ended := make(chan error)
	s := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		for piece := make([]byte, maxPiece); ; {
			if _, err := w.Write(piece); err != nil {
				ended <- err
				return
			}
		}
	}, func(s *WebServer) { s.Limits.RequestTimeout = 200 * time.Millisecond })
	conn := dial(t, s.Addr("WebServer"))
	defer conn.Close()
	io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
	select {
	case err := <-ended:
		if err != errGone {
			t.Errorf("Write: %v, want %v", err, errGone)
		}
	case <-time.After(10 * time.Second):
		t.Error("the entry still waits")
		conn.Close()
		<-ended
	}
}
