package webserver

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// withEntry runs a WebServer with the small site and h.
func withEntry(t testing.TB, h http.HandlerFunc, change ...func(s *WebServer)) *wmtest.Service {
	t.Helper()
	return wmtest.Run(t, func() {
		s := New("http://127.0.0.1:80")
		s.AddRoot("", files(t, small))
		s.AddEntry("", h)
		for _, fn := range change {
			fn(s)
		}
	})
}

// say answers with the name of an entry and what it was asked.
func say(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(w, "%s: %s %s %s %s", name, r.Method, r.Host, r.URL.RequestURI(), body)
	}
}

func TestAnEntryAnswersWhatNoFileDoes(t *testing.T) {
	addr := withEntry(t, say("entry"), func(s *WebServer) { s.Fallback = true }).Addr("WebServer")
	get(t, addr, "/a.txt").want(t, 200, "text")
	get(t, addr, "/").want(t, 200, "home")
	get(t, addr, "/dir").want(t, 301, "*")
	get(t, addr, "/users/7?x=1").want(t, 200, "entry: GET example.com /users/7?x=1 ")
	get(t, addr, "/none.png").want(t, 200, "entry: GET example.com /none.png ")
	get(t, addr, "/bare/").want(t, 200, "entry: GET example.com /bare/ ")
	get(t, addr, "/.env").want(t, 404, "*")
	get(t, addr, "/../users").want(t, 400, "*")
	request(t, addr, "PUT", "/a.txt").want(t, 200, "entry: PUT example.com /a.txt ")

	conn := dial(t, addr)
	defer conn.Close()
	io.WriteString(conn, "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
	read(t, bufio.NewReader(conn), "POST").want(t, 200, "entry: POST a /form hello")
}

func TestEntriesOfHosts(t *testing.T) {
	addr := serve(t, func(s *WebServer) {
		s.AddRoot("one", files(t, small))
		s.AddRoot("two", files(t, small))
		s.AddEntry("one", say("one"))
		s.AddEntry("API:80", say("api"))
		s.AddEntry("", say("any"))
	})
	get(t, addr, "/x", "Host: one").want(t, 200, "one: GET one /x ")
	get(t, addr, "/x", "Host: two").want(t, 200, "any: GET two /x ")
	get(t, addr, "/x", "Host: api").want(t, 200, "api: GET api /x ")
	get(t, addr, "/a.txt", "Host: api").want(t, 200, "api: GET api /a.txt ")
	get(t, addr, "/x", "Host: unknown").want(t, 200, "one: GET unknown /x ")
}

func TestAnEntryMakesItsAnswer(t *testing.T) {
	addr := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/early":
			w.Header().Set("Link", "</style.css>")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("X-Kept", "yes")
			w.WriteHeader(http.StatusCreated)
			w.Header().Set("X-Late", "no")
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "created")
		case "/none":
			w.WriteHeader(http.StatusNoContent)
			if _, err := io.WriteString(w, "x"); err != http.ErrBodyNotAllowed {
				t.Errorf("Write: %v", err)
			}
		case "/json":
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Both", "entry")
			w.Header().Set("Transfer-Encoding", "chunked")
			io.WriteString(w, "{}")
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: 1\n\n")
		case "/html":
			io.WriteString(w, "<html>")
		}
	}, func(s *WebServer) { s.Header = http.Header{"X-Both": {"server"}} }).Addr("WebServer")

	r := get(t, addr, "/early")
	r.want(t, 201, "created")
	r.header(t, "X-Kept", "yes")
	r.header(t, "X-Late", "")
	r.header(t, "X-Both", "server")
	get(t, addr, "/none").want(t, 204, "")
	get(t, addr, "/nothing").want(t, 200, "")
	get(t, addr, "/html").header(t, "Content-Type", "text/html; charset=utf-8")
	get(t, addr, "/events").want(t, 200, "data: 1\n\n")
	r = get(t, addr, "/json")
	r.want(t, 200, "{}")
	r.header(t, "Content-Type", "application/json")
	r.header(t, "X-Both", "entry")
	r.header(t, "Content-Length", "2")
	r = request(t, addr, "HEAD", "/json")
	r.want(t, 200, "")
	r.header(t, "Content-Length", "2")
}

func TestFlushSendsWhatThereIs(t *testing.T) {
	next := make(chan struct{})
	addr := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "part %d\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
		io.WriteString(w, "end\n")
	}).Addr("WebServer")
	conn := dial(t, addr)
	defer conn.Close()
	io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, nil)
	must(t, err)
	if got := response.TransferEncoding; len(got) != 1 || got[0] != "chunked" {
		t.Errorf("Transfer-Encoding %q", got)
	}
	lines := bufio.NewReader(response.Body)
	for i := range 3 {
		line, err := lines.ReadString('\n')
		if want := fmt.Sprintf("part %d\n", i); line != want || err != nil {
			t.Fatalf("got %q, %v, want %q", line, err, want)
		}
		next <- struct{}{}
	}
	rest, err := io.ReadAll(lines)
	if string(rest) != "end\n" || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
	read(t, in, "GET").want(t, 200, "text") // the connection goes on
}

// big is more than the buffers of a connection take.
const big = 32 << 20

func TestASlowReaderMakesTheEntryWait(t *testing.T) {
	var written atomic.Int64
	s := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		piece := []byte(strings.Repeat("0123456789abcdef", 100))
		for written.Load() < big {
			n, err := w.Write(piece)
			written.Add(int64(n))
			if err != nil {
				t.Error(err)
				return
			}
		}
	}, func(s *WebServer) {
		s.OnConnect = func(c *worker.Connection) { c.MaxSendBufferSize = 1 << 10 }
		s.OnError = func(_ *worker.Connection, _ worker.ErrorCode, err error) { t.Error(err) }
	})
	conn := dial(t, s.Addr("WebServer"))
	defer conn.Close()
	io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, nil)
	must(t, err)
	for waiting := 0; waiting == 0; { // until the kernel takes no more
		s.Do("WebServer", func(w *worker.Worker) {
			for c := range w.Connections() {
				waiting = c.SendQueueSize()
			}
		})
		if waiting > 2*maxPiece {
			t.Fatalf("%d bytes wait in memory", waiting)
		}
	}
	if n := written.Load(); n >= big {
		t.Errorf("all of %d bytes were written before the client has read", n)
	}
	n, err := io.Copy(io.Discard, response.Body)
	if n < big || err != nil {
		t.Errorf("read %d, %v, want %d", n, err, big)
	}
	if n != written.Load() {
		t.Errorf("read %d of %d", n, written.Load())
	}
}

func TestTheContextEndsWithTheConnection(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	addr := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		_, err := w.Write(make([]byte, 2*maxPiece)) // does not wait for ever
		ended <- err
	}).Addr("WebServer")
	conn := dial(t, addr)
	io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
	<-began
	conn.Close()
	if err := <-ended; err != errGone {
		t.Errorf("Write: %v, want %v", err, errGone)
	}
}

func TestTheContextEndsWithTheHandler(t *testing.T) {
	contexts := make(chan (<-chan struct{}), 1)
	addr := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		contexts <- r.Context().Done()
	}).Addr("WebServer")
	get(t, addr, "/x").want(t, 200, "")
	<-<-contexts
}

func TestAPanicOfAnEntryIs500(t *testing.T) {
	s := withEntry(forgiving{t}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, "half")
		panic("no database")
	})
	conn := dial(t, s.Addr("WebServer"))
	defer conn.Close()
	io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
	in := bufio.NewReader(conn)
	read(t, in, "GET").want(t, 500, "*")
	read(t, in, "GET").want(t, 200, "text")
	s.ExpectLog("no database")
	s.Do("WebServer", func(*worker.Worker) {
		if n := worker.Stats().ThrowException; n != 1 {
			t.Errorf("%d panics counted", n)
		}
	})

	io.WriteString(conn, "GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
	response, err := http.ReadResponse(in, nil)
	must(t, err)
	if body, err := io.ReadAll(response.Body); err != io.ErrUnexpectedEOF {
		t.Errorf("read %q, %v, want it to be cut off", body, err)
	}
}

func TestAnswersOfAnEntryToOldClients(t *testing.T) {
	addr := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 3*maxPiece))
	}).Addr("WebServer")
	conn := dial(t, addr)
	defer conn.Close()
	io.WriteString(conn, "GET /x HTTP/1.0\r\n\r\n")
	r := read(t, bufio.NewReader(conn), "GET")
	if len(r.body) != 3*maxPiece || len(r.TransferEncoding) != 0 {
		t.Errorf("got %d bytes, %q", len(r.body), r.TransferEncoding)
	}
}

func TestAnEntryOnTheLoop(t *testing.T) {
	addr := serve(t, func(s *WebServer) {
		s.AddRoot("", files(t, small))
		s.AddEntryFunc("", func(c *worker.Connection, r *http1.Request) {
			c.Send(r.Method() + " " + r.Get("a"))
		})
	})
	get(t, addr, "/a.txt").want(t, 200, "text")
	get(t, addr, "/none?a=b").want(t, 200, "GET b")
	request(t, addr, "DELETE", "/a.txt?a=c").want(t, 200, "DELETE c")
}

// upload is a form with one file of so many bytes.
func upload(size int) string {
	body := "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\n" +
		strings.Repeat("a", size) + "\r\n--x--\r\n"
	return "POST /up HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n" +
		fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body
}

func TestUploadsToAnEntry(t *testing.T) {
	addr := withEntry(t, func(w http.ResponseWriter, r *http.Request) {
		_, head, err := r.FormFile("f")
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(w, head.Filename, " ", head.Size)
	}).Addr("WebServer")
	conn := dial(t, addr)
	defer conn.Close()
	in := bufio.NewReader(conn)
	io.WriteString(conn, upload(100_000))
	read(t, in, "POST").want(t, 200, "a.bin 100000")
	io.WriteString(conn, upload(http1.MaxUploadMemory+1))
	read(t, in, "POST").want(t, 413, "*")
}
