package worker_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

func streaming(headers ...string) *http1.Response {
	h := map[string]string{}
	for i := 0; i < len(headers); i += 2 {
		h[headers[i]] = headers[i+1]
	}
	return http1.NewResponse(http.StatusOK, h, "")
}

func chunks() *http1.Response { return streaming("Transfer-Encoding", "chunked") }

func eventsHead() *http1.Response { return streaming("Content-Type", "text/event-stream") }

// asks sends one request and reads the head of its answer.
func asks(t testing.TB, c *wire, target string) *http.Response {
	t.Helper()
	c.send(fmt.Sprintf(get, target))
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestPartsComeAsTheyAreSent(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w, asked := waiting(t, o, events)
		s := start(t, w)
		c := o.open(s)
		c.send(strings.Repeat(fmt.Sprintf(get, "/"), 2))
		for range 2 {
			conn := await(t, asked, "request")
			s.do(func() { conn.Send(chunks()) })
			response, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			for n := range 5 {
				part := strings.Repeat(fmt.Sprint(n), 1+n*10000)
				s.do(func() { conn.Send(http1.Chunk(part)) })
				expectBytes(t, response.Body, part)
			}
			if len(asked) > 0 {
				t.Error("the next request came before the end")
			}
			s.do(func() { conn.Send(http1.Chunk(nil)) })
			expectEnd(t, response.Body)
		}
	})
}

// The peer has to see that what it got is not whole.
func TestCloseCutsAStreamOfChunks(t *testing.T) {
	for name, end := range map[string]func(c *worker.Connection){
		"Close":   func(c *worker.Connection) { c.Close() },
		"last":    func(c *worker.Connection) { c.Close(http1.Chunk("last")) },
		"End":     func(c *worker.Connection) { c.End() },
		"Destroy": func(c *worker.Connection) { c.Destroy() },
		"panic":   func(c *worker.Connection) { panic("in the middle") },
	} {
		t.Run(name, func(t *testing.T) {
			w := worker.New("http://127.0.0.1:0")
			w.OnRequest = func(c *worker.Connection, r *http1.Request) {
				c.Send(chunks())
				c.Send(http1.Chunk("first "))
				end(c)
			}
			s := start(t, w)
			response := asks(t, over("tcp").open(s), "/")
			body, err := io.ReadAll(response.Body)
			if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(string(body), "first ") {
				t.Errorf("got %q, %v, want a cut", body, err)
			}
		})
	}
}

// A part that does not fit ends the connection: the others must not close up.
func TestRefusedPartCutsTheStream(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "http")
		refused := make(chan error, 1)
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			c.MaxSendBufferSize = 1 << 20
			c.Send(chunks())
			for {
				if err := c.Send(http1.Chunk(pattern(1 << 20))); err != nil {
					refused <- err
					return
				}
				c.Flush()
			}
		}
		s := start(t, w)
		response := asks(t, o.open(s), "/")
		if err := await(t, refused, "refusal"); err != worker.ErrBufferFull {
			t.Errorf("Send: %v, want ErrBufferFull", err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err == nil {
			t.Error("the stream seems to be whole")
		}
	})
}

// Who waits for OnBufferDrain sends as much as he likes.
func TestStreamWithBackpressure(t *testing.T) {
	const parts, size = 64, 256 << 10
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "http")
		sent := 0
		more := func(c *worker.Connection) {
			for ; sent < parts; sent++ {
				if c.Flush(); c.SendQueueSize() > 0 {
					return
				}
				if err := c.Send(http1.Chunk(pattern(size))); err != nil {
					t.Error(err)
				}
			}
			c.Send(http1.Chunk(nil))
		}
		w.OnBufferDrain = func(c *worker.Connection) {
			if sent < parts {
				more(c)
			}
		}
		w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send(chunks()); more(c) }
		response := asks(t, o.open(start(t, w)), "/")
		body, err := io.ReadAll(response.Body)
		if err != nil || !bytes.Equal(body, bytes.Repeat(pattern(size), parts)) {
			t.Errorf("got %d bytes, %v, want %d", len(body), err, parts*size)
		}
	})
}

// expectEvent reads an event as an EventSource does: its data.
func expectEvent(t testing.TB, r *bufio.Reader, want string) {
	t.Helper()
	var data []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q, want %q", err, data, want)
		}
		if line == "\n" {
			break
		}
		if value, is := strings.CutPrefix(line, "data: "); is {
			data = append(data, strings.TrimSuffix(value, "\n"))
		}
	}
	if got := strings.Join(data, "\n"); got != want {
		t.Fatalf("event %q, want %q", got, want)
	}
}

func TestEventsFromATimer(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			c.Send(eventsHead())
			n := 0
			id := timer.Add(time.Millisecond, func() {
				n++
				c.Send(http1.Event{ID: fmt.Sprint(n), Event: "tick", Data: fmt.Sprintf("a\nb%d", n)})
			})
			c.OnClose = func(c *worker.Connection) { timer.Del(id); events.add("close") }
		}
		s := start(t, w)
		c := o.open(s)
		response := asks(t, c, "/")
		body := bufio.NewReader(response.Body)
		for n := 1; n <= 20; n++ {
			expectEvent(t, body, fmt.Sprintf("a\nb%d", n))
		}
		c.Close()
		events.expect(t, "close")
	})
}

// A stream on which nothing is said must notice it as well.
func TestClientLeavesAQuietStream(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		for _, head := range []*http1.Response{eventsHead(), chunks()} {
			events := newEvents()
			w := o.worker(t, "http")
			w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send(head) }
			w.OnClose = func(c *worker.Connection) { events.add("close") }
			s := start(t, w)
			c := o.open(s)
			asks(t, c, "/")
			c.Close()
			events.expect(t, "close")
		}
	})
}

// Long polling: the answer comes from a timer, or the client leaves before.
func TestLongPolling(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			if r.Path() == "/never" {
				id := timer.After(time.Hour, func() { t.Error("an answer to nobody") })
				c.OnClose = func(c *worker.Connection) { timer.Del(id); events.add("close") }
				events.add("asked")
				return
			}
			timer.After(time.Millisecond, func() { c.Send("answer to " + r.Path()) })
		}
		s := start(t, w)
		c := o.open(s)
		for _, path := range []string{"/a", "/b"} {
			c.send(fmt.Sprintf(get, path))
			expectAnswer(t, c.r, http.StatusOK, "answer to "+path)
		}
		c.send(fmt.Sprintf(get, "/never"))
		events.expect(t, "asked")
		c.Close()
		events.expect(t, "close")
	})
}

func TestDrainEndsEventsAndWaitsForDownloads(t *testing.T) {
	bothDrains(t, drainEndsEvents)
}

func drainEndsEvents(t *testing.T, graceful bool) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "http")
		opened := make(chan *worker.Connection, 2)
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			if r.Path() == "/events" {
				c.Send(eventsHead())
				c.Send(http1.Event{Data: "hello"})
				return
			}
			c.Send(chunks())
			opened <- c
		}
		s := start(t, w)
		download := asks(t, o.open(s), "/download")
		conn := await(t, opened, "download")
		stream := asks(t, o.open(s), "/events")
		body := bufio.NewReader(stream.Body)
		expectEvent(t, body, "hello")
		s.drain(graceful)
		expectEnd(t, body) // with its last chunk
		s.do(func() { conn.Send(http1.Chunk("whole")); conn.Send(http1.Chunk(nil)) })
		if got, err := io.ReadAll(download.Body); err != nil || string(got) != "whole" {
			t.Errorf("download %q, %v", got, err)
		}
		await(t, s.gone, "the end of the drain")
	})
}

func TestStreamForOldClientsEndsWithTheConnection(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			c.Send(chunks())
			c.Send(http1.Chunk("a"))
			c.Send(http1.Chunk("b"))
			c.Send(http1.Chunk(nil))
		}
		c := o.open(start(t, w))
		c.send("GET / HTTP/1.0\r\n\r\n")
		response, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		expectBytes(t, response.Body, "ab")
		expectEnd(t, response.Body)
	})
}

// A refused answer is told to its author, and the stream goes on.
func TestAnswersInAStreamAreRefused(t *testing.T) {
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		c.Send(chunks())
		_, written := c.Write([]byte("x"))
		for _, err := range []error{c.Send("x"), written, c.Send(chunks()), c.Send(nil)} {
			if err != http1.ErrStreaming {
				t.Errorf("got %v, want ErrStreaming", err)
			}
		}
		c.Send(http1.Chunk("all"))
		c.Send(http1.Chunk(nil))
		if err := c.Send(http1.Chunk("more")); err != http1.ErrNotStreaming {
			t.Errorf("got %v, want ErrNotStreaming", err)
		}
	}
	c := over("tcp").open(start(t, w))
	for range 2 {
		if body, err := io.ReadAll(asks(t, c, "/").Body); err != nil || string(body) != "all" {
			t.Errorf("body %q, %v", body, err)
		}
	}
}
