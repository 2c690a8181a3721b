package worker_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/coder/websocket"
)

// browser is another implementation of websocket.
type browser struct {
	*websocket.Conn
	t   testing.TB
	ctx context.Context
}

// browse opens a websocket; local is the address of its socket. What stands in
// before is sent first of all.
func browse(t testing.TB, s *service, before string, o *websocket.DialOptions) (
	c *browser, local string) {
	t.Helper()
	c, _, local, err := tryBrowse(t, s, before, o)
	if err != nil {
		t.Fatal(err)
	}
	return c, local
}

func tryBrowse(t testing.TB, s *service, before string, o *websocket.DialOptions) (
	*browser, *http.Response, string, error) {
	t.Helper()
	if o == nil {
		o = &websocket.DialOptions{}
	}
	local := ""
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := net.Dial(network, s.addr)
		if err != nil {
			return nil, err
		}
		local = conn.LocalAddr().String()
		_, err = io.WriteString(conn, before)
		return conn, err
	}
	transport := &http.Transport{DialContext: dial, TLSClientConfig: clientTLS()}
	o.HTTPClient = &http.Client{Transport: transport}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(func() { cancel(); transport.CloseIdleConnections() })
	scheme := "ws"
	if s.secure {
		scheme = "wss"
	}
	conn, response, err := websocket.Dial(ctx, scheme+"://"+s.addr+"/chat?room=1", o)
	if err != nil {
		return nil, response, local, err
	}
	conn.SetReadLimit(64 << 20)
	t.Cleanup(func() { conn.CloseNow() })
	return &browser{conn, t, ctx}, response, local, nil
}

func (c *browser) send(text string) {
	c.t.Helper()
	if err := c.Write(c.ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *browser) expect(kind websocket.MessageType, want string) {
	c.t.Helper()
	got, data, err := c.Read(c.ctx)
	if err != nil || got != kind || string(data) != want {
		c.t.Fatalf("got %v %.99q and %v, want %v %.99q", got, data, err, kind, want)
	}
}

func (c *browser) expectText(want string) {
	c.t.Helper()
	c.expect(websocket.MessageText, want)
}

// expectClose reads the server's close frame.
func (c *browser) expectClose(code websocket.StatusCode, reason string) {
	c.t.Helper()
	_, _, err := c.Read(c.ctx)
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != code || closed.Reason != reason {
		c.t.Fatalf("got %v, want code %d and %q", err, code, reason)
	}
}
