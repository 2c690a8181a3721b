package http1

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol"
)

// conn is a connection without a socket.
type conn struct {
	state  any
	max    int
	sent   []byte
	closed bool
	last   []byte // the buffer of the request that was received last
}

func newConn() *conn { return &conn{max: 10 << 20} }

// asked is one whose first request waits for an answer.
func asked(t testing.TB) *conn {
	t.Helper()
	c := newConn()
	if err := c.receive(func(*Request) {}, get()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *conn) Dialled() bool   { return false }
func (c *conn) MaxPackage() int { return c.max }
func (c *conn) State() any      { return c.state }
func (c *conn) SetState(v any)  { c.state = v }
func (c *conn) Close(...any)    { c.closed = true }

func (c *conn) Event(any) bool { return false }

func (c *conn) SendRaw(p []byte) error {
	c.sent = append(c.sent, p...)
	return nil
}

// send answers as Connection.Send does.
func (c *conn) send(t testing.TB, v any) {
	t.Helper()
	out, err := http1{}.Encode(c.sent, v, c)
	if err != nil {
		t.Fatalf("Encode(%v): %v", v, err)
	}
	c.sent = out
	http1{}.Sent(c)
}

// receive gives the pieces to Protocol as a connection does, in a buffer that
// moves, and calls onRequest for each request. The reply of a Reject is sent.
func (c *conn) receive(onRequest func(r *Request), pieces ...[]byte) error {
	var buf []byte
	for _, piece := range pieces {
		buf = append(bytes.Clone(buf), piece...)
		for len(buf) > 0 && !c.closed {
			n, err := c.step(buf, onRequest)
			var reject *protocol.Reject
			if errors.As(err, &reject) {
				c.sent = append(c.sent, reject.Reply...)
			}
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			buf = buf[n:]
		}
	}
	return nil
}

func (c *conn) step(buf []byte, onRequest func(r *Request)) (int, error) {
	n, err := http1{}.Input(buf, c)
	if err != nil || n == 0 || n > len(buf) {
		return 0, err
	}
	c.last = buf
	v, err := http1{}.Decode(buf[:n:n], c)
	switch {
	case errors.Is(err, protocol.Skip):
		return n, nil
	case err == nil:
		onRequest(v.(*Request))
	}
	return n, err
}

// summary is all that Request tells of itself, in a line.
func summary(r *Request) string {
	return fmt.Sprintf("%s %s host=%s body=%q length=%s type=%s sum=%s", r.Method(), r.URI(),
		r.Host(), r.RawBody(), r.Header("Content-Length", "-"), r.Header("Content-Type", "-"),
		r.Trailer("Sum", "-"))
}

// summaries receives and returns the requests in short.
func (c *conn) summaries(pieces ...[]byte) (requests []string, err error) {
	err = c.receive(func(r *Request) { requests = append(requests, summary(r)) }, pieces...)
	return requests, err
}

// decoded is the one request of wire, valid until the test ends.
func decoded(t testing.TB, wire string) *Request {
	t.Helper()
	var request *Request
	if err := newConn().receive(func(r *Request) { request = r }, []byte(wire)); err != nil {
		t.Fatalf("%q: %v", wire, err)
	}
	if request == nil {
		t.Fatalf("%q: no complete request", wire)
	}
	return request
}

func wantRequests(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("requests\n%q\nwant\n%q", got, want)
	}
}

// setDate makes the Date header that of a fixed second.
func setDate(t *testing.T) {
	t.Helper()
	line := []byte("Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n")
	date.Store(&line)
	t.Cleanup(func() { date.Store(nil) })
}

const dateLine = "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"

func wantSent(t *testing.T, c *conn, want string) {
	t.Helper()
	if got := string(c.sent); got != want {
		t.Errorf("sent\n%q\nwant\n%q", got, want)
	}
}

func TestDateIsThatOfTheSecond(t *testing.T) {
	date.Store(nil)
	before := time.Now().Truncate(time.Second)
	for range 2 { // formatted, and remembered
		line := string(appendDate(nil))
		got, err := time.Parse("Date: Mon, 02 Jan 2006 15:04:05 GMT\r\n", line)
		if err != nil {
			t.Fatal(err)
		}
		if got.Before(before) || got.After(time.Now()) {
			t.Errorf("date %v is not now, %v", got, before)
		}
	}
}
