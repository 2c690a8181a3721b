package worker_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// echoing answers each request with its method, its URI and the length of its body.
func echoing(t testing.TB, o over) *worker.Worker {
	t.Helper()
	w := o.worker(t, "http")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		c.Send(fmt.Sprintf("%s %s %d", r.Method(), r.URI(), len(r.RawBody())))
	}
	return w
}

// expectRefusal reads an answer with this status that says why, and the end.
func (c *wire) expectRefusal(status int, why string) {
	c.t.Helper()
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || !response.Close ||
		strings.TrimSuffix(string(body), "\n") != why || response.Header.Get("Date") == "" {
		c.t.Errorf("%+v, body %q, %v; want status %d, closing, with a date, because of %q",
			response, body, err, status, why)
	}
	c.expectEnd()
}

// The peer writes 20 MiB before it reads, and must not be reset meanwhile.
func TestRefusalArrivesAlthoughTheBodyIsStillComing(t *testing.T) {
	const (
		size  = 20 << 20
		large = "request above the maximum package size"
	)
	tests := []struct {
		name, head, piece string
		status            int
		why               string
	}{
		{"announced", fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size),
			strings.Repeat("x", 1<<20), http.StatusRequestEntityTooLarge, large},
		{"chunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
			"100000\r\n" + strings.Repeat("x", 1<<20) + "\r\n",
			http.StatusRequestEntityTooLarge, large},
		{"malformed", "POST / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
			strings.Repeat("x", 1<<20), http.StatusBadRequest, "malformed header line"},
		{"endless head", "POST / HTTP/1.1\r\nHost: x\r\n",
			strings.Repeat("X: "+strings.Repeat("y", 1019)+"\r\n", 1<<10),
			http.StatusRequestHeaderFieldsTooLarge, "headers of more than 16 KiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			overEvery(t, func(t *testing.T, o over) {
				c := o.open(start(t, echoing(t, o)))
				c.send(tt.head)
				for n := 0; n < size; n += len(tt.piece) {
					c.send(tt.piece)
				}
				c.expectRefusal(tt.status, tt.why)
			})
		})
	}
}

func TestRefusalComesBehindTheAnswersBeforeIt(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		c := o.open(start(t, echoing(t, o)))
		c.send(fmt.Sprintf(get+get, "/1", "/2") + "GET / HTTP/2.0\r\n\r\n" + fmt.Sprintf(get, "/3"))
		expectAnswer(t, c.r, http.StatusOK, "GET /1 0")
		expectAnswer(t, c.r, http.StatusOK, "GET /2 0")
		c.expectRefusal(http.StatusBadRequest, "HTTP version other than 1.0 to 1.9")
	})
}

// Requests of every kind in a row, whole and byte by byte.
func TestPipelinedRequestsAreAnsweredInOrderOverEveryTransport(t *testing.T) {
	const wire = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n" +
		"POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" +
		"\r\nPUT /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"2;x\r\nhe\r\n3\r\nllo\r\n0\r\nSum: 1\r\n\r\n" +
		"GET http://x/4?a HTTP/1.1\r\nHost: x\r\n\r\n" +
		"GET /5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" +
		"DELETE /6 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	want := []string{"GET /1 0", "POST /2 5", "PUT /3 5", "GET /4?a 0", "GET /5 0", "DELETE /6 0"}
	overEvery(t, func(t *testing.T, o over) {
		s := start(t, echoing(t, o))
		whole := wire + fmt.Sprintf(get, "/never") // is discarded
		for size, wire := range map[int]string{1: wire, 7: wire, len(whole): whole} {
			c := o.open(s)
			for rest := wire; rest != ""; {
				n := min(size, len(rest))
				c.send(rest[:n])
				rest = rest[n:]
			}
			for _, body := range want {
				expectAnswer(t, c.r, http.StatusOK, body)
			}
			c.expectEnd()
		}
	})
}

func TestConnectionsOfHTTP10(t *testing.T) {
	s := start(t, echoing(t, "tcp"))
	c := s.dial()
	c.send("GET /a HTTP/1.0\r\n\r\n")
	expectAnswer(t, c.r, http.StatusOK, "GET /a 0")
	c.expectEnd()
	c = s.dial()
	for range 2 {
		c.send("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
		expectAnswer(t, c.r, http.StatusOK, "GET /a 0")
	}
}

func TestAnswerToHeadHasNoBody(t *testing.T) {
	c := start(t, echoing(t, "tcp")).dial()
	c.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + fmt.Sprintf(get, "/b"))
	response, err := http.ReadResponse(c.r, &http.Request{Method: http.MethodHead})
	if err != nil || response.ContentLength != int64(len("HEAD /a 0")) {
		t.Fatalf("answer %+v, %v", response, err)
	}
	expectAnswer(t, c.r, http.StatusOK, "GET /b 0")
}

func TestExpectContinueOverEveryTransport(t *testing.T) {
	const (
		expect = "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		goOn   = "HTTP/1.1 100 Continue\r\n\r\n"
	)
	overEvery(t, func(t *testing.T, o over) {
		s := start(t, echoing(t, o))
		c := o.open(s)
		c.send(fmt.Sprintf(get, "/before") + expect + "Content-Length: 5\r\n\r\n")
		expectAnswer(t, c.r, http.StatusOK, "GET /before 0")
		c.expect(goOn)
		c.send("hello")
		expectAnswer(t, c.r, http.StatusOK, "POST /a 5")
		c.send(expect + "Transfer-Encoding: chunked\r\n\r\n")
		c.expect(goOn)
		c.send("1\r\nx\r\n0\r\n\r\n")
		expectAnswer(t, c.r, http.StatusOK, "POST /a 1")
		c.send(expect + "Content-Length: 5\r\n\r\nhello") // did not wait
		expectAnswer(t, c.r, http.StatusOK, "POST /a 5")
		c.send(expect + "\r\n") // has nothing to wait for
		expectAnswer(t, c.r, http.StatusOK, "POST /a 0")
		c.send(expect + "Content-Length: 20971520\r\n\r\n")
		c.expectRefusal(http.StatusRequestEntityTooLarge, "request above the maximum package size")
	})
}

// Who speaks something else gets a clear end at once.
func TestOtherProtocolsGetAClearEnd(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		c := o.open(start(t, echoing(t, o)))
		c.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		c.expectRefusal(http.StatusBadRequest, "HTTP version other than 1.0 to 1.9")
	})
	s := start(t, echoing(t, "tcp"))
	c := s.dial()
	if err := tls.Client(c, clientTLS()).Handshake(); err == nil {
		t.Error("a TLS handshake on a plain port succeeded")
	} else if !strings.Contains(err.Error(), "first record does not look like a TLS handshake") {
		t.Errorf("a TLS client got %v, want an answer that is no TLS", err)
	}
}

// curl announces a large body and waits a second for the 100, or for the 413.
func TestCurlUploads(t *testing.T) {
	path, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	s := start(t, echoing(t, "tcp"))
	for size, want := range map[int64]string{
		2 << 20:  fmt.Sprintf("200 POST /up %d", 2<<20),
		20 << 20: "413 request above the maximum package size",
	} {
		file := filepath.Join(t.TempDir(), "upload")
		if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{}, {"-H", "Expect:"}, {"-H", "Transfer-Encoding: chunked"}, {"--http1.0"},
		} {
			args = append(args, "--disable", "--silent", "--show-error", "--noproxy", "*",
				"--max-time", "10", "--output", "-", "--write-out", "\n%{http_code}",
				"--data-binary", "@"+file, "http://"+s.addr+"/up")
			out, err := exec.Command(path, args...).CombinedOutput()
			lines := strings.Fields(string(out))
			if err != nil || len(lines) == 0 {
				t.Fatalf("curl %q: %v\n%s", args, err, out)
			}
			code := lines[len(lines)-1]
			body := strings.TrimSpace(strings.TrimSuffix(string(out), code))
			if got := code + " " + body; got != want {
				t.Errorf("curl %q: %s, want %s", args, got, want)
			}
		}
	}
}
