package worker_test

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"context"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/worker"
)

// nameServer makes every name under .test have these addresses, for this test.
func nameServer(t *testing.T, addresses ...string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends with the socket
		defer close(done)
		p := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(p)
			if err != nil {
				return
			}
			conn.WriteTo(dnsAnswer(p[:n], addresses), from)
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
		}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		conn.Close()
		<-done
	})
}

// dnsAnswer answers one question of RFC 1035 section 4.1.
func dnsAnswer(query []byte, addresses []string) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	kind := binary.BigEndian.Uint16(query[end+1:])
	answer := append([]byte(nil), query[:end+5]...)
	answer[2], answer[3] = 0x81, 0x80
	copy(answer[6:12], make([]byte, 6))
	for _, a := range addresses {
		ip := net.ParseIP(a)
		record, data := uint16(28), ip.To16()
		if v4 := ip.To4(); v4 != nil {
			record, data = 1, v4
		}
		if record != kind {
			continue
		}
		answer[7]++
		answer = append(answer, 0xc0, 12)
		answer = binary.BigEndian.AppendUint16(answer, record)
		answer = append(answer, 0, 1, 0, 0, 0, 9, 0, byte(len(data)))
		answer = append(answer, data...)
	}
	return answer
}

func TestNextAddressOfANameIsTried(t *testing.T) {
	addr := echoes(t)
	_, port, _ := net.SplitHostPort(addr)
	for name, addresses := range map[string][]string{
		"IPv6 refused": {"::1", "127.0.0.1"}, "IPv4 refused": {"127.0.0.2", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			nameServer(t, addresses...)
			o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://two.test:"+port, func(o *outgoing) {
				o.OnBufferDrain = nil
				o.Send("early")
			})
			o.expect(t, "connect", "message early")
			o.do(func() {
				if o.RemoteIP() != "127.0.0.1" || o.RemoteHost() != "two.test" || !o.IsIPv4() {
					t.Errorf("%s of %s", o.RemoteIP(), o.RemoteHost())
				}
			})
			o.end(t)
		})
	}
	t.Run("the first is silent", func(t *testing.T) {
		addr := blackHole(t)
		_, port, _ := net.SplitHostPort(addr)
		l, err := net.Listen("tcp", "127.0.0.2:"+port)
		if err != nil {
			t.Skip(err)
		}
		serveWith(t, l, func(conn net.Conn) { io.Copy(io.Discard, conn) })
		nameServer(t, "127.0.0.1", "127.0.0.2")
		d := worker.Dialer{Timeout: deadline / 10}
		o := clientOnly(t).connectTo(d, "tcp://two.test:"+port)
		o.expect(t, "connect")
		o.end(t)
		nameServer(t, "127.0.0.1", "127.0.0.1")
		clientOnly(t).connectTo(d, "tcp://two.test:"+port).failed(t, "no answer in time")
	})
	t.Run("none is left", func(t *testing.T) {
		nameServer(t, "127.0.0.2", "127.0.0.3")
		o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://two.test:"+port)
		o.failed(t, "connect two.test:"+port+": connection refused")
	})
	t.Run("no address", func(t *testing.T) {
		nameServer(t)
		clientOnly(t).connectTo(worker.Dialer{}, "tcp://two.test:"+port).failed(t, "two.test")
	})
}

func TestLocalAddressOfAClient(t *testing.T) {
	from := make(chan string, 1)
	addr := peer(t, func(conn net.Conn) {
		from <- conn.RemoteAddr().String()
		io.Copy(io.Discard, conn)
	})
	o := clientOnly(t).connectTo(worker.Dialer{BindTo: "127.0.0.3:0"}, "tcp://"+addr)
	o.expect(t, "connect")
	seen := await(t, from, "address")
	o.do(func() {
		if o.LocalIP() != "127.0.0.3" || o.LocalAddr().String() != seen ||
			o.RemoteAddr().String() != addr {
			t.Errorf("%v to %v, the peer sees %s", o.LocalAddr(), o.RemoteAddr(), seen)
		}
		options := []struct{ level, name, want int }{
			{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1}, {unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 55},
		}
		for _, want := range options {
			got, err := unix.GetsockoptInt(o.Fd(), want.level, want.name)
			if err != nil || got != want.want {
				t.Errorf("option %d is %d (%v), want %d", want.name, got, err, want.want)
			}
		}
	})
	o.end(t)
}

func TestClientAsJSON(t *testing.T) {
	addr := silent(t)
	o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://"+addr, func(o *outgoing) {
		text, err := json.Marshal(o.Connection)
		if err != nil || !strings.Contains(string(text), `"INITIAL"`) {
			t.Errorf("%s, %v", text, err)
		}
		if o.LocalAddr() != nil || o.RemoteIP() != "" || o.LocalIP() != "" {
			t.Errorf("%v to %q before it connects", o.LocalAddr(), o.RemoteIP())
		}
	})
	o.expect(t, "connect")
	o.do(func() {
		text, err := json.Marshal(o.Connection)
		var got map[string]any
		if err == nil {
			err = json.Unmarshal(text, &got)
		}
		if err != nil || got["status"] != "ESTABLISHED" || got["remote_address"] != addr ||
			got["remote_ip"] != "127.0.0.1" || got["transport"] != "tcp" || got["is_ipv4"] != true ||
			got["local_address"] != o.LocalAddr().String() || got["id"] != 1.0 {
			t.Errorf("%s, %v", text, err)
		}
	})
	o.end(t)
}

func TestUnixClient(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	serveWith(t, l, func(conn net.Conn) { io.Copy(plain{conn}, plain{conn}) })
	for _, address := range []string{"unix://" + path, "text://" + path} {
		o := clientOnly(t).connectTo(worker.Dialer{Transport: "unix"}, address, func(o *outgoing) {
			o.OnBufferDrain = nil
			o.Send("early")
		})
		o.expect(t, "connect", "message early")
		o.do(func() {
			if o.RemoteAddr().String() != path || o.RemoteIP() != "" || o.RemoteHost() != path ||
				o.Transport() != "unix" || o.IsIPv4() || o.IsIPv6() {
				t.Errorf("%v, %q, %s", o.RemoteAddr(), o.RemoteIP(), o.Transport())
			}
		})
		o.end(t)
	}
}

func TestDefaultPortsOfClients(t *testing.T) {
	for address, want := range map[string]string{
		"ws://127.9.9.9": "127.9.9.9:80", "wss://127.9.9.9/x": "127.9.9.9:443",
		"ssl://127.9.9.9": "127.9.9.9:443", "tcp://[::1]": "[::1]:80",
	} {
		clientOnly(t).connectTo(worker.Dialer{Timeout: 1e9}, address).failed(t, "connect "+want+": ")
	}
}

// TestHTTPByHand is the HTTP GET of features.md 19.23, without Connect.
func TestHTTPByHand(t *testing.T) {
	addr := peer(t, func(conn net.Conn) {
		p := make([]byte, 1024)
		n, _ := conn.Read(p)
		io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\n"+string(p[:n]))
	})
	o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://"+addr, func(o *outgoing) {
		o.OnConnect = func(c *worker.Connection) {
			c.Send("GET / HTTP/1.1\r\nHost: www.baidu.com\r\nConnection: keep-alive\r\n\r\n")
		}
		o.OnMessage = func(_ *worker.Connection, data []byte) {
			o.add("%v", strings.HasSuffix(string(data), "\r\n\r\n"))
		}
	})
	o.expect(t, "true", "close")
}
