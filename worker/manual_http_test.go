package worker_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// What the manual says of requests, answers, sessions and events.

// manualPage serves one of the examples and returns a client of it.
func manualPage(t *testing.T, onRequest func(c *worker.Connection, r *http1.Request)) *client {
	t.Helper()
	w := worker.New("http://0.0.0.0:8080")
	w.OnRequest = onRequest
	return serve(t, w).dial()
}

func TestManualRequestLine(t *testing.T) {
	c := manualPage(t, func(c *worker.Connection, r *http1.Request) {
		c.Send(fmt.Sprintln(r.Get("uid"), r.Get("name", "tom"), r.Header("accept", "any"),
			r.Cookie("who", "nobody"), r.Method(), r.URI(), r.Path(), r.QueryString(),
			r.ProtocolVersion(), r.Host(), r.HostName()))
	})
	c.send("GET /user/get.php?uid=10&type=2 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n")
	expectAnswer(t, c.r, http.StatusOK, "10 tom any nobody GET /user/get.php?uid=10&type=2 "+
		"/user/get.php uid=10&type=2 1.1 127.0.0.1:8080 127.0.0.1\n")
}

// All of a query, and of a form, is JSON when it is sent.
func TestManualArraysOfARequest(t *testing.T) {
	c := manualPage(t, func(c *worker.Connection, r *http1.Request) {
		c.Send([]any{r.Query(), r.Form(), r.Cookies()})
	})
	c.send("POST /?a[]=1&b[c]=2 HTTP/1.1\r\nHost: h\r\nCookie: d=e\r\nContent-Length: 7\r\n\r\n" +
		"f=g&f=h")
	expectAnswer(t, c.r, http.StatusOK, `[{"a":["1"],"b":{"c":"2"}},{"f":"h"},{"d":"e"}]`)
}

func TestManualUploadOfAnAvatar(t *testing.T) {
	uploadsTo(t)
	kept := filepath.Join(t.TempDir(), "123.jpg")
	c := manualPage(t, func(c *worker.Connection, r *http1.Request) {
		if u := r.File("f"); u != nil && u.Err == nil && u.Move(kept) == nil {
			c.Send("ok")
			return
		}
		c.Send("upload fail")
	})
	c.send(fmt.Sprintf(get, "/"))
	expectAnswer(t, c.r, http.StatusOK, "upload fail")
	c.send(uploaded([]byte("a picture")))
	expectAnswer(t, c.r, http.StatusOK, "ok")
	if got, err := os.ReadFile(kept); string(got) != "a picture" {
		t.Errorf("kept %q, %v", got, err)
	}
}

// The manual's app closes by itself where the client does not say keep-alive. Here
// it need not, and may.
func TestManualAppThatClosesByItself(t *testing.T) {
	c := manualPage(t, func(c *worker.Connection, r *http1.Request) {
		if r.Header("connection") == "keep-alive" {
			c.Send("hello")
		} else {
			c.Close("hello")
		}
	})
	c.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n")
	expectAnswer(t, c.r, http.StatusOK, "hello")
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	expectAnswer(t, c.r, http.StatusOK, "hello")
	c.expectEnd()
}

func TestManualSession(t *testing.T) {
	useSessions(t)
	c := manualPage(t, func(c *worker.Connection, r *http1.Request) {
		s := r.Session()
		switch r.Path() {
		case "/put":
			s.Put(map[string]any{"name": "tom", "age": 12, "null": nil})
			c.Send(s.All())
		case "/get":
			c.Send(fmt.Sprintln(s.Get("name"), s.Get("none", "ann"), s.Has("null"), s.Exists("null")))
		case "/pull":
			c.Send(fmt.Sprintln(s.Pull("name"), s.Get("name")))
		case "/forget":
			s.Forget("age", "null")
			c.Send(s.All())
		case "/flush":
			s.Flush()
			c.Send("ok")
		}
	})
	for _, tt := range []struct{ path, want string }{
		{"/put", `{"age":12,"n":0,"name":"tom","null":null}`},
		{"/get", "tom ann false true\n"},
		{"/pull", "tom <nil>\n"},
		{"/forget", `{"n":0}`},
		{"/flush", "ok"},
	} {
		c.send(fmt.Sprintf(getWith, tt.path))
		expectAnswer(t, c.r, http.StatusOK, tt.want)
	}
	if got := http1.Sessions.Handler.(*slowStore).stored(t); got != "" {
		t.Errorf("%q is still stored", got)
	}
}

// An event each two seconds, made milliseconds, until the browser has gone.
func TestManualServerSentEvents(t *testing.T) {
	timers := make(chan string, 1)
	c := manualPage(t, func(c *worker.Connection, r *http1.Request) {
		if r.Header("accept") != "text/event-stream" {
			c.Send("ok")
			return
		}
		c.Send(http1.NewResponse(200, map[string]string{"Content-Type": "text/event-stream"}, ""))
		var id timer.ID
		id = timer.Add(2*time.Millisecond, func() {
			if c.Status() != worker.Established {
				timers <- fmt.Sprint("deleted ", timer.Del(id))
				return
			}
			c.Send(http1.Event{Event: "message", Data: "hello", ID: "1"})
		})
	})
	c.send(fmt.Sprintf(get, "/"))
	expectAnswer(t, c.r, http.StatusOK, "ok")
	c.send("GET / HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n")
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := bufio.NewReader(response.Body)
	expectEvent(t, body, "hello")
	expectEvent(t, body, "hello")
	c.Close()
	if got := await(t, timers, "the last run of the timer"); got != "deleted true" {
		t.Error(got)
	}
}
