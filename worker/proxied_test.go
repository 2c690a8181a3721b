package worker_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
	proxyproto "github.com/pires/go-proxyproto"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// located is recorded with the address that each callback sees.
func located(w *worker.Worker, events events) *worker.Worker {
	where := func(c *worker.Connection) string {
		return netip.AddrPortFrom(netip.MustParseAddr(c.RemoteIP()), uint16(c.RemotePort())).String()
	}
	w.OnConnect = func(c *worker.Connection) { events.add("connect %s", where(c)) }
	w.OnMessage = func(c *worker.Connection, data []byte) {
		events.add("message %s from %s", data, where(c))
	}
	w.OnClose = func(c *worker.Connection) { events.add("close %s", where(c)) }
	return w
}

// header makes a PROXY header as another implementation writes it.
func header(t *testing.T, version byte, from, to string) string {
	t.Helper()
	source := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))
	dest := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(to))
	raw, err := proxyproto.HeaderProxyFromAddrs(version, source, dest).Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

const local2 = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00" // a health check

func TestProxyHeaderNamesTheClient(t *testing.T) {
	const four, six = "192.0.2.7:4711", "[2001:db8::7]:4711"
	for _, tt := range []struct{ name, header, want string }{
		{"version 1", header(t, 1, four, "10.0.0.1:80"), four},
		{"version 2", header(t, 2, four, "10.0.0.1:80"), four},
		{"version 1, IPv6", header(t, 1, six, "[2001:db8::1]:80"), six},
		{"version 2, IPv6", header(t, 2, six, "[2001:db8::1]:80"), six},
		{"version 1, unknown", "PROXY UNKNOWN\r\n", ""},
		{"version 2, local", local2, ""},
		{"none", "", ""},
	} {
		for _, kind := range []string{"tcp", "text", "ssl"} {
			t.Run(tt.name+" over "+kind, func(t *testing.T) {
				events := newEvents()
				w := located(worker.New(kind+"://127.0.0.1:0"), events)
				if kind == "ssl" {
					secure(w)
				}
				w.Limits.TrustedProxies = []string{"127.0.0.1"}
				s := start(t, w)
				socket := over("tcp").socket(s)
				want := tt.want
				if want == "" {
					want = socket.LocalAddr().String()
				}
				io.WriteString(socket, tt.header)
				message := "hello"
				if kind == "ssl" {
					socket = tls.Client(socket, clientTLS())
				}
				c := newWire(t, socket)
				if kind == "text" {
					c.send(message + "\n")
				} else {
					c.send(message)
				}
				events.expect(t, "connect "+want, "message hello from "+want)
				c.Close()
				events.expect(t, "close "+want)
			})
		}
	}
}

func TestProxyHeaderOverAUnixSocket(t *testing.T) {
	for _, tt := range []struct {
		trusted []string
		want    string
	}{
		{[]string{"unix"}, "connect 192.0.2.7:4711"},
		{[]string{"0.0.0.0/0", "::/0"}, ""}, // a peer without an address is in no network
	} {
		events := newEvents()
		w := located(worker.New("unix://"+filepath.Join(t.TempDir(), "s")), events)
		w.Limits.TrustedProxies = tt.trusted
		s := start(t, w)
		c := newWire(t, over("unix").socket(s))
		c.send(header(t, 1, "192.0.2.7:4711", "10.0.0.1:80") + "hello")
		if tt.want == "" {
			c.expectEnd()
			continue
		}
		events.expect(t, tt.want, "message hello from 192.0.2.7:4711")
	}
}

func TestProxyHeaderThatTrickles(t *testing.T) {
	events := newEvents()
	w := located(worker.New("text://127.0.0.1:0"), events)
	w.Limits.TrustedProxies = []string{"127.0.0.0/8"}
	s := start(t, w)
	c := s.dial()
	whole := header(t, 2, "192.0.2.7:4711", "10.0.0.1:80") + "hello\n"
	for i := range whole {
		c.send(whole[i : i+1])
		s.do(func() {
			if i < 10 {
				events.none(t)
			}
			for range w.Connections() {
				if i < 10 {
					t.Error("a connection without an address is shown")
				}
			}
			if i < 10 && w.Connection(1) != nil {
				t.Error("a connection without an address is found")
			}
		})
	}
	events.expect(t, "connect 192.0.2.7:4711", "message hello from 192.0.2.7:4711")
}

func TestMalformedProxyHeaderClosesWithoutCallbacks(t *testing.T) {
	for _, bad := range []string{
		"PROXY TCP4 1.2.3.4 5.6.7.8 x 2\r\n", "PROXY TCP4 ::1 ::2 1 2\r\n", "PROXY \r\n",
		"PROXY " + strings.Repeat("x", 200), "\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x00",
	} {
		events := newEvents()
		w := located(worker.New("text://127.0.0.1:0"), events)
		w.Limits.TrustedProxies = []string{"127.0.0.1"}
		s := start(t, w)
		c := newWire(t, over("tcp").socket(s))
		c.send(bad)
		c.expectCut()
		s.do(func() {
			if n := worker.Stats().Connections; n != 0 {
				t.Errorf("%d connections left", n)
			}
		})
		events.none(t)
	}
}

func TestProxyHeaderOfAStrangerCloses(t *testing.T) {
	for name, cut := range map[string][]int{"whole": {}, "cut": {1}, "twice": {3, 5}, "at 12": {11}} {
		for version := range byte(2) {
			for _, kind := range []string{"tcp", "text", "websocket"} {
				t.Run(fmt.Sprint(name, version+1, kind), func(t *testing.T) {
					events := newEvents()
					w := located(worker.New(kind+"://127.0.0.1:0"), events)
					w.Limits.TrustedProxies = []string{"10.0.0.0/8"}
					s := start(t, w)
					c := newWire(t, over("tcp").socket(s))
					socket := c.Conn.(*net.TCPConn)
					socket.SetNoDelay(true)
					rest := header(t, version+1, "192.0.2.7:4711", "10.0.0.1:80") + "hello\n"
					at := 0
					for _, next := range cut {
						c.send(rest[at:next])
						at = next
						eventually(t, "bytes read", func() (read bool) {
							s.do(func() {
								c := w.Connection(1)
								read = c == nil || c.BytesRead >= uint64(next)
							})
							return read
						})
					}
					io.WriteString(c, rest[at:])
					_, _ = io.Copy(io.Discard, c)
					for got := await(t, events, "close"); !strings.HasPrefix(got, "close "); {
						if strings.Contains(got, "hello") {
							t.Fatal("what followed the header was delivered")
						}
						got = await(t, events, "close")
					}
				})
			}
		}
	}
}

func TestWhatOnlyBeginsLikeAProxyHeaderIsDelivered(t *testing.T) {
	for _, first := range []string{"P", "PRO", "PROXYLIST", "\r", "\r\n\r\n"} {
		events := newEvents()
		w := worker.New("tcp://127.0.0.1:0")
		w.OnMessage = func(c *worker.Connection, data []byte) { events.add("%s", data) }
		w.Limits.TrustedProxies = []string{"10.0.0.0/8"}
		s := start(t, w)
		c := s.dial()
		c.send(first)
		events.expect(t, first) // nobody has to wait for more
		c.send("more")
		events.expect(t, "more")
	}
}

func TestTrustedProxiesMustBeAddresses(t *testing.T) {
	for _, bad := range []string{"", "localhost", "10.0.0.0/33", "10.0.0.1-9", "10.0.0", "::/129"} {
		w := echo("text://127.0.0.1:0")
		w.Limits.TrustedProxies = []string{"10.0.0.0/8", bad}
		const text = "text://127.0.0.1:0: Limits.TrustedProxies: %q is no IP address or network"
		want := fmt.Sprintf(text, bad)
		if got := w.Declaration().Err; got != want {
			t.Errorf("%q: got %q, want %q", bad, got, want)
		}
	}
	for _, good := range []string{"10.0.0.1", "::1", "2001:db8::/32", "::ffff:10.0.0.1", "0.0.0.0/0"} {
		w := echo("text://127.0.0.1:0")
		w.Limits.TrustedProxies = []string{good}
		if got := w.Declaration().Err; got != "" {
			t.Errorf("%q: %s", good, got)
		}
	}
}

func TestTrustedNetworksMayBeWrittenAsMapped(t *testing.T) {
	events := newEvents()
	w := located(worker.New("text://127.0.0.1:0"), events)
	w.Limits.TrustedProxies = []string{"::ffff:127.0.0.0/104"}
	s := start(t, w)
	s.dial().send(header(t, 1, "192.0.2.7:1", "10.0.0.1:80"))
	events.expect(t, "connect 192.0.2.7:1")
}

func TestForwardedForIsBelievedFromTrustedProxiesOnly(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trusted string
		header  http.Header
		want    string // "": the address of the socket
	}{
		{"one", "127.0.0.1", http.Header{"X-Forwarded-For": {"192.0.2.7"}}, "192.0.2.7:0"},
		{"the last one", "127.0.0.1",
			http.Header{"X-Forwarded-For": {"6.6.6.6, 192.0.2.7"}}, "192.0.2.7:0"},
		{"behind a chain of proxies", "127.0.0.0/8",
			http.Header{"X-Forwarded-For": {"6.6.6.6,192.0.2.7 , 127.0.0.9,127.0.0.8"}}, "192.0.2.7:0"},
		{"several lines are one list", "127.0.0.1",
			http.Header{"X-Forwarded-For": {"6.6.6.6", "192.0.2.7"}}, "192.0.2.7:0"},
		{"IPv6", "127.0.0.1", http.Header{"X-Forwarded-For": {"2001:db8::7"}}, "[2001:db8::7]:0"},
		{"IPv6 in brackets with a port", "127.0.0.1",
			http.Header{"X-Forwarded-For": {"[2001:db8::7]:99"}}, "[2001:db8::7]:99"},
		{"with a port", "127.0.0.1", http.Header{"X-Forwarded-For": {"192.0.2.7:99"}}, "192.0.2.7:99"},
		{"mapped", "127.0.0.1", http.Header{"X-Forwarded-For": {"::ffff:192.0.2.7"}}, "192.0.2.7:0"},
		{"X-Real-IP", "127.0.0.1", http.Header{"X-Real-Ip": {"192.0.2.7"}}, "192.0.2.7:0"},
		{"all of the chain trusted", "0.0.0.0/0",
			http.Header{"X-Forwarded-For": {"192.0.2.7, 10.0.0.1"}}, "192.0.2.7:0"},
		{"nonsense ends the chain", "127.0.0.0/8",
			http.Header{"X-Forwarded-For": {"192.0.2.7, unknown, 127.0.0.8"}}, "127.0.0.8:0"},
		{"nonsense alone", "127.0.0.1", http.Header{"X-Forwarded-For": {"unknown"}}, ""},
		{"no address at all", "127.0.0.1", http.Header{"X-Forwarded-For": {"::"}}, ""},
		{"a stranger", "10.0.0.0/8",
			http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Real-Ip": {"192.0.2.7"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events := newEvents()
			w := located(worker.New("websocket://127.0.0.1:0"), events)
			w.Limits.TrustedProxies = []string{tt.trusted}
			w.OnConnect, w.OnClose = nil, nil
			w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
				events.add("asked by %v", c.RemoteAddr())
			}
			s := start(t, w)
			c, local := browse(t, s, "", &websocket.DialOptions{HTTPHeader: tt.header})
			want := tt.want
			if want == "" {
				want = local
			}
			c.send("x")
			events.expect(t, "asked by "+want, "message x from "+want)
		})
	}
}

func TestProxyHeaderBeforeAWebsocket(t *testing.T) {
	for version := range byte(2) {
		for _, ssl := range []bool{false, true} {
			events := newEvents()
			w := located(worker.New("websocket://127.0.0.1:0"), events)
			w.Limits.TrustedProxies = []string{"127.0.0.1"}
			if ssl {
				secure(w)
			}
			s := start(t, w)
			const client = "192.0.2.7:4711"
			c, _ := browse(t, s, header(t, version+1, client, "10.0.0.1:80"),
				&websocket.DialOptions{HTTPHeader: http.Header{"X-Forwarded-For": {"6.6.6.6"}}})
			c.send("x") // the client is no proxy: its header does not count
			events.expect(t, "connect "+client, "message x from "+client)
		}
	}
}

func TestConnectionsPerIP(t *testing.T) {
	events := newEvents()
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	w.OnConnect = func(c *worker.Connection) { events.add("connect %s", c.RemoteIP()) }
	w.OnClose = func(c *worker.Connection) { events.add("close %s", c.RemoteIP()) }
	w.Limits.ConnectionsPerIP = 2
	s := start(t, w)
	from := func(ip string) *wire {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}, Timeout: deadline}
		conn, err := d.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		return newWire(t, conn)
	}
	for _, ip := range []string{"127.0.0.2", "127.0.0.3"} {
		first, second := from(ip), from(ip)
		events.expect(t, "connect "+ip, "connect "+ip)
		from(ip).expectCut()
		first.Close()
		events.expect(t, "close "+ip)
		third := from(ip)
		third.send("x\n")
		third.expect("x\n")
		second.send("x\n")
		second.expect("x\n")
		events.expect(t, "connect "+ip)
		from(ip).expectCut()
	}
	events.none(t)
}

func TestConnectionsPerIPCountsClientsBehindAProxy(t *testing.T) {
	events := newEvents()
	w := located(worker.New("text://127.0.0.1:0"), events)
	w.Limits.ConnectionsPerIP = 1
	w.Limits.TrustedProxies = []string{"127.0.0.1"}
	s := start(t, w)
	behind := func(client string) *wire {
		c := newWire(t, over("tcp").socket(s))
		c.send(header(t, 2, client, "10.0.0.1:80"))
		return c
	}
	one := behind("192.0.2.7:1")
	events.expect(t, "connect 192.0.2.7:1")
	behind("192.0.2.7:2").expectCut()
	behind("192.0.2.8:1")
	events.expect(t, "connect 192.0.2.8:1")
	one.Close()
	events.expect(t, "close 192.0.2.7:1")
	behind("192.0.2.7:3")
	events.expect(t, "connect 192.0.2.7:3")
	events.none(t)
}
