package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol"
)

func chunked(body string) *Response {
	return NewResponse(200, map[string]string{"Transfer-Encoding": "chunked"}, body)
}

func eventStream(body string) *Response {
	return NewResponse(200, map[string]string{"Content-Type": "text/event-stream"}, body)
}

// inParts sends the values to one request and returns the head and what follows.
func inParts(t *testing.T, wire string, values ...any) (c *conn, head, body string) {
	t.Helper()
	c = newConn()
	if err := c.receive(func(*Request) {}, []byte(wire)); err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		c.send(t, v)
	}
	head, body, _ = strings.Cut(string(c.sent), "\r\n\r\n")
	return c, head, body
}

const (
	oldGet   = "GET / HTTP/1.0\r\n\r\n"
	aliveGet = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
	newHead  = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
)

func TestStreamedAnswers(t *testing.T) {
	const long = "0123456789abcdefg"
	tests := []struct {
		name, wire string
		values     []any
		chunked    bool // the head says so
		body       string
		quiet      bool
		closed     bool
	}{
		{"chunks", smallGet, []any{chunked(""), Chunk("a"), Chunk(long), Chunk(nil)}, true,
			"1\r\na\r\n11\r\n" + long + "\r\n0\r\n\r\n", true, false},
		{"first part", smallGet, []any{chunked("ab")}, true, "2\r\nab\r\n", false, false},
		{"no parts", smallGet, []any{chunked(""), Chunk("")}, true, "0\r\n\r\n", true, false},
		{"1.0", oldGet, []any{chunked("ab"), Chunk("c"), Chunk(nil)}, false, "abc", true, true},
		{"1.0 keep-alive", aliveGet, []any{chunked("ab"), Chunk(nil)}, false, "ab", true, true},
		{"HEAD", newHead, []any{chunked("ab"), Chunk("c")}, true, "", false, false},
		{"HEAD to its end", newHead, []any{chunked("ab"), Chunk("c"), Chunk(nil)}, true, "", true,
			false},
		{"close", string(get("Connection: close\r\n")), []any{chunked("ab"), Chunk(nil)}, true,
			"2\r\nab\r\n0\r\n\r\n", true, true},
		{"events", smallGet, []any{eventStream(""), Event{Data: "x"}}, true,
			"9\r\ndata: x\n\n\r\n", false, false},
		{"events to their end", smallGet, []any{eventStream(":\n\n"), Event{Data: "x"}, Chunk(nil)},
			true, "3\r\n:\n\n\r\n9\r\ndata: x\n\n\r\n0\r\n\r\n", true, false},
		{"events 1.0", oldGet, []any{eventStream(""), Event{Data: "x"}}, false, "data: x\n\n", false,
			false},
		{"events HEAD", newHead, []any{eventStream("x")}, true, "", true, true},
		{"events with both", smallGet, []any{NewResponse(200, map[string]string{
			"content-type": "Text/Event-Stream; charset=utf-8", "transfer-encoding": "Chunked"}, ""),
			Event{Data: "x"}, Chunk("raw")}, true, "9\r\ndata: x\n\n\r\n3\r\nraw\r\n", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, head, body := inParts(t, tt.wire, tt.values...)
			if body != tt.body {
				t.Errorf("body %q, want %q", body, tt.body)
			}
			if strings.Contains(head, "Content-Length") ||
				strings.Count(head, "\r\nTransfer-Encoding: chunked") != count(tt.chunked) {
				t.Errorf("head %q", head)
			}
			if strings.Contains(head, "Connection: close") != (tt.closed || tt.wire == oldGet) {
				t.Errorf("head %q, closed %t", head, tt.closed)
			}
			if got := (http1{}).Quiet(c); got != tt.quiet || c.closed != tt.closed {
				t.Errorf("quiet %t, closed %t", got, c.closed)
			}
		})
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func TestStreamsAreReadByNetHTTP(t *testing.T) {
	for _, wire := range []string{smallGet, oldGet} {
		c, _, _ := inParts(t, wire, chunked("a"), Chunk("bc"), Chunk(strings.Repeat("d", 5000)),
			Chunk(nil))
		got, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(c.sent)), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		if err != nil || string(body) != "abc"+strings.Repeat("d", 5000) {
			t.Errorf("body %.20q, %v", body, err)
		}
	}
}

func refused(t *testing.T, c *conn, want error, values ...any) {
	t.Helper()
	for _, v := range values {
		if out, err := Protocol.Encode([]byte("kept"), v, c); err != want || string(out) != "kept" {
			t.Errorf("Encode(%v) = %q, %v, want %v", v, out, err, want)
		}
	}
}

func TestPartsAndAnswersDoNotMix(t *testing.T) {
	parts := []any{Chunk("x"), Chunk(nil), Event{}}
	answers := []any{"x", []byte("x"), nil, 1, &Response{}, Response{Status: 103}, chunked("")}
	c := newConn()
	refused(t, c, ErrNotStreaming, parts...)
	c = asked(t)
	refused(t, c, ErrNotStreaming, parts...)
	c.send(t, chunked(""))
	refused(t, c, ErrStreaming, answers...)
	refused(t, c, ErrNotStreaming, Event{Data: "x"})
	c.send(t, Chunk(nil))
	refused(t, c, ErrNotStreaming, parts...)
	refused(t, c, ErrNotAsked, answers...)
	if err := c.receive(func(*Request) {}, get()); err != nil {
		t.Fatal(err)
	}
	c.send(t, eventStream(""))
	refused(t, c, ErrStreaming, answers...)
	refused(t, c, ErrBadEvent, Event{ID: "a\n"}, Event{ID: "\x00"}, Event{Event: "a\rb"},
		Event{Retry: -1})
	c.send(t, Chunk(nil))
}

func TestWhatBeginsNoStream(t *testing.T) {
	for _, r := range []*Response{
		NewResponse(204, map[string]string{"Transfer-Encoding": "chunked"}, ""),
		NewResponse(304, map[string]string{"Content-Type": "text/event-stream"}, ""),
		NewResponse(200, map[string]string{"Transfer-Encoding": "gzip"}, ""),
		NewResponse(200, map[string]string{"Content-Type": "text/event-streams"}, ""),
		{Header: http.Header{"Transfer-Encoding": {}}},
	} {
		c := asked(t)
		c.send(t, r)
		if !(http1{}).Quiet(c) {
			t.Errorf("%v: the answer goes on", r)
		}
	}
	c := newConn() // before the first request
	c.send(t, chunked("x"))
	if !strings.Contains(string(c.sent), "Content-Length: 1") || !c.closed {
		t.Errorf("got %q", c.sent)
	}
}

func TestLeavingEndsEventsAlone(t *testing.T) {
	c, _, _ := inParts(t, smallGet, eventStream(""))
	http1{}.Leave(c)
	if !c.closed || string(http1{}.AppendFarewell(nil, protocol.Stopping, c)) != lastChunk {
		t.Error("a stream of events goes on")
	}
	c, _, _ = inParts(t, smallGet, chunked(""))
	http1{}.Leave(c)
	if c.closed || len(http1{}.AppendFarewell(nil, protocol.Stopping, c)) != 0 {
		t.Error("a download was ended")
	}
	c.send(t, Chunk(nil))
	if !c.closed {
		t.Error("not closed behind the last part")
	}
	c = asked(t)
	http1{}.Leave(c)
	c.send(t, eventStream("retry: 1\n\n"))
	if got := string(c.sent); !c.closed || !strings.HasSuffix(got, "\r\n"+lastChunk) ||
		!strings.Contains(got, "Connection: close") {
		t.Errorf("events begun while leaving: closed %t, %q", c.closed, got)
	}
}

func TestFarewellOfStreams(t *testing.T) {
	for name, tt := range map[string]struct {
		wire   string
		values []any
		want   string
	}{
		"none":       {smallGet, nil, ""},
		"chunks":     {smallGet, []any{chunked("x")}, ""},
		"events":     {smallGet, []any{eventStream("x")}, lastChunk},
		"events 1.0": {oldGet, []any{eventStream("x")}, ""},
		"over":       {smallGet, []any{eventStream("x"), Chunk(nil)}, ""},
	} {
		c, _, _ := inParts(t, tt.wire, tt.values...)
		if got := (http1{}).AppendFarewell([]byte("-"), protocol.Parting, c); string(got) != "-"+tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestPanicInAStreamCutsIt(t *testing.T) {
	c, _, _ := inParts(t, smallGet, chunked("x"))
	if got := (http1{}).AppendFailure(nil, c); len(got) != 0 {
		t.Errorf("%q in the middle of an answer", got)
	}
}

func TestEvents(t *testing.T) {
	tests := []struct {
		event Event
		want  string
	}{
		{Event{}, "data: \n\n"},
		{Event{Data: "x"}, "data: x\n\n"},
		{Event{Comment: "c", Event: "e", ID: "1", Retry: 1500 * time.Millisecond, Data: "d"},
			": c\nevent: e\nid: 1\nretry: 1500\ndata: d\n\n"},
		{Event{Data: "a\nb\r\nc\rd\n\ne\n"},
			"data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\ndata: \n\n"},
		{Event{Comment: "a\nb"}, ": a\n: b\n\n"},
		{Event{ID: "1"}, "id: 1\n\n"},
		{Event{Event: "e"}, "event: e\ndata: \n\n"},
		{Event{Retry: time.Microsecond}, "retry: 0\n\n"},
	}
	for _, tt := range tests {
		if got := string(tt.event.append(nil)); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.event, got, tt.want)
		}
	}
}

func TestPartsDoNotAllocate(t *testing.T) {
	c, _, _ := inParts(t, smallGet, eventStream(""))
	var chunk, event any = Chunk("hello"), Event{Event: "tick", Data: "one\ntwo"}
	out := make([]byte, 0, 4<<10)
	n := testing.AllocsPerRun(100, func() {
		out, _ = Protocol.Encode(out[:0], chunk, c)
		out, _ = Protocol.Encode(out, event, c)
	})
	if n > 1 {
		t.Errorf("%v allocations, want 1 at most", n)
	}
}

// parsed reads an event as a browser does, in the words of the HTML standard.
func parsed(t *testing.T, wire string) (e Event) {
	t.Helper()
	wire = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(wire)
	lines := strings.Split(wire, "\n")
	if len(lines) < 2 || lines[len(lines)-1] != "" || lines[len(lines)-2] != "" {
		t.Fatalf("%q does not end with a blank line", wire)
	}
	var data []string
	for _, line := range lines[:len(lines)-2] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "":
			if line == "" {
				t.Fatalf("%q is more than one event", wire)
			}
		case "event":
			e.Event = value
		case "id":
			e.ID = value
		case "data":
			data = append(data, value)
		default:
			t.Fatalf("line %q in %q", line, wire)
		}
	}
	e.Data = strings.Join(data, "\n")
	return e
}

func FuzzEvent(f *testing.F) {
	f.Add("1", "tick", "a\nb", "hello")
	f.Add("", "", "\r", "\n\n")
	f.Fuzz(func(t *testing.T, id, name, data, comment string) {
		e := Event{ID: id, Event: name, Data: data, Comment: comment}
		if !e.valid() {
			return
		}
		got := parsed(t, string(e.append(nil)))
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data)
		if got.ID != id || got.Event != name || got.Data != want {
			t.Errorf("%+v became %+v", e, got)
		}
	})
}
