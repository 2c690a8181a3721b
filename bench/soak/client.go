package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"time"
)

// clientTimeout is how long one client may take; nothing it does takes a
// tenth of that unless it waits for something that does not come.
const clientTimeout = 20 * time.Second

// client is one that comes, does one act, and goes. Used by one goroutine.
type client struct {
	ctx       context.Context
	addresses map[string]string // by Worker
	random    *rand.Rand
	right     int
}

// wrong is an answer that is not the one which must come.
type wrong struct{ want, got string }

func (w *wrong) Error() string {
	return fmt.Sprintf("answer %.80q (%d bytes), want %.80q (%d bytes)", w.got, len(w.got),
		w.want, len(w.want))
}

// must compares an answer and counts it.
func (c *client) must(want, got string) error {
	if got != want {
		return &wrong{want, got}
	}
	c.right++
	return nil
}

// link is one connection of a client. raw lies below TLS.
type link struct {
	net.Conn
	raw net.Conn
}

// dial connects to a Worker, for wss without TLS.
func (c *client) dial(worker string) (*link, error) { return c.dialFrom(worker, "127.0.0.1") }

// dialFrom has an address of its own choice on our side.
func (c *client) dialFrom(worker, ip string) (*link, error) {
	d := net.Dialer{Timeout: clientTimeout}
	network := "tcp4"
	switch worker {
	case "unix":
		network = "unix"
	case "udp":
		network = "udp4"
	default:
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(ip)}
	}
	conn, err := d.DialContext(c.ctx, network, c.addresses[worker])
	if err != nil {
		return nil, err
	}
	return &link{conn, conn}, conn.SetDeadline(time.Now().Add(clientTimeout))
}

// encrypt makes a handshake on l.
func (l *link) encrypt() error {
	secure := tls.Client(l.raw, &tls.Config{ServerName: "localhost", InsecureSkipVerify: true})
	l.Conn = secure
	return secure.Handshake()
}

// reset ends a connection so that the peer is told by an RST.
func (l *link) reset() {
	if tcp, ok := l.raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = l.raw.Close()
}

// leave ends a connection without a word, by a FIN or an RST.
func (c *client) leave(l *link) {
	if c.random.IntN(2) == 0 {
		l.reset()
		return
	}
	_ = l.raw.Close()
}

// shutWrite says that this side has said all.
func (l *link) shutWrite() error {
	if half, ok := l.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// send writes what the peer may refuse to read, because it broke a rule
// before the end of it.
func (l *link) send(bytes string) error {
	if _, err := io.WriteString(l, bytes); err != nil && !ended(err) {
		return err
	}
	return nil
}

// waitForEnd reads until the service closes the connection.
func (l *link) waitForEnd() error {
	if _, err := io.Copy(io.Discard, l); err != nil && !ended(err) {
		return fmt.Errorf("wait for the service to close: %w", err)
	}
	return nil
}

// ended says that the peer has gone: both FIN and RST will do where the
// service hangs up on somebody who may still be sending.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// words is a message of n bytes that no other message is equal to by chance.
func (c *client) words(n int) string {
	var s strings.Builder
	for s.Len() < n {
		fmt.Fprintf(&s, "%x ", c.random.Uint64())
	}
	return s.String()[:n]
}

// size is mostly small, now and then much more than a read takes.
func (c *client) size() int {
	switch n := c.random.IntN(40); {
	case n == 0:
		return 1 + c.random.IntN(100_000)
	case n < 5:
		return 1 + c.random.IntN(20_000)
	}
	return 1 + c.random.IntN(200)
}

func (c *client) chance(oneIn int) bool { return c.random.IntN(oneIn) == 0 }
