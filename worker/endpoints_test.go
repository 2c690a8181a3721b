package worker_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol/text"
	ws "github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

func TestUnixConnectionsHaveNoAddress(t *testing.T) {
	o := over("unix")
	w := o.worker(t, "text")
	accepted := conns(w)
	s := start(t, w)
	o.open(s)
	c := await(t, accepted, "connection")
	s.do(func() {
		if c.RemoteIP() != "" || c.RemotePort() != 0 || c.LocalIP() != "" || c.LocalPort() != 0 ||
			c.IsIPv4() || c.IsIPv6() {
			t.Errorf("ip %q:%d %q:%d %v %v", c.RemoteIP(), c.RemotePort(), c.LocalIP(), c.LocalPort(),
				c.IsIPv4(), c.IsIPv6())
		}
		if got := c.LocalAddr().String(); got != s.addr {
			t.Errorf("local address %s, want %s", got, s.addr)
		}
		if c.RemoteAddr().Network() != "unix" || c.RemoteAddr().String() != "" {
			t.Errorf("remote address %#v", c.RemoteAddr())
		}
		c.Destroy()
		if got := c.LocalAddr().String(); got != s.addr {
			t.Errorf("local address %s after the end", got)
		}
	})
}

func TestIPv6ListenersShowIPv4ClientsAsIPv4(t *testing.T) {
	for _, tt := range []struct {
		listen, dial string
		four         bool
	}{{"[::]:0", "127.0.0.1", true}, {"[::]:0", "::1", false}, {"[::1]:0", "::1", false}} {
		t.Run(tt.listen+" "+tt.dial, func(t *testing.T) {
			w := echo("text://" + tt.listen)
			accepted := conns(w)
			s := start(t, w)
			_, port, _ := net.SplitHostPort(s.addr)
			client := dial(t, net.JoinHostPort(tt.dial, port))
			c := await(t, accepted, "connection")
			s.do(func() {
				if c.RemoteIP() != tt.dial || c.LocalIP() != tt.dial || c.IsIPv4() != tt.four ||
					c.IsIPv6() == tt.four {
					t.Errorf("remote %s, local %s, four %v, six %v", c.RemoteIP(), c.LocalIP(),
						c.IsIPv4(), c.IsIPv6())
				}
				want := client.LocalAddr().(*net.TCPAddr)
				if c.RemotePort() != want.Port ||
					c.RemoteAddr().String() != net.JoinHostPort(tt.dial, fmt.Sprint(want.Port)) {
					t.Errorf("remote address %s, want %s", c.RemoteAddr(), want)
				}
				if fmt.Sprint(c.LocalPort()) != port {
					t.Errorf("local port %d, want %s", c.LocalPort(), port)
				}
			})
		})
	}
}

func TestConnectionsAsJSON(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "text")
		accepted := conns(w)
		s := start(t, w)
		client := o.open(s)
		c := await(t, accepted, "connection")
		var raw []byte
		s.do(func() {
			var err error
			if raw, err = json.Marshal(c); err != nil {
				t.Error(err)
			}
		})
		var got map[string]any
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"id": 1.0, "status": "ESTABLISHED", "transport": string(o),
			"remote_ip": "", "remote_port": 0.0, "remote_address": "",
			"local_ip": "", "local_port": 0.0, "local_address": s.addr,
			"is_ipv4": o != "unix", "is_ipv6": false,
		}
		if o != "unix" {
			from, to := client.LocalAddr().(*net.TCPAddr), netip.MustParseAddrPort(s.addr)
			want["remote_ip"], want["remote_port"] = "127.0.0.1", float64(from.Port)
			want["remote_address"] = from.String()
			want["local_ip"], want["local_port"] = "127.0.0.1", float64(to.Port())
		}
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s: got %v, want %v", name, got[name], value)
			}
		}
		if len(got) != len(want) {
			t.Errorf("got %s", raw)
		}
	})
}

func TestFdIsTheSocket(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "text")
		accepted := conns(w)
		s := start(t, w)
		o.open(s)
		c := await(t, accepted, "connection")
		s.do(func() {
			if n, err := unix.GetsockoptInt(c.Fd(), unix.SOL_SOCKET, unix.SO_TYPE); err != nil ||
				n != unix.SOCK_STREAM {
				t.Errorf("got %d and %v", n, err)
			}
			if o != "unix" {
				if n, err := unix.GetsockoptInt(c.Fd(), unix.IPPROTO_TCP, unix.TCP_NODELAY); err != nil ||
					n == 0 {
					t.Errorf("TCP_NODELAY %d and %v", n, err)
				}
			}
			c.Destroy()
			if c.Fd() != -1 {
				t.Errorf("descriptor %d after the end", c.Fd())
			}
		})
	})
}

func TestRecvQueueSizeCountsWhatWaits(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.recorded(t, "text", events)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			c.PauseRecv()
			events.add("%s", data)
		}
		s := start(t, w)
		c := o.open(s)
		c.send("one\ntwo\nthr")
		events.expect(t, "connect 1", "one")
		s.do(func() {
			if n := w.Connection(1).RecvQueueSize(); n != 7 {
				t.Errorf("%d bytes wait, want 7", n)
			}
			w.Connection(1).ResumeRecv()
		})
		events.expect(t, "two")
		s.do(func() {
			if n := w.Connection(1).RecvQueueSize(); n != 3 {
				t.Errorf("%d bytes wait, want 3", n)
			}
		})
	})
}

func TestListRowsOfEveryTransport(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "text")
		w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
		s := start(t, w)
		c := o.open(s)
		c.send("hello\npart")
		c.expect("hello\n")
		eventually(t, "the part", func() (there bool) {
			s.do(func() { there = w.Connection(1).RecvQueueSize() == 4 })
			return there
		})
		rows := list(s)
		if len(rows) != 1 {
			t.Fatalf("%d rows", len(rows))
		}
		want := worker.ConnectionInfo{
			Worker: w, ID: 1, Transport: string(o), Protocol: "text", IPv4: o != "unix", RecvQ: 4,
			BytesR: 10, BytesW: 6, Status: "ESTABLISHED", Local: s.addr,
		}
		if o != "unix" {
			want.Foreign = c.LocalAddr().String()
		}
		if rows[0] != want {
			t.Errorf("got  %+v\nwant %+v", rows[0], want)
		}
	})
}

func list(s *service) (rows []worker.ConnectionInfo) {
	s.t.Helper()
	done := make(chan struct{})
	s.do(func() {
		s.p.List(func(some []worker.ConnectionInfo) bool {
			if rows = append(rows, some...); some == nil {
				close(done)
			}
			return true
		})
	})
	await(s.t, done, "list")
	return rows
}

func TestListShowsClientsBehindAProxy(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	w.Limits.TrustedProxies = []string{"127.0.0.1"}
	accepted := conns(w)
	s := start(t, w)
	s.dial().send(header(t, 2, "192.0.2.7:4711", "10.0.0.1:80"))
	await(t, accepted, "connection")
	if rows := list(s); len(rows) != 1 || rows[0].Foreign != "192.0.2.7:4711" {
		t.Errorf("got %+v", rows)
	}
	s.dial().send("PROXY ")
	eventually(t, "the other one", func() bool { return len(list(s)) == 2 })
	if rows := list(s); rows[1].Status != "CONNECTING" {
		t.Errorf("got %+v", rows)
	}
}

func TestPreparedMessageForSeveralProtocols(t *testing.T) {
	w := worker.New("tcp://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	accepted := conns(w)
	s := start(t, w)
	var clients []*client
	var all []*worker.Connection
	for range 3 {
		clients = append(clients, s.dial())
		all = append(all, await(t, accepted, "connection"))
	}
	m := worker.Prepare(map[string]int{"a": 1})
	if worker.Prepare(m) != m {
		t.Error("a prepared message was prepared again")
	}
	s.do(func() {
		all[1].SetProtocol(text.Protocol)
		all[2].SetProtocol(ws.Protocol) // waits for its handshake
		for range 2 {
			for _, c := range all {
				if err := c.Send(m); err != nil {
					t.Error(err)
				}
			}
		}
		bad := worker.Prepare(make(chan int))
		if err := all[1].Send(bad); err == nil {
			t.Error("a channel was sent")
		}
		all[0].Destroy()
		if err := all[0].Send(m); !errors.Is(err, worker.ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
	clients[0].expect(`{"a":1}{"a":1}`)
	clients[1].expect(`{"a":1}` + "\n" + `{"a":1}` + "\n")
	clients[2].send(upgradeRequest)
	head := ""
	for !strings.HasSuffix(head, "\r\n\r\n") {
		line, err := clients[2].r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		head += line
	}
	clients[2].expect("\x81\x07{\"a\":1}\x81\x07{\"a\":1}")
}

func TestSetProtocolCountsForTheNextMessage(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) { // trap T41
		events := newEvents()
		w := o.recorded(t, "text", events)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			events.add("%s", data)
			switch string(data) {
			case "pairs":
				c.SetProtocol(pairs{})
			case "aw":
				c.SetProtocol(nil)
			}
			c.Send("ok")
		}
		s := start(t, w)
		c := o.open(s)
		c.send("x\npairs\nbbawrest\n")
		events.expect(t, "connect 1", "x", "pairs", "bb", "aw", "rest\n")
		c.expect("ok\n[ok][ok]okok")
	})
}

func TestCertificatesByName(t *testing.T) {
	dir := t.TempDir()
	names := map[string]string{ // by what the client asks for
		"one.example": "one", "TWO.example": "two", "x.wild.example": "wild",
		"a.b.wild.example": "default", "other.example": "default", "": "default",
	}
	files := map[string]worker.Pair{}
	for _, name := range names {
		files[name] = writePair(t, dir, name, certificate(name))
	}
	w := echo("text://127.0.0.1:0")
	w.Transport = "ssl"
	w.TLS = worker.TLS{
		CertFile: files["default"].CertFile, KeyFile: files["default"].KeyFile,
		SNI: map[string]worker.Pair{
			"One.example": files["one"], "two.example": files["two"], "*.wild.example": files["wild"],
		},
	}
	if err := w.Declaration().Err; err != "" {
		t.Fatal(err)
	}
	s := start(t, w)
	for asked, want := range names {
		c := tls.Client(over("ssl").socket(s), &tls.Config{ServerName: asked, InsecureSkipVerify: true})
		if err := c.Handshake(); err != nil {
			t.Errorf("%s: %v", asked, err)
		} else if got := c.ConnectionState().PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("%s: got the certificate of %s, want %s", asked, got, want)
		}
		c.Close()
	}
}
