package worker_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

func TestHandlerIsARouter(t *testing.T) {
	r := chi.NewRouter()
	r.Use(middleware.RequestID, middleware.Recoverer, middleware.Compress(5))
	r.Route("/users", func(r chi.Router) {
		r.Get("/{id}", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "user %s", chi.URLParam(r, "id"))
		})
	})
	w := worker.New("http://127.0.0.1:0")
	w.OnWorkerStart = func(w *worker.Worker) error { // where its database would be opened
		w.Handler = r
		return nil
	}
	s := start(t, w)
	s.page(s.browser(), "/users/7", 200, "user 7")
}

// OnRequest has seven methods, a Handler those of net/http.
func TestHandlerHasAllMethods(t *testing.T) {
	c := start(t, serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Method)
	}))).dial()
	for _, method := range []string{"GET", "PROPFIND", "TRACE", "get"} {
		c.send(method + " / HTTP/1.1\r\nHost: h\r\n\r\n")
		expectAnswer(t, c.r, http.StatusOK, method)
	}
}

func TestHandlerMovesMuch(t *testing.T) {
	const size = 4 << 20
	file := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(file, pattern(size), 0o600); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir(filepath.Dir(file))))
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		fmt.Fprint(w, bytes.Equal(got, pattern(size)), err)
	})
	for _, tls := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", tls), func(t *testing.T) {
			w := serving(mux)
			if tls {
				w = secure(w)
			}
			s := start(t, w)
			client := s.browser()
			s.page(client, "/big", 200, string(pattern(size)))
			r, err := client.Post(s.url("/"), "text/plain", bytes.NewReader(pattern(size)))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			if got, _ := io.ReadAll(r.Body); string(got) != "true <nil>" {
				t.Errorf("upload: %s", got)
			}
			s.do(func() {
				for c := range w.Connections() {
					if c.BytesRead < size || c.BytesWritten < size {
						t.Errorf("%d bytes read, %d written", c.BytesRead, c.BytesWritten)
					}
				}
			})
		})
	}
}

// whence is a file that notes who reads it.
type whence struct {
	*strings.Reader
	stack []byte
}

func (f *whence) Read(p []byte) (int, error) {
	f.stack = debug.Stack()
	return f.Reader.Read(p)
}

// Files are read by the TCPConn at last, which leaves it to the kernel where it
// can: nothing on the way to it may hide its ReadFrom.
func TestHandlerLetsTheKernelSendFiles(t *testing.T) {
	file := &whence{Reader: strings.NewReader(string(pattern(1 << 20)))}
	done := make(chan bool, 1)
	s := start(t, serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "file.txt", time.Time{}, file)
		done <- true
	})))
	s.page(s.browser(), "/", 200, string(pattern(1<<20)))
	await(t, done, "end of the Handler")
	if !bytes.Contains(file.stack, []byte("net.(*TCPConn).ReadFrom")) {
		t.Errorf("the file is read by\n%s", file.stack)
	}
}

func TestHandlerHasLimits(t *testing.T) {
	release := make(chan bool)
	w := serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release }))
	w.Limits.Connections, w.Limits.ConnectionsPerIP = 3, 2
	s := start(t, w)
	first, second := s.dial(), s.dial()
	first.send(anyRequest)
	second.send(anyRequest)
	s.dial().expectEnd()
	await(t, release2(release), "handlers")
	first.answer()
	second.answer()
	first.Close()
	eventually(t, "the end of the row", func() bool { return len(s.rows()) == 1 })
	third := s.dial()
	third.send(anyRequest)
	release <- true
	third.answer()
}

// release2 lets two handlers go.
func release2(release chan bool) chan bool {
	done := make(chan bool, 1)
	go func() {
		release <- true
		release <- true
		done <- true
	}()
	return done
}

func TestHandlerBehindAProxy(t *testing.T) {
	const from = "192.0.2.7:4711"
	for _, version := range []byte{1, 2} {
		for _, tls := range []bool{false, true} {
			t.Run(fmt.Sprintf("version %d, tls %v", version, tls), func(t *testing.T) {
				events := newEvents()
				w := serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.WriteString(w, r.RemoteAddr)
				}))
				if tls {
					w = secure(w)
				}
				w.Limits.TrustedProxies = []string{"127.0.0.1"}
				w.OnConnect = func(c *worker.Connection) { events.add("connect %s", c.RemoteIP()) }
				s := start(t, w)
				conn := s.dial()
				conn.send(header(t, version, from, "10.0.0.1:80"))
				client := &http.Client{Transport: oneConnection(conn.TCPConn, tls), Timeout: deadline}
				s.page(client, "/", 200, from)
				events.expect(t, "connect 192.0.2.7")
				if rows := s.rows(); len(rows) != 1 || rows[0].Foreign != from {
					t.Errorf("rows %+v", rows)
				}
			})
		}
	}
	t.Run("all at once", func(t *testing.T) {
		w := serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
		w.Limits.TrustedProxies = []string{"127.0.0.1"}
		c := start(t, w).dial()
		c.send(header(t, 1, from, "10.0.0.1:80") + anyRequest + "GET /")
		c.answer()
		c.send(" HTTP/1.1\r\nHost: a\r\n\r\n")
		c.answer()
		c.send(anyRequest)
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c.answer()
	})
	t.Run("a stranger", func(t *testing.T) {
		w := serving(http.NotFoundHandler())
		w.Limits.TrustedProxies = []string{"192.0.2.1"}
		c := start(t, w).dial()
		c.send(header(t, 1, from, "10.0.0.1:80") + anyRequest)
		if r := c.answer(); r.StatusCode != 400 {
			t.Errorf("status %d", r.StatusCode)
		}
	})
}

// oneConnection makes all requests over conn.
func oneConnection(conn net.Conn, secure bool) *http.Transport {
	dial := func(string, string) (net.Conn, error) { return conn, nil }
	if secure {
		return &http.Transport{DialTLS: func(string, string) (net.Conn, error) {
			return tls.Client(conn, clientTLS()), nil
		}}
	}
	return &http.Transport{Dial: dial}
}

func TestHandlerHandshakeHasADeadline(t *testing.T) {
	w := secure(serving(http.NotFoundHandler()))
	w.Limits.HandshakeTimeout = time.Minute
	events := newEvents()
	w.OnConnect = func(c *worker.Connection) { events.add("connect") }
	w.OnClose = func(c *worker.Connection) { events.add("close") }
	s := startClocked(t, w)
	silent := s.dial()
	events.expect(t, "connect")
	s.advance(2 * time.Minute)
	silent.expectEnd()
	events.expect(t, "close")
	conn := tls.Client(s.dial().TCPConn, clientTLS()) // this one is in time
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	events.expect(t, "connect")
	eventually(t, "TLS", func() (ok bool) {
		s.do(func() {
			for c := range w.Connections() {
				ok = c.TLS() != nil && c.TLS().NegotiatedProtocol == ""
			}
		})
		return ok
	})
	s.advance(2 * time.Minute) // the timer is deleted before its time
	io.WriteString(conn, anyRequest)
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
}

func TestHandlerDeclaration(t *testing.T) {
	h := http.NotFoundHandler()
	for address, c := range map[string]struct {
		change func(w *worker.Worker)
		want   string
	}{
		"http://127.0.0.1:1": {func(w *worker.Worker) {
			w.OnRequest = func(*worker.Connection, *http1.Request) {}
		}, "OnRequest are both set"},
		"http://127.0.0.1:2": {func(w *worker.Worker) {}, ""},
		"text://127.0.0.1:3": {func(w *worker.Worker) {}, "protocol is not http"},
		"tcp://127.0.0.1:4":  {func(w *worker.Worker) {}, "protocol is not http"},
		"":                   {func(w *worker.Worker) {}, "protocol is not http"},
		"http://127.0.0.1:5": {func(w *worker.Worker) { w.Transport = "udp" }, "udp"},
		"text://127.0.0.1:6": {func(w *worker.Worker) {
			w.Handler, w.AccessLog, w.OnMessage = nil, "x", func(*worker.Connection, []byte) {}
		}, "AccessLog is set"},
	} {
		w := worker.New(address)
		w.Handler = h
		c.change(w)
		if got := w.Declaration().Err; !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", address, got, c.want)
		}
	}
}

func TestHandlerHasTheTimeoutsOfTheLimits(t *testing.T) {
	for name, change := range map[string]func(l *worker.Limits){
		"a head":  func(l *worker.Limits) { l.RequestTimeout = 50 * time.Millisecond },
		"a pause": func(l *worker.Limits) { l.IdleTimeout = 50 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			w := serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
			change(&w.Limits)
			c := start(t, w).dial()
			if name == "a pause" {
				c.send(anyRequest)
				c.whole()
			} else {
				c.send("GET / HTTP/1.1\r\n")
			}
			c.expectEnd()
		})
	}
}

// A request that takes longer than connections may rest is no rest.
func TestHandlerIsNotIdleWhileItWorks(t *testing.T) {
	release := make(chan bool)
	w := serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release }))
	w.Limits.IdleTimeout = 20 * time.Millisecond
	s := start(t, w)
	c := s.dial()
	c.send(anyRequest)
	eventually(t, "some looks", func() bool { return s.p.Figures().TotalRequest == 1 })
	looked := time.After(100 * time.Millisecond)
	await(t, looked, "the time of five looks")
	release <- true
	c.whole()
}
