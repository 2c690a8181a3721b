package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// replyLimit is how long a client waits before it calls an answer missing.
const replyLimit = 10 * time.Second

// client is a raw connection with a buffered reader.
type client struct {
	conn net.Conn
	in   *bufio.Reader

	asking, asked time.Time // between these get sent its last request
}

func dialClient(address string, limit time.Duration) (*client, error) {
	conn, err := net.DialTimeout("tcp", address, limit)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, in: bufio.NewReader(conn)}, nil
}

// newClient connects and is closed at the end of the test.
func newClient(t testing.TB, address string) *client {
	t.Helper()
	conn := mustDial(t, address)
	return &client{conn: conn, in: bufio.NewReader(conn)}
}

// line sends one line and reads one, as a client of a text Worker does.
func (c *client) line(text string, limit time.Duration) (string, error) {
	c.conn.SetDeadline(time.Now().Add(limit))
	if _, err := io.WriteString(c.conn, text+"\n"); err != nil {
		return "", err
	}
	reply, err := c.in.ReadString('\n')
	return strings.TrimSuffix(reply, "\n"), err
}

// mustLine is line for a test that cannot go on without the answer.
func (c *client) mustLine(t testing.TB, text string) string {
	t.Helper()
	reply, err := c.line(text, replyLimit)
	if err != nil {
		t.Fatalf("answer to %q: %v", text, err)
	}
	return reply
}

// get sends one HTTP request and reads the answer. Closing tells that the
// server is about to close the connection.
func (c *client) get(path string, limit time.Duration) (body string, closing bool, err error) {
	c.conn.SetDeadline(time.Now().Add(limit))
	c.asking = time.Now()
	_, err = fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: e2e\r\n\r\n", path)
	c.asked = time.Now()
	if err != nil {
		return "", false, err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return "", false, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", path, resp.Status, text)
	}
	return string(text), resp.Close, err
}

// fetch makes one connection for one request.
func fetch(address, path string, limit time.Duration) (string, error) {
	c, err := dialClient(address, limit)
	if err != nil {
		return "", err
	}
	defer c.conn.Close()
	body, _, err := c.get(path, limit)
	return body, err
}

// mustFetch is fetch for a test that cannot go on without the answer.
func mustFetch(t testing.TB, address, path string) string {
	t.Helper()
	body, err := fetch(address, path, replyLimit)
	if err != nil {
		t.Fatalf("GET %s from %s: %v", path, address, err)
	}
	return body
}

// fetchFrom asks over new connections until one process answers, so that a
// request can be given to a process of the test's choice.
func fetchFrom(t testing.TB, address string, pid int, path string) string {
	t.Helper()
	c := clientOf(t, address, pid)
	body, _, err := c.get(path, replyLimit)
	if err != nil {
		t.Fatalf("GET %s from process %d: %v", path, pid, err)
	}
	return body
}

// clientOf is a connection to a process of the web Worker chosen by pid.
func clientOf(t testing.TB, address string, pid int) *client {
	t.Helper()
	want := fmt.Sprint(pid)
	end := time.Now().Add(eventLimit)
	for time.Now().Before(end) {
		c := newClient(t, address)
		body, _, err := c.get("/pid", replyLimit)
		if err != nil {
			t.Fatal(err)
		}
		if body == want {
			return c
		}
		c.conn.Close()
	}
	t.Fatalf("no connection was given to process %d", pid)
	return nil
}

// outcomes counts what clients experienced; safe for concurrent use.
type outcomes struct {
	success, reset, refused, timeout, wrong atomic.Int64
}

// count sorts one answer. Wrong is an answer that came but was not right.
func (o *outcomes) count(err error) {
	var netErr net.Error
	switch {
	case err == nil:
		o.success.Add(1)
	case errors.Is(err, syscall.ECONNREFUSED):
		o.refused.Add(1)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		o.timeout.Add(1)
	case gone(err):
		o.reset.Add(1)
	default:
		o.wrong.Add(1)
	}
}

// gone says that the other side has closed the connection.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func (o *outcomes) bad() int64 {
	return o.reset.Load() + o.refused.Load() + o.timeout.Load() + o.wrong.Load()
}

func (o *outcomes) String() string {
	return fmt.Sprintf("success %d, reset %d, refused %d, timeout %d, wrong %d", o.success.Load(),
		o.reset.Load(), o.refused.Load(), o.timeout.Load(), o.wrong.Load())
}
