package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// browse asks for some pages on one connection.
func browse(c *client) error {
	l, err := c.dial("http")
	if err != nil {
		return err
	}
	defer l.Close()
	in := bufio.NewReader(l)
	for left := 1 + c.random.IntN(6); left > 0; left-- {
		last := left == 1 && c.chance(2)
		closed, err := c.page(l, in, last)
		switch {
		case err != nil:
			return err
		case last:
			return l.waitForEnd()
		case closed: // by a reload
			return nil
		}
	}
	c.leave(l)
	return nil
}

// page makes one request: a path, or a body, at once or in chunks. closed says
// that the service closes the connection behind its answer.
func (c *client) page(l *link, in *bufio.Reader, last bool) (closed bool, err error) {
	want := "/" + strings.ReplaceAll(c.words(20), " ", "-")
	head := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost\r\n", want)
	body := ""
	switch c.random.IntN(3) {
	case 0:
		want = c.words(c.size())
		head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + fmt.Sprint(len(want)) +
			"\r\n"
		body = want
	case 1:
		want = c.words(c.size())
		head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(want), want)
	}
	if last {
		head += "Connection: close\r\n"
	}
	if _, err := io.WriteString(l, head+"\r\n"+body); err != nil {
		return false, err
	}
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return false, err
	}
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return false, err
	}
	return answer.Close, c.must(want, string(got))
}

// badRequests are those after which the service closes the connection.
var badRequests = []string{
	"GET\r\n\r\n",
	"BREW /pot HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET / HTTP/1.1\r\n\r\n", // no host
	"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 300<<10) + "\r\n\r\n",
}

// badRequest is refused.
func badRequest(c *client) error {
	return c.provoke("http", badRequests[c.random.IntN(len(badRequests))])
}
