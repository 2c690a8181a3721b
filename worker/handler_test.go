package worker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/worker"
)

// serving declares a Worker for a Handler.
func serving(h http.Handler) *worker.Worker {
	w := worker.New("http://127.0.0.1:0")
	w.Handler = h
	return w
}

// browser makes an http client of s, whose connections end with the test.
func (s *service) browser() *http.Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			network := "tcp"
			if strings.HasPrefix(s.addr, "/") {
				network = "unix"
			}
			return new(net.Dialer).DialContext(ctx, network, s.addr)
		},
		TLSClientConfig:   clientTLS(),
		ForceAttemptHTTP2: true,
	}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: deadline}
}

// url is that of path.
func (s *service) url(path string) string {
	if s.secure {
		return "https://localhost" + path
	}
	return "http://localhost" + path
}

// page asks for path and wants status and body.
func (s *service) page(c *http.Client, path string, status int, body string) *http.Response {
	s.t.Helper()
	r, err := c.Get(s.url(path))
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	got, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != status || string(got) != body {
		s.t.Fatalf("%s: status %d, %.99q and %v, want %d and %.99q",
			path, r.StatusCode, got, err, status, body)
	}
	return r
}

func TestHandlerServesRequests(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s over %s", r.PathValue("name"), r.Proto)
	})
	for _, at := range []string{"http://127.0.0.1:0", "http:///unix", "ssl"} {
		t.Run(at, func(t *testing.T) {
			w, proto := worker.New("http://127.0.0.1:0"), "HTTP/1.1"
			switch at {
			case "ssl":
				w, proto = secure(w), "HTTP/2.0"
			case "http:///unix":
				w = worker.New("http://" + t.TempDir() + "/s")
				w.Transport = "unix"
			}
			w.Handler = mux
			events := newEvents()
			w.OnConnect = func(c *worker.Connection) { events.add("connect") }
			w.OnClose = func(c *worker.Connection) {
				events.add("close %v", c.BytesRead > 50 && c.BytesWritten > 50)
			}
			s := start(t, w)
			client := s.browser()
			s.page(client, "/hello/you", 200, "hello you over "+proto)
			s.page(client, "/nothing", 404, "404 page not found\n")
			events.expect(t, "connect")
			client.CloseIdleConnections()
			events.expect(t, "close true")
			if n := s.p.Figures().TotalRequest; n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
		})
	}
}

func TestHandlerPanics(t *testing.T) {
	s := start(t, serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/late":
			w.Write([]byte("begun"))
			w.(http.Flusher).Flush()
			panic("late mistake")
		case "/abort":
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X", "y")
		panic("early mistake")
	})))
	client := s.browser()
	if r := s.page(client, "/", 500, ""); !r.Close || r.Header.Get("X") != "" {
		t.Errorf("header of the answer to a panic: %v", r.Header)
	}
	s.logged("panic in Handler: early mistake\ngoroutine ")
	r, err := client.Get(s.url("/late"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r.Body); err == nil || string(text) != "begun" {
		t.Errorf("after a late panic: %q and %v", text, err)
	}
	r.Body.Close()
	s.logged("panic in Handler: late mistake\ngoroutine ")
	if _, err := client.Get(s.url("/abort")); !errors.Is(err, io.EOF) {
		t.Errorf("after ErrAbortHandler: %v", err)
	}
	if n := s.p.Figures().ThrowException; n != 2 {
		t.Errorf("%d panics counted, want 2", n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) != 2 {
		t.Errorf("log: %q", s.lines)
	}
}

// rows lists what the connections command shows.
func (s *service) rows() (rows []worker.ConnectionInfo) {
	done := make(chan struct{})
	s.loop.Post(func() {
		s.p.List(func(more []worker.ConnectionInfo) bool {
			rows = append(rows, more...)
			if more == nil {
				close(done)
			}
			return true
		})
	})
	await(s.t, done, "the list")
	return rows
}

func TestHandlerRows(t *testing.T) {
	answer := make(chan bool)
	s := start(t, serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/take" {
			conn, _, _ := w.(http.Hijacker).Hijack()
			<-answer
			conn.Close()
			return
		}
		<-answer
	})))
	status := func(want string) {
		t.Helper()
		eventually(t, want, func() bool {
			rows := s.rows()
			return len(rows) == 1 && rows[0].Status == want
		})
	}
	c := s.dial()
	status("NEW")
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	status("ACTIVE")
	answer <- true
	status("IDLE")
	row := s.rows()[0]
	if row.BytesR != 27 || row.BytesW == 0 || row.Foreign != c.LocalAddr().String() ||
		row.Local != s.addr || row.Protocol != "http" || !row.IPv4 {
		t.Errorf("row %+v", row)
	}
	c.send("GET /take HTTP/1.1\r\nHost: a\r\n\r\n")
	status("HIJACKED")
	answer <- true
	eventually(t, "the end of the row", func() bool { return len(s.rows()) == 0 })
}

func TestHandlerConnectionIsClosedByTheLoop(t *testing.T) {
	for name, end := range map[string]func(c *worker.Connection){
		"Close":   func(c *worker.Connection) { c.Close("last") },
		"End":     func(c *worker.Connection) { c.End() },
		"Destroy": func(c *worker.Connection) { c.Destroy() },
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			began := make(chan bool, 1)
			w := serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				began <- true
				<-r.Context().Done()
				ended <- r.Context().Err()
			}))
			events := newEvents()
			w.OnClose = func(c *worker.Connection) { events.add("close") }
			s := start(t, w)
			c := s.dial()
			c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			await(t, began, "request")
			s.do(func() {
				for c := range w.Connections() {
					if err := c.Send("x"); err != worker.ErrClosed {
						t.Errorf("Send: %v", err)
					}
					if err := c.SendRaw([]byte("x")); err != worker.ErrClosed {
						t.Errorf("SendRaw: %v", err)
					}
					end(c)
				}
			})
			events.expect(t, "close")
			await(t, ended, "end of the context")
			c.expectEnd()
		})
	}
}

func TestHandlerAndOnConnect(t *testing.T) {
	w := serving(http.NotFoundHandler())
	w.OnConnect = func(c *worker.Connection) {
		if err := c.Send("x"); err != worker.ErrClosed {
			t.Errorf("Send: %v", err)
		}
		c.Close()
	}
	s := start(t, w)
	s.dial().expectEnd()
}

func TestHandlerIsCancelledWithItsClient(t *testing.T) {
	ended := make(chan bool, 1)
	s := start(t, serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		ended <- true
	})))
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	eventually(t, "the request", func() bool { return s.p.Figures().TotalRequest == 1 })
	c.Close()
	await(t, ended, "end of the context")
	eventually(t, "the end of the row", func() bool { return len(s.rows()) == 0 })
}

// A process that runs out of descriptors between accepting and handing over
// loses that client, and lets the next ones wait.
func TestHandlerWithoutDescriptors(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	w := serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	w.OnConnect = func(c *worker.Connection) {
		low := limit
		if c.ID == 1 {
			low.Cur = 3 // below what is open: no new one
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
			t.Error(err)
		}
	}
	s := start(t, w)
	first := s.dial()
	s.logged("accept: too many open files; trying again in 1s")
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	first.expectEnd()
	second := s.dial()
	second.send(anyRequest)
	second.whole()
	if len(s.lines) != 1 {
		t.Errorf("log: %q", s.lines)
	}
}
