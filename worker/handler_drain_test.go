package worker_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/workerman-go/wm/worker"
)

// answerOf reads one answer from c.
func (c *client) answer() *http.Response {
	c.t.Helper()
	r, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// whole is answer with the body read.
func (c *client) whole() *http.Response {
	c.t.Helper()
	r := c.answer()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		c.t.Fatal(err)
	}
	return r
}

const anyRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func TestHandlerDrain(t *testing.T) {
	began, release := make(chan bool, 1), make(chan bool)
	w := serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			began <- true
			<-release
			if err := r.Context().Err(); err != nil {
				t.Errorf("context of a request in a drain: %v", err)
			}
		}
		io.WriteString(w, "hello")
	}))
	s := start(t, w)
	idle, fresh, late, slow := s.dial(), s.dial(), s.dial(), s.dial()
	for _, c := range []*client{idle, late} {
		c.send(anyRequest)
		if r := c.whole(); r.Close {
			t.Error("Connection: close before the drain")
		}
	}
	slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	await(t, began, "request")
	s.drain(false)
	if w.Context().Err() == nil {
		t.Error("Worker.Context goes on in a drain")
	}
	late.send(anyRequest) // it is served, and told
	if r := late.whole(); !r.Close || r.StatusCode != 200 {
		t.Errorf("answer in a drain: %+v", r)
	}
	idle.expectEnd()
	fresh.expectEnd()
	release <- true
	if r := slow.answer(); !r.Close {
		t.Error("no Connection: close for a request that was under way")
	}
	await(t, s.gone, "gone")
}

// A client that keeps asking is told to go, and an idle one is closed.
func TestHandlerGracefulDrain(t *testing.T) {
	s := start(t, serving(http.NotFoundHandler()))
	c, idle := s.dial(), s.dial()
	idle.send(anyRequest)
	idle.whole()
	s.drain(true)
	c.send(anyRequest)
	if r := c.whole(); !r.Close {
		t.Error("no Connection: close in a graceful drain")
	}
	c.expectEnd()
	idle.expectEnd()
	await(t, s.gone, "gone")
}

func TestHandlerDrainOverHTTP2(t *testing.T) {
	began, release := make(chan bool, 1), make(chan bool)
	w := secure(serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- true
		<-release
		io.WriteString(w, "hello")
	})))
	s := start(t, w)
	client := s.browser()
	var group sync.WaitGroup
	group.Go(func() { s.page(client, "/", 200, "hello") })
	await(t, began, "request")
	s.drain(false)
	release <- true
	group.Wait()
	await(t, s.gone, "gone")
}

// What does not end by itself ends with the drain's patience.
func TestHandlerDrainIsCutOff(t *testing.T) {
	ended := make(chan error, 1)
	w := serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		ended <- context.Cause(r.Context())
	}))
	w.Life.StopTimeout = 100 * time.Millisecond
	s := start(t, w)
	c := s.dial()
	c.send(anyRequest)
	c.answer()
	s.drain(false)
	await(t, ended, "end of the context")
	await(t, s.gone, "gone")
	s.logged("closing 1 connection that did not end in time")
}

func TestHandlerWebsocket(t *testing.T) {
	w := serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		for {
			kind, message, err := c.Read(context.Background())
			if err != nil || c.Write(context.Background(), kind, message) != nil {
				return
			}
		}
	}))
	w.Life.StopTimeout = 2 * time.Second
	events := newEvents()
	w.OnClose = func(c *worker.Connection) { events.add("close") }
	s := start(t, w)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	dial := func() *websocket.Conn {
		c, _, err := websocket.Dial(ctx, "ws://"+s.addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.CloseNow() })
		return c
	}
	echo := func(c *websocket.Conn) {
		t.Helper()
		if err := c.Write(ctx, websocket.MessageText, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); err != nil || string(got) != "x" {
			t.Fatalf("%q and %v", got, err)
		}
	}
	first, second := dial(), dial()
	echo(first)
	s.drain(false)
	echo(first) // it counts until it closes
	first.Close(websocket.StatusNormalClosure, "")
	events.expect(t, "close")
	echo(second)
	events.none(t)
	await(t, s.gone, "gone") // cut off
	events.expect(t, "close")
	if _, _, err := second.Read(ctx); err == nil {
		t.Error("a websocket lives after the drain")
	}
}

func TestHandlerServerSentEvents(t *testing.T) {
	next := make(chan string)
	s := start(t, serving(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			w.(http.Flusher).Flush()
			select {
			case data := <-next:
				io.WriteString(w, "data: "+data+"\n\n")
			case <-worker.Self().Context().Done():
				return
			}
		}
	})))
	r, err := s.browser().Get(s.url("/"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	lines := bufio.NewReader(r.Body)
	for _, data := range []string{"one", "two"} {
		next <- data
		expectBytes(t, lines, "data: "+data+"\n\n")
	}
	s.drain(false)
	expectEnd(t, lines)
	await(t, s.gone, "gone")
}
