package wmtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// browser speaks http on one connection. Requests may be sent before the
// answers to earlier ones are read.
type browser struct {
	conn     net.Conn
	r        *bufio.Reader
	patience time.Duration
	host     string
	sent     []*http.Request // and not answered
	status   string          // of the last response
}

func newBrowser(conn net.Conn, f found, patience time.Duration) *browser {
	return &browser{conn: conn, r: bufio.NewReader(conn), patience: patience, host: hostOf(f)}
}

// hostOf is what a client calls the server.
func hostOf(f found) string {
	if f.d.Network == "unix" {
		return "localhost"
	}
	return f.addr.String()
}

var errNoRequest = errors.New("nothing was sent that has no response yet")

func (b *browser) send(v any) error {
	r, err := b.request(v)
	if err != nil {
		return err
	}
	if err := b.conn.SetWriteDeadline(time.Now().Add(b.patience)); err != nil {
		return err
	}
	b.sent = append(b.sent, r)
	return r.Write(b.conn)
}

func (b *browser) request(v any) (*http.Request, error) {
	switch v := v.(type) {
	case *http.Request:
		r := *v
		if r.Host == "" {
			r.Host = b.host
		}
		return &r, nil
	case string:
		if strings.HasPrefix(v, "/") {
			u, err := url.ParseRequestURI(v)
			if err != nil {
				return nil, err
			}
			return &http.Request{Method: http.MethodGet, URL: u, Host: b.host}, nil
		}
	}
	return nil, fmt.Errorf("an http Worker takes a path or an *http.Request, not %.40q", v)
}

// receive returns the body of the next response.
func (b *browser) receive(_ string, until time.Time) (string, error) {
	if err := b.conn.SetReadDeadline(until); err != nil {
		return "", err
	}
	if len(b.sent) == 0 {
		if _, err := b.r.Peek(1); err != nil {
			return "", err
		}
		return "", errNoRequest
	}
	r := b.sent[0]
	b.sent = b.sent[1:]
	response, err := http.ReadResponse(b.r, r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	b.status = response.Status
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// about says what came with the body.
func (b *browser) about() string { return b.status }

func (b *browser) close() { b.conn.Close() }
func (b *browser) abort() { b.conn.Close() }
