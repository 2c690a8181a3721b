package worker_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// What the manual says of clients and of TLS beyond its examples.

func TestManualDialNeedsALoop(t *testing.T) {
	defer func() {
		if r, _ := recover().(string); !strings.Contains(r, "no loop yet") {
			t.Errorf("got %q", r)
		}
	}()
	worker.Dial("tcp://127.0.0.1:1")
}

func TestManualDialAddresses(t *testing.T) {
	s := serve(t, worker.New(""))
	for _, tt := range []struct{ address, host, uri, err string }{
		{"http://example.com/", "", "", "there is no http client"},
		{"websocket://127.0.0.1:1", "", "", "clients dial ws://"},
		{"nonsense://127.0.0.1:1", "", "", "unknown scheme nonsense"},
		{"127.0.0.1:1", "", "", "no scheme"},
		{"tcp://127.0.0.1:99999", "127.0.0.1", "/", "malformed port"},
		{"tcp://127.0.0.254", "127.0.0.254", "/", "127.0.0.254:80: connection refused"},
		{"wss://127.0.0.254/a?b=c", "127.0.0.254", "/a?b=c",
			"127.0.0.254:443: connection refused"},
	} {
		got := newEvents()
		s.do(func() {
			c := worker.Dial(tt.address)
			c.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
				got.add("error %d %v", code, strings.Contains(err.Error(), tt.err))
			}
			c.OnClose = func(c *worker.Connection) {
				got.add("%s %s", c.RemoteHost(), c.RemoteURI())
			}
		})
		got.expect(t, "error 1 true")
		if at := await(t, got, "end"); tt.host != "" && at != tt.host+" "+tt.uri {
			t.Errorf("%s: host and URI %s, want %s %s", tt.address, at, tt.host, tt.uri)
		}
	}
}

func TestManualCloseWhileConnecting(t *testing.T) {
	got := newEvents()
	s := serve(t, worker.New(""))
	s.do(func() {
		c := worker.Dial("tcp://127.0.0.1:1")
		c.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) { got.add("error") }
		c.OnClose = func(c *worker.Connection) { got.add("closed") }
		c.Connect()
		c.Close()
		got.add("%v", c.Status())
	})
	got.expect(t, "closed", "CLOSED")
	s.do(func() {})
	got.none(t)
}

func TestManualReconnect(t *testing.T) {
	got := newEvents()
	w := worker.New("websocket://0.0.0.0:8484")
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Close(data) }
	s := serve(t, w)
	var c *worker.Connection
	s.do(func() {
		c = worker.Dial("ws://" + s.addr)
		c.OnConnect = func(c *worker.Connection) { c.Send("hello") }
		c.OnMessage = func(c *worker.Connection, data []byte) { got.add("%d %s", c.ID, data) }
		again := 2
		c.OnClose = func(c *worker.Connection) {
			got.add("closed")
			if again--; again > 0 {
				c.Reconnect(time.Millisecond)
			}
		}
	})
	got.expect(t, "1 hello", "closed", "1 hello", "closed")
	s.do(func() { c.Connect() }) // once more, by hand
	got.expect(t, "1 hello", "closed")
}

func TestManualCancelReconnect(t *testing.T) {
	addr := nobody(t)
	got := newEvents()
	s := serve(t, worker.New(""))
	s.do(func() {
		c := worker.Dial("tcp://" + addr)
		c.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) { got.add("error") }
		c.OnClose = func(c *worker.Connection) {
			got.add("closed")
			c.Reconnect(time.Hour)
			worker.Post(func() {
				c.CancelReconnect()
				c.Reconnect(0) // the hour is forgotten; an attempt after a failure waits a little
				c.CancelReconnect()
				got.add("%v", c.Status())
			})
		}
	})
	got.expect(t, "error", "closed", "CLOSED")
	s.do(func() {})
	got.none(t)
}

func TestManualBindTo(t *testing.T) {
	got := newEvents()
	w := worker.New("tcp://0.0.0.0:8484")
	w.OnConnect = func(c *worker.Connection) { got.add("from %s", c.RemoteIP()) }
	s := serve(t, w)
	s.do(func() {
		d := worker.Dialer{BindTo: "127.0.0.77:0"}
		d.Dial("tcp://" + s.addr)
	})
	got.expect(t, "from 127.0.0.77")
}

func TestManualDialledSocketOptions(t *testing.T) {
	done := make(chan struct{})
	s := serve(t, echo("tcp://0.0.0.0:8484"))
	s.do(func() {
		c := worker.Dial("tcp://" + s.addr)
		c.OnConnect = func(c *worker.Connection) {
			defer close(done)
			for _, o := range []struct{ level, name, want int }{
				{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
				{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
				{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 55},
			} {
				got, err := unix.GetsockoptInt(c.Fd(), o.level, o.name)
				if err != nil || got != o.want {
					t.Errorf("option %d of level %d is %d, %v, want %d",
						o.name, o.level, got, err, o.want)
				}
			}
		}
	})
	await(t, done, "connection")
}

// OnConnect comes before the handshake, and what it sends waits.
func TestManualSendBeforeTLS(t *testing.T) {
	got := newEvents()
	w := secure(worker.New("text://0.0.0.0:8484"))
	w.OnConnect = func(c *worker.Connection) {
		got.add("connect, TLS %v, %v", c.TLS() != nil, c.Send("welcome"))
	}
	w.OnMessage = func(c *worker.Connection, data []byte) {
		got.add("%s, TLS %v", data, c.TLS() != nil)
	}
	s := serve(t, w)
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got.expect(t, "connect, TLS false, <nil>")
	_ = conn.SetDeadline(time.Now().Add(deadline))
	c := tls.Client(conn, clientTLS())
	said := make([]byte, len("welcome\n"))
	if _, err := io.ReadFull(c, said); err != nil || string(said) != "welcome\n" {
		t.Errorf("got %q, %v", said, err)
	}
	io.WriteString(c, "hi\n")
	got.expect(t, "hi, TLS true")
}

func TestManualPlainClientOfTLS(t *testing.T) {
	got := newEvents()
	w := secure(worker.New("text://0.0.0.0:8484"))
	w.OnMessage = func(c *worker.Connection, data []byte) { got.add("message") }
	w.OnClose = func(c *worker.Connection) { got.add("closed") }
	s := serve(t, w)
	c := s.dial()
	c.send("hello, is there anybody who speaks plain text?\n")
	if answer, _ := io.ReadAll(c.r); len(answer) > 0 && answer[0] != 0x15 {
		t.Errorf("got %q, want an alert or nothing", answer)
	}
	got.expect(t, "closed")
}

func TestManualClientBehindAProxy(t *testing.T) {
	got := newEvents()
	w := worker.New("websocket://0.0.0.0:8484")
	w.Limits.TrustedProxies = []string{"127.0.0.0/8"}
	w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
		got.add("%s, says %s", c.RemoteIP(), r.Header("x-real-ip"))
	}
	w.OnMessage = onMessage
	s := serve(t, w)
	const head = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	s.dial().send(head + "X-Real-IP: 192.0.2.7\r\n\r\n")
	got.expect(t, "192.0.2.7, says 192.0.2.7")
	s.dial().send("PROXY TCP4 192.0.2.9 127.0.0.1 4711 80\r\n" + head + "X-Real-IP: 192.0.2.8\r\n\r\n")
	got.expect(t, "192.0.2.9, says 192.0.2.8")
}
