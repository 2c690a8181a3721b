package wmtest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Client is a client of one Worker, over a real socket and, but for protocols
// of the app, with an implementation that shares nothing with the Worker's. Its
// methods are called on the goroutine of the test; whatever goes wrong in them
// ends it. It is closed with the test.
type Client struct {
	s    *Service
	name string
	talk talk
}

// talk is a conversation in one protocol.
type talk interface {
	send(v any) error
	// receive returns the next message. A protocol without messages returns as
	// many bytes as want has, and fewer once they differ. With an error there
	// may be a part of a message.
	receive(want string, until time.Time) (string, error)
	// close says goodbye, if there is anybody to listen.
	close()
	// abort gives back what close would, without waiting.
	abort()
}

// Dial connects to a Worker and speaks its protocol, or the bytes of raw ones,
// through TLS where its Transport is ssl, whatever the certificate. name is as
// in Addr. It returns when the connection stands, for a websocket after the
// handshake.
func (s *Service) Dial(name string) *Client {
	s.t.Helper()
	f := s.listening(name)
	talk, err := s.converse(f)
	if err != nil {
		s.t.Fatalf("%s: dial: %v", name, err)
	}
	s.t.Cleanup(talk.abort)
	return &Client{s: s, name: name, talk: talk}
}

// converse chooses the client for a protocol.
func (s *Service) converse(f found) (talk, error) {
	kind := kindOf(f)
	if kind == "websocket" {
		return dialWebSocket(f, s.patience)
	}
	if kind == "custom" {
		return s.dialCustom(f)
	}
	conn, err := dial(f, s.patience)
	if err != nil {
		return nil, err
	}
	if kind == "http" {
		return newBrowser(conn, f, s.patience), nil
	}
	return newStream(conn, f, kind, s.patience), nil
}

// dial connects, through TLS where the Worker has it.
func dial(f found, limit time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, f.addr.Network(), f.addr.String())
	if err != nil || f.d.Transport != "ssl" {
		return conn, err
	}
	secure := tls.Client(conn, anyServer())
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// anyServer trusts everybody: the certificate is for another name.
func anyServer() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// Send sends one message: strings and bytes as they are, to a websocket as text
// and as binary; everything else as JSON. To an http Worker a string is the
// path of a GET, "/users?page=2", and an *http.Request goes as it is. A protocol
// of the app gets v as it is.
func (c *Client) Send(v any) {
	c.s.t.Helper()
	if err := c.talk.send(v); err != nil {
		c.s.t.Fatalf("%s: send: %v%s", c.name, reason(err), c.s.whyGone())
	}
}

// Expect waits for the next message, which must be want, for no longer than 10 s.
// It takes what has come in between too: nothing is passed over. Of raw bytes
// it takes as many as want has, of an http response the body. What a protocol
// of the app delivers to OnValue is compared as JSON.
func (c *Client) Expect(want string) {
	c.s.t.Helper()
	got, err := c.talk.receive(want, time.Now().Add(c.s.patience))
	switch {
	case err == nil && got == want:
	case err == nil:
		c.s.t.Fatalf("%s: got %s%s, want %s", c.name, quote(got), c.about(), quote(want))
	case got != "":
		c.s.t.Fatalf("%s: got %s, then: %v%s; want %s",
			c.name, quote(got), reason(err), c.s.whyGone(), quote(want))
	default:
		c.s.t.Fatalf("%s: %v%s; want %s", c.name, reason(err), c.s.whyGone(), quote(want))
	}
}

// ExpectClose waits until the Worker closes the connection, for no longer than
// 10 s. A message before that is an error.
func (c *Client) ExpectClose() {
	c.s.t.Helper()
	got, err := c.talk.receive("", time.Now().Add(c.s.patience))
	switch {
	case err == nil || got != "":
		c.s.t.Fatalf("%s: got %s, want the end of the connection", c.name, quote(got))
	case !errors.Is(reason(err), errEnded):
		c.s.t.Fatalf("%s: %v, want the end of the connection", c.name, reason(err))
	}
}

// Close ends the connection, a websocket with 1000. The Worker sees it as the
// client's doing.
func (c *Client) Close() { c.talk.close() }

// about is what a protocol has to say of a message beside its text.
func (c *Client) about() string {
	if t, ok := c.talk.(interface{ about() string }); ok {
		return " (" + t.about() + ")"
	}
	return ""
}

// encode is how Send writes v.
func encode(v any) ([]byte, error) {
	switch v := v.(type) {
	case []byte:
		return v, nil
	case string:
		return []byte(v), nil
	}
	return json.Marshal(v)
}

// reason says in the words of this package what ended a receive.
func reason(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return errSilence
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errEnded
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errEnded
	}
	return err
}

// maxQuoted is how much of a message fits into a failure.
const maxQuoted = 400

func quote(s string) string {
	if len(s) <= maxQuoted {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q... (%d bytes)", s[:maxQuoted], len(s))
}
