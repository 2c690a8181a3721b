package http1

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

func get(lines ...string) []byte {
	return []byte("GET / HTTP/1.1\r\nHost: a\r\n" + strings.Join(lines, "") + "\r\n")
}

func TestConnectionIsClosedBehindTheAnswer(t *testing.T) {
	tests := []struct {
		name, in string
		answer   any
		want     bool
	}{
		{"1.1", string(get()), "x", false},
		{"1.1 close", string(get("Connection: close\r\n")), "x", true},
		{"1.1 close in a list", string(get("Connection: te, Close\r\n")), "x", true},
		{"1.1 close in a second line",
			string(get("Connection: te\r\nConnection: close\r\n")), "x", true},
		{"1.1 closed is another word", string(get("Connection: closed\r\n")), "x", false},
		{"1.0", "GET / HTTP/1.0\r\n\r\n", "x", true},
		{"1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "x", false},
		{"1.0 keep-alive and close",
			"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "x", true},
		{"the author closes", string(get()),
			NewResponse(200, map[string]string{"Connection": "close"}, ""), true},
		{"the author cannot keep it", string(get("Connection: close\r\n")),
			NewResponse(200, map[string]string{"Connection": "keep-alive"}, ""), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConn()
			if got, err := c.summaries([]byte(tt.in)); err != nil || len(got) != 1 {
				t.Fatalf("requests %q, %v, want one", got, err)
			}
			if c.closed {
				t.Fatal("closed before the answer")
			}
			c.send(t, tt.answer)
			if c.closed != tt.want {
				t.Errorf("closed %t, want %t", c.closed, tt.want)
			}
			line := map[bool]string{true: "close", false: "keep-alive"}[tt.want]
			if got := string(c.sent); strings.Count(got, "Connection: ") != 1 ||
				!strings.Contains(got, "\r\nConnection: "+line+"\r\n") {
				t.Errorf("answer %q does not say %s once", got, line)
			}
		})
	}
}

func TestWhatFollowsTheLastRequestIsDiscarded(t *testing.T) {
	c := newConn()
	got, err := c.summaries(append(get("Connection: close\r\n"), get()...), []byte("\x00junk"))
	if err != nil || len(got) != 1 {
		t.Errorf("requests %q, %v, want one", got, err)
	}
}

func TestAnswersNobodyAskedFor(t *testing.T) {
	c := newConn()
	if _, err := c.summaries(get()); err != nil {
		t.Fatal(err)
	}
	c.send(t, "1")
	for _, v := range []any{"2", []byte("2"), &Response{}, 2} {
		if out, err := Protocol.Encode(nil, v, c); len(out) != 0 || err != ErrNotAsked {
			t.Errorf("Encode(%v) = %q, %v, want ErrNotAsked", v, out, err)
		}
	}
	fresh := newConn()
	fresh.send(t, "busy")
	if !fresh.closed || !strings.Contains(string(fresh.sent), "\r\nConnection: close\r\n") {
		t.Errorf("before any request: closed %t behind %q", fresh.closed, fresh.sent)
	}
}

func TestHeadMayTellTheLength(t *testing.T) {
	c := newConn()
	if _, err := c.summaries([]byte("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	c.send(t, NewResponse(200, map[string]string{"Content-Length": "99"}, ""))
	if got := string(c.sent); !strings.Contains(got, "\r\nContent-Length: 99\r\n") ||
		strings.Count(got, "Content-Length") != 1 {
		t.Errorf("answer %q, want a length of 99", got)
	}
}

func TestQuietBetweenRequests(t *testing.T) {
	c := newConn()
	if !(http1{}).Quiet(c) {
		t.Error("not quiet before the first request")
	}
	if _, err := c.summaries(get()); err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{&Response{Status: 103}, "1"} {
		if (http1{}).Quiet(c) {
			t.Errorf("quiet before %v", v)
		}
		c.send(t, v)
	}
	if !(http1{}).Quiet(c) {
		t.Error("not quiet behind the last answer")
	}
}

func TestLeaveClosesBehindTheNextAnswer(t *testing.T) {
	c := newConn()
	if _, err := c.summaries(get()); err != nil {
		t.Fatal(err)
	}
	http1{}.Leave(c)
	c.send(t, "1")
	if !c.closed || strings.Count(string(c.sent), "Connection: close") != 1 {
		t.Errorf("closed %t behind %q", c.closed, c.sent)
	}
}

func TestLeaveBeforeTheFirstRequest(t *testing.T) {
	c := newConn()
	http1{}.Leave(c)
	if _, err := c.summaries(get()); err != nil {
		t.Fatal(err)
	}
	c.send(t, "1")
	if !c.closed {
		t.Error("not closed behind the answer")
	}
}

func TestExpectContinue(t *testing.T) {
	const (
		goOn = "HTTP/1.1 100 Continue\r\n\r\n"
		post = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
	)
	tests := []struct {
		name   string
		pieces []string
		want   string
	}{
		{"length", []string{post + "Content-Length: 2\r\n\r\n"}, goOn},
		{"chunked", []string{post + "Transfer-Encoding: chunked\r\n\r\n"}, goOn},
		{"once", []string{post + "Transfer-Encoding: chunked\r\n\r\n", "1", "\r\na\r\n0"}, goOn},
		{"body came with it", []string{post + "Content-Length: 2\r\n\r\nh"}, ""},
		{"too large", []string{post + "Content-Length: 99999999\r\n\r\n"},
			refusal(tooLarge)},
		{"bad chunk instead", []string{post + "Transfer-Encoding: chunked\r\n\r\nx\r\n"},
			refusal(badChunk)},
		{"version 1.0", []string{"POST / HTTP/1.0\r\nExpect: 100-continue\r\n" +
			"Content-Length: 2\r\n\r\n"}, ""},
		{"other expectation", []string{"POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n" +
			"Content-Length: 2\r\n\r\n"}, ""},
	}
	setDate(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConn()
			var pieces [][]byte
			for _, piece := range tt.pieces {
				pieces = append(pieces, []byte(piece))
			}
			if got, _ := c.summaries(pieces...); len(got) != 0 {
				t.Errorf("requests %q, want none yet", got)
			}
			wantSent(t, c, tt.want)
		})
	}
}

// A request that is answered later keeps its bytes when the buffer it came in is
// used for something else.
func TestRequestLastsUntilItIsAnswered(t *testing.T) {
	for _, wire := range []string{
		"POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody",
		"POST /a?b=c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"2\r\nbo\r\n2\r\ndy\r\n0\r\nSum: 1\r\n\r\n",
	} {
		c := newConn()
		var r *Request
		frame := []byte(wire)
		if err := c.receive(func(got *Request) { r = got }, frame); err != nil {
			t.Fatal(err)
		}
		want := summary(r)
		http1{}.Released(c)
		clear(frame)
		clear(c.last)
		if got := summary(r); got != want {
			t.Errorf("later %s, want %s", got, want)
		}
	}
}

// The answer to a request whose callback failed says no more than that.
func TestFailure(t *testing.T) {
	setDate(t)
	const head = "HTTP/1.1 500 Internal Server Error\r\n" + dateLine + "Connection: close\r\n" +
		"Content-Type: text/plain;charset=utf-8\r\nContent-Length: 18\r\n\r\n"
	for method, body := range map[string]string{"GET": "the server failed\n", "HEAD": ""} {
		wire := []byte(method + " / HTTP/1.1\r\nHost: a\r\n\r\n")
		for name, fail := range map[string]func(c *conn) []byte{
			"panic": func(c *conn) []byte { return http1{}.AppendFailure([]byte("-"), c)[1:] },
			"JSON": func(c *conn) []byte {
				_, _ = http1{}.Encode(nil, JSON(math.NaN()), c)
				return c.sent
			},
		} {
			c, log := newConn(), &notes{}
			if _, err := c.summaries(wire); err != nil {
				t.Fatal(err)
			}
			exchangeOf(c).access = log
			if got := string(fail(c)); got != head+body {
				t.Errorf("%s of %s: %q, want %q", name, method, got, head+body)
			}
			if want := fmt.Sprintf("[%s 500 %d]", method, len(body)); fmt.Sprint(*log) != want {
				t.Errorf("%s of %s: access log %v, want %s", name, method, *log, want)
			}
		}
	}
}

// notes is an access log: method, status and bytes.
type notes []string

func (n *notes) Add(a protocol.Answer) {
	method, _, _ := strings.Cut(string(a.Request), " ")
	*n = append(*n, fmt.Sprint(method, " ", a.Status, " ", a.Bytes))
}

func TestDecodeAlone(t *testing.T) {
	for in, ok := range map[string]bool{string(get()): true, "GET / HTTP/1.1\r\n": false} {
		if _, err := Protocol.Decode([]byte(in), newConn()); (err == nil) != ok {
			t.Errorf("Decode(%q): %v, want no error: %t", in, err, ok)
		}
	}
}
