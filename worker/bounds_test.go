package worker_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/workerman-go/wm/protocol/http1"
	ws "github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

// crowd is a Worker with many clients that never read, and one that does.
type crowd struct {
	*service
	w       *worker.Worker
	clients []net.Conn
	blocked []*worker.Connection
	fast    *wire
	quick   *worker.Connection // the server's side of fast
}

func newCrowd(t *testing.T, o over, slow int, limit int64) *crowd {
	t.Helper()
	w := o.worker(t, "")
	w.Limits.QueuedBytes = limit
	accepted := conns(w)
	c := &crowd{service: start(t, w), w: w}
	for range slow {
		c.clients = append(c.clients, o.open(c.service))
		c.blocked = append(c.blocked, await(t, accepted, "connection"))
	}
	c.fast = o.open(c.service)
	c.quick = await(t, accepted, "connection")
	standing(t, c.service, append(c.blocked, c.quick))
	c.do(func() {
		for _, conn := range c.blocked {
			narrow(t, conn)
		}
	})
	return c
}

// backlog is what waits for the slow ones. Called on the loop.
func (c *crowd) backlog() (n int64) {
	for _, conn := range c.blocked {
		n += int64(conn.SendQueueSize())
	}
	return n
}

func TestQueuedBytesBoundTheBacklogOfAll(t *testing.T) {
	const (
		slow    = 200
		limit   = 4 << 20
		message = 4 << 10
	)
	text := string(pattern(message))
	overEvery(t, func(t *testing.T, o over) {
		c := newCrowd(t, o, slow, limit)
		failed := int64(0)
		for rounds := 0; failed < 10*slow && rounds < 10000; rounds++ {
			c.do(func() { c.w.Broadcast(text) })
			c.fast.expect(text) // nobody delays the one who reads
			c.do(func() {
				if n := c.backlog(); n > limit+slow*message {
					t.Errorf("%d bytes queued", n)
				}
				failed = worker.Stats().SendFail
			})
		}
		c.do(func() {
			var err error
			for i := 0; err == nil && i < 1000; i++ { // the kernel may just have taken some
				err = c.blocked[0].Send(text)
			}
			if !errors.Is(err, worker.ErrBufferFull) {
				t.Errorf("at the limit: %v", err)
			}
			if err := c.quick.Send("x"); err != nil {
				t.Errorf("without backlog: %v", err)
			}
		})
		c.fast.expect("x")
		c.endAllBut(slow - 1)
	})
}

// endAllBut ends the slow connections, some by the server and some by the
// client, and checks that the account follows.
func (c *crowd) endAllBut(last int) {
	c.t.Helper()
	c.do(func() {
		for i, conn := range c.blocked[:last] {
			if i%2 == 0 {
				conn.Destroy()
			} else {
				c.clients[i].Close() // found out by the loop
			}
		}
	})
	eventually(c.t, "the end of the slow ones", func() (gone bool) {
		c.do(func() { gone = worker.Stats().Connections == 2 })
		return gone
	})
	c.do(func() {
		conn := c.blocked[last]
		if got := worker.Backlog(c.p); got != int64(conn.SendQueueSize()) {
			c.t.Errorf("%d bytes in the account, %d in the queue", got, conn.SendQueueSize())
		}
		if err := conn.Send("x"); err != nil {
			c.t.Errorf("after the end of the others: %v", err)
		}
		conn.Destroy()
		if got := worker.Backlog(c.p); got != 0 {
			c.t.Errorf("%d bytes in the account at the end", got)
		}
	})
}

// standing waits for the end of the handshakes.
func standing(t *testing.T, s *service, all []*worker.Connection) {
	t.Helper()
	eventually(t, "all handshakes", func() bool {
		n := 0
		s.do(func() {
			for _, c := range all {
				if c.Transport() != "ssl" || c.TLS() != nil {
					n++
				}
			}
		})
		return n == len(all)
	})
}

func TestNegativeQueuedBytesAreNoLimit(t *testing.T) {
	w := worker.New("tcp://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	w.Limits.QueuedBytes = -1
	accepted := conns(w)
	s := start(t, w)
	s.dialNarrow()
	c := await(t, accepted, "connection")
	s.do(func() {
		c.MaxSendBufferSize = 64 << 20
		for range 32 {
			if err := c.Send(pattern(1 << 20)); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestHandshakeTimeout(t *testing.T) {
	for _, tt := range []struct {
		name      string
		address   string
		ssl       bool
		proxied   bool
		says      string
		introduce bool // OnConnect and OnClose are due
	}{
		{"TLS, silent", "ssl://127.0.0.1:0", true, false, "", true},
		{"TLS, part of a record", "text://127.0.0.1:0", true, false, "\x16\x03\x01\x00\x50", true},
		{"websocket, silent", "websocket://127.0.0.1:0", false, false, "", true},
		{"websocket, part of a request", "websocket://127.0.0.1:0", false, false,
			"GET / HTTP/1.1\r\nHo", true},
		{"wss, silent", "websocket://127.0.0.1:0", true, false, "", true},
		{"PROXY, silent", "text://127.0.0.1:0", false, true, "", false},
		{"PROXY, part of a header", "text://127.0.0.1:0", false, true, "PROXY TCP4 ", false},
		{"PROXY, then nothing of TLS", "ssl://127.0.0.1:0", true, true,
			"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", true},
		{"PROXY, then nothing of websocket", "websocket://127.0.0.1:0", false, true,
			"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", true},
	} {
		for _, limit := range []time.Duration{time.Minute, -1} {
			t.Run(tt.name+" "+limit.String(), func(t *testing.T) {
				events := newEvents()
				w := recorded(tt.address, events)
				if tt.ssl {
					secure(w)
				}
				if tt.proxied {
					w.Limits.TrustedProxies = []string{"127.0.0.1"}
				}
				w.Limits.HandshakeTimeout = limit
				s := startClocked(t, w)
				c := newWire(t, over("tcp").socket(s.service))
				c.send(tt.says)
				s.connected(1)
				if tt.introduce {
					events.expect(t, "connect 1")
				}
				s.advance(2 * time.Minute)
				if limit < 0 {
					s.connected(1)
					events.none(t)
					return
				}
				c.expectCut()
				if tt.introduce {
					events.expect(t, "close 1 CLOSED")
				}
				events.none(t)
			})
		}
	}
}

// connected waits until the process has n connections, also those that are not
// shown yet.
func (s *service) connected(n int64) {
	s.t.Helper()
	eventually(s.t, "connections", func() (there bool) {
		s.do(func() { there = worker.Stats().Connections == n })
		return there
	})
}

func TestHandshakeTimeoutIsOverWithTheHandshake(t *testing.T) {
	w := secure(upgraded(newEvents()))
	w.Limits.HandshakeTimeout = time.Minute
	w.Limits.TrustedProxies = []string{"127.0.0.1"}
	s := startClocked(t, w)
	c, _ := browse(t, s.service, header(t, 2, "192.0.2.7:1", "10.0.0.1:80"), nil)
	s.advance(2 * time.Minute)
	c.send("still here")
	c.expectText("still here")
}

func TestHandshakeTimeoutBoundsASwitchToWebsocket(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) { c.SetProtocol(ws.Protocol) }
	w.Limits.HandshakeTimeout = time.Minute
	s := startClocked(t, w)
	c := s.dial()
	const begun = "upgrade\nGET / HTTP/1.1\r\n"
	c.send(begun)
	s.received(1, uint64(len(begun)))
	s.advance(2 * time.Minute)
	c.expectEnd()
	events.expect(t, "connect 1", "close 1 CLOSED")
	again := s.dial()
	again.send("upgrade\n" + upgradeRequest)
	if _, err := http.ReadResponse(again.r, nil); err != nil {
		t.Fatal(err)
	}
	s.advance(2 * time.Minute)
	s.do(func() { w.Connection(2).Send("still here") })
	again.expect("\x81\x0astill here")
}

func TestConnectionsPerIPRefusesUpgradesBehindAProxy(t *testing.T) {
	w := upgraded(newEvents())
	w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {}
	w.Limits.ConnectionsPerIP = 1
	w.Limits.TrustedProxies = []string{"127.0.0.1"}
	s := start(t, w)
	as := func(ip string) *websocket.DialOptions {
		return &websocket.DialOptions{HTTPHeader: http.Header{"X-Real-Ip": {ip}}}
	}
	one, _ := browse(t, s, "", as("192.0.2.7"))
	browse(t, s, "", as("192.0.2.8"))
	_, response, _, err := tryBrowse(t, s, "", as("192.0.2.7"))
	if err == nil || response == nil || response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("got %v and %v", response, err)
	}
	one.CloseNow()
	eventually(t, "the end of the first", func() (gone bool) {
		s.do(func() { gone = w.Connection(1) == nil })
		return gone
	})
	browse(t, s, "", as("192.0.2.7"))
}

func TestConnectionsLimitOverEveryTransport(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "text")
		w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
		w.Limits.Connections = 2
		s := start(t, w)
		first, second := o.open(s), o.open(s)
		waiting := o.socket(s) // in the queue of the listener
		defer waiting.Close()
		second.send("x\n")
		second.expect("x\n")
		s.do(func() {
			n := 0
			for range w.Connections() {
				n++
			}
			if n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
		})
		first.Close()
		eventually(t, "the third", func() (there bool) {
			s.do(func() { there = w.Connection(3) != nil })
			return there
		})
	})
}

func TestPauseAcceptOverEveryTransport(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "text")
		w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
		w.OnWorkerStart = func(w *worker.Worker) error { w.PauseAccept(); return nil }
		accepted := conns(w)
		s := start(t, w)
		socket := o.socket(s)
		defer socket.Close()
		for range 10 {
			s.do(func() {})
		}
		if len(accepted) > 0 {
			t.Fatal("accepted while paused")
		}
		s.do(w.ResumeAccept)
		await(t, accepted, "connection")
		s.do(w.PauseAccept)
		await(t, s.paused, "word to the master")
		other := o.socket(s)
		defer other.Close()
		for range 10 {
			s.do(func() {})
		}
		if len(accepted) > 0 {
			t.Fatal("accepted while paused again")
		}
		s.do(w.ResumeAccept)
		await(t, accepted, "connection")
	})
}

func TestLongLinesAreBounded(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.recorded(t, "text", events)
		w.OnConnect = func(c *worker.Connection) { c.MaxPackageSize = 1 << 20 }
		s := start(t, w)
		c := o.open(s)
		io.WriteString(c, strings.Repeat("x", 2<<20)) // it is closed before the end
		_, _ = io.Copy(io.Discard, c)
		events.expect(t, "close 1 CLOSED")
		events.none(t)
	})
}
