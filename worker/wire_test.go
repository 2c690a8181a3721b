package worker_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/worker"
)

// over is a transport whose connections begin and end. What holds for one of
// them holds for all.
type over string

// overEvery runs a test once for each of them.
func overEvery(t *testing.T, test func(t *testing.T, o over)) {
	for _, o := range []over{"tcp", "ssl", "unix"} {
		t.Run(string(o), func(t *testing.T) { test(t, o) })
	}
}

// worker declares a Worker with a scheme such as "text"; "" is raw.
func (o over) worker(t testing.TB, scheme string) *worker.Worker {
	t.Helper()
	host := "127.0.0.1:0"
	if o == "unix" {
		host = filepath.Join(t.TempDir(), "s")
	}
	if scheme == "" {
		scheme = string(o)
	}
	w := worker.New(scheme + "://" + host)
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	w.Transport = string(o)
	if o == "ssl" {
		secure(w)
	}
	return w
}

// recorded is worker with the life of its connections in events.
func (o over) recorded(t testing.TB, scheme string, events events) *worker.Worker {
	t.Helper()
	from, w := recorded("", events), o.worker(t, scheme)
	w.Callbacks = from.Callbacks
	w.OnBufferFull = func(c *worker.Connection) { events.add("full") }
	w.OnBufferDrain = func(c *worker.Connection) { events.add("drain") }
	return w
}

// wire is the other side of any of these transports.
type wire struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// open connects and, over ssl, shakes hands.
func (o over) open(s *service) *wire {
	s.t.Helper()
	c := newWire(s.t, o.socket(s))
	if o != "ssl" {
		return c
	}
	secured := tls.Client(c.Conn, clientTLS())
	if err := secured.Handshake(); err != nil {
		s.t.Fatal(err)
	}
	return newWire(s.t, secured)
}

// socket is the bare connection, with little room on the receiving side.
func (o over) socket(s *service) net.Conn {
	s.t.Helper()
	network := "tcp"
	if o == "unix" {
		network = "unix"
	}
	conn, err := net.Dial(network, s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	if conn, ok := conn.(*net.TCPConn); ok {
		if err := conn.SetReadBuffer(64 << 10); err != nil {
			s.t.Fatal(err)
		}
	}
	return conn
}

func newWire(t testing.TB, conn net.Conn) *wire {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return &wire{conn, t, bufio.NewReader(conn)}
}

func (c *wire) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads exactly want.
func (c *wire) expect(want string) {
	c.t.Helper()
	expectBytes(c.t, c.r, want)
}

// expectEnd reads the end of the stream, over ssl a close_notify, and nothing
// before it.
func (c *wire) expectEnd() {
	c.t.Helper()
	expectEnd(c.t, c.r)
}

// expectCut reads the end in whatever form it comes, and nothing before it.
func (c *wire) expectCut() {
	c.t.Helper()
	rest, err := io.ReadAll(c.r)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() || len(rest) > 0 {
		c.t.Fatalf("got %.99q and %v, want an end", rest, err)
	}
}

// closeWrite ends this side's half; over ssl that is a close_notify alone.
func (c *wire) closeWrite() {
	c.t.Helper()
	if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

// quietly shakes hands with a server that may not want to; nil when it did not.
func quietly(t testing.TB, conn net.Conn) *wire {
	t.Helper()
	secured := tls.Client(conn, clientTLS())
	if secured.Handshake() != nil {
		return nil
	}
	return newWire(t, secured)
}

// listenSix opens an IPv6 socket of either kind, which also serves IPv4 when its
// address is [::] (features.md 10.19).
func listenSix(t testing.TB, d worker.Declaration) (fd int, addr string) {
	t.Helper()
	kind := unix.SOCK_STREAM
	if d.Network == "udp" {
		kind = unix.SOCK_DGRAM
	}
	at := netip.MustParseAddrPort(d.Host)
	fd, err := unix.Socket(unix.AF_INET6, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet6{Addr: at.Addr().As16()})
	}
	if err == nil && d.Network == "tcp" {
		err = unix.Listen(fd, 1024)
	}
	if err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := sa.(*unix.SockaddrInet6).Port
	return fd, netip.AddrPortFrom(at.Addr(), uint16(port)).String()
}
