package preamble

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/things-go/go-socks5"
)

const patience = 10 * time.Second

// through runs p on a real connection to proxy and returns what the target said
// first: it greets, and then repeats what it is told.
func through(t *testing.T, proxy string, p Preamble) (string, error) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", proxy, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	rest, err := open(t, conn, p)
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, "ping"); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, len("welcome ping"))
	if _, err := io.ReadFull(io.MultiReader(bytes.NewReader(rest), conn), said); err != nil {
		t.Fatal(err)
	}
	return string(said), nil
}

// open is the part of a connection that runs its preamble; it returns the bytes
// that came too early.
func open(t *testing.T, conn net.Conn, p Preamble) (rest []byte, err error) {
	t.Helper()
	send := p.Start()
	buf := make([]byte, 4096)
	for {
		if _, err := conn.Write(send); err != nil {
			t.Fatal(err)
		}
		got, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		rest = append(rest, buf[:got]...)
		n, reply, done, err := p.Feed(rest)
		if err != nil {
			return nil, err
		}
		if rest, send = rest[n:], reply; done {
			return rest, nil
		}
	}
}

// serve runs handle for every connection to the address it returns.
func serve(t *testing.T, address string, handle func(net.Conn)) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { // ends with the connection
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return l.Addr().(*net.TCPAddr)
}

func target(t *testing.T, address string) *net.TCPAddr {
	return serve(t, address, func(conn net.Conn) {
		io.WriteString(conn, "welcome ")
		io.Copy(conn, conn)
	})
}

// resolver knows one name.
type resolver struct{}

func (resolver) Resolve(ctx context.Context, name string) (context.Context, net.IP, error) {
	if name != "known.example" {
		return ctx, nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return ctx, net.IPv4(127, 0, 0, 1), nil
}

func socksServer(t *testing.T, options ...socks5.Option) string {
	t.Helper()
	s := socks5.NewServer(append(options, socks5.WithResolver(resolver{}))...)
	return serve(t, "127.0.0.1:0", func(conn net.Conn) { s.ServeConn(conn) }).String()
}

func TestSOCKS5ThroughARealProxy(t *testing.T) {
	port := uint16(target(t, "127.0.0.1:0").Port)
	free := socksServer(t)
	guarded := socksServer(t, socks5.WithCredential(socks5.StaticCredentials{"me": "secret"}))
	closed := socksServer(t, socks5.WithRule(socks5.NewPermitNone()))
	for _, c := range []struct{ name, proxy, host, user, password, err string }{
		{"a name that only the proxy knows", free, "known.example", "", "", ""},
		{"address", free, "127.0.0.1", "", "", ""},
		{"password not wanted", free, "127.0.0.1", "me", "secret", ""},
		{"password", guarded, "known.example", "me", "secret", ""},
		{"wrong password", guarded, "known.example", "me", "x", "user or password refused"},
		{"no password", guarded, "known.example", "", "", "wants a user and password"},
		{"unknown name", free, "unknown.example", "", "", "host unreachable"},
		{"rules", closed, "127.0.0.1", "", "", "connection not allowed by its rules"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, err := through(t, c.proxy, SOCKS5(c.host, port, c.user, c.password))
			judge(t, said, err, "socks5 proxy: ", c.err)
		})
	}
	t.Run("IPv6", func(t *testing.T) {
		if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
			t.Skip("no IPv6 here:", err)
		} else {
			l.Close()
		}
		said, err := through(t, free, SOCKS5("::1", uint16(target(t, "[::1]:0").Port), "", ""))
		judge(t, said, err, "", "")
	})
	t.Run("nobody listens", func(t *testing.T) {
		said, err := through(t, free, SOCKS5("127.0.0.1", closedPort(t), "", ""))
		judge(t, said, err, "socks5 proxy: ", "connection refused")
	})
}

// closedPort is one that nobody listens on.
func closedPort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

func judge(t *testing.T, said string, err error, prefix, want string) {
	t.Helper()
	if want == "" && (err != nil || said != "welcome ping") {
		t.Errorf("%q, %v, want the words of the target", said, err)
	}
	if want != "" && (err == nil || err.Error() != prefix+want) {
		t.Errorf("%q, %v, want error %s%s", said, err, prefix, want)
	}
}

// httpProxy is a CONNECT proxy on net/http. It sends its answer and the first
// words of the target at once.
func httpProxy(t *testing.T, user, password string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The server reads basic authentication from Authorization only.
		asked := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if u, p, _ := asked.BasicAuth(); u != user || p != password {
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect || r.Host != r.URL.Host {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		to, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer to.Close()
		relay(w, to)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// relay opens the tunnel and copies until the client leaves.
func relay(w http.ResponseWriter, to net.Conn) {
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	first := make([]byte, len("welcome "))
	if _, err := io.ReadFull(to, first); err != nil {
		return
	}
	client.Write(slices.Concat([]byte("HTTP/1.1 200 Connection established\r\n\r\n"), first))
	back := make(chan struct{})
	go func() { // ends when the target is closed
		defer close(back)
		io.Copy(client, to)
	}()
	io.Copy(to, client)
	to.Close()
	<-back
}

func TestConnectThroughARealProxy(t *testing.T) {
	port := uint16(target(t, "127.0.0.1:0").Port)
	free, guarded := httpProxy(t, "", ""), httpProxy(t, "me", "secret: x")
	for _, c := range []struct{ name, proxy, host, user, password, err string }{
		{"name", free, "localhost", "", "", ""},
		{"address", free, "127.0.0.1", "", "", ""},
		{"password", guarded, "127.0.0.1", "me", "secret: x", ""},
		{"wrong password", guarded, "127.0.0.1", "me", "x", "407 Proxy Authentication Required"},
		{"no password", guarded, "127.0.0.1", "", "", "407 Proxy Authentication Required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, err := through(t, c.proxy, Connect(c.host, port, c.user, c.password))
			judge(t, said, err, "http proxy: ", c.err)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		said, err := through(t, free, Connect("127.0.0.1", closedPort(t), "", ""))
		judge(t, said, err, "http proxy: ", "502 Bad Gateway")
	})
}
