package worker_test

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/things-go/go-socks5"

	"github.com/workerman-go/wm/worker"
)

// proxyNames resolves the one name that only proxies know.
type proxyNames struct{}

func (proxyNames) Resolve(ctx context.Context, name string) (context.Context, net.IP, error) {
	if name != "known.invalid" {
		return ctx, nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return ctx, net.IPv4(127, 0, 0, 1), nil
}

// socksProxy is a real one; with a user it asks for a password.
func socksProxy(t testing.TB, user string) (addr string) {
	options := []socks5.Option{
		socks5.WithResolver(proxyNames{}),
		socks5.WithLogger(socks5.NewLogger(log.New(io.Discard, "", 0))),
		socks5.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return halfPlain{plain{conn}, conn.(*net.TCPConn)}, nil
		}),
	}
	if user != "" {
		options = append(options, socks5.WithCredential(socks5.StaticCredentials{user: "secret"}))
	}
	s := socks5.NewServer(options...)
	return peer(t, func(conn net.Conn) { s.ServeConn(halfPlain{plain{conn}, conn.(*net.TCPConn)}) })
}

// halfPlain is plain and can still end one direction.
type halfPlain struct {
	plain
	tcp *net.TCPConn
}

func (h halfPlain) CloseWrite() error { return h.tcp.CloseWrite() }

// httpProxy is an http.Server that serves CONNECT.
func httpProxy(t testing.TB, user string) (addr string) {
	serve := func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := (&http.Request{Header: http.Header{
			"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
		switch {
		case r.Method != http.MethodConnect:
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		case user != "" && (name != user || password != "secret"):
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		to, err := net.Dial("tcp", strings.Replace(r.Host, "known.invalid", "127.0.0.1", 1))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer to.Close()
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 Connection established\r\nX-Way: open\r\n\r\n")
		go func() { // ends with either connection
			io.Copy(plain{to}, plain{conn})
			to.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(plain{conn}, plain{to})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(serve), ErrorLog: log.New(io.Discard, "", 0)}
	go s.Serve(l) // ends with Close
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// proxies makes a Dialer for each kind of proxy.
var proxies = map[string]func(t testing.TB, user string) func(password string) worker.Dialer{
	"SOCKS5": func(t testing.TB, user string) func(string) worker.Dialer {
		addr := socksProxy(t, user)
		return func(password string) worker.Dialer {
			d := overTLS()
			d.Socks5 = worker.Proxy{Addr: addr, User: user, Password: password}
			return d
		}
	},
	"CONNECT": func(t testing.TB, user string) func(string) worker.Dialer {
		addr := httpProxy(t, user)
		return func(password string) worker.Dialer {
			d := overTLS()
			d.HTTPProxy = worker.Proxy{Addr: addr, User: user, Password: password}
			return d
		}
	},
}

func TestProxiesCarryEveryProtocol(t *testing.T) {
	for kind, proxy := range proxies {
		for _, user := range []string{"", "somebody"} {
			dialer := proxy(t, user)("secret")
			for _, scheme := range []string{"tcp", "text", "ssl", "ws", "wss"} {
				t.Run(strings.Join([]string{kind, user, scheme}, " "), func(t *testing.T) {
					server := map[string]string{"ws": "websocket", "wss": "websocket", "ssl": "tcp"}[scheme]
					if server == "" {
						server = scheme
					}
					w := echo(server + "://127.0.0.1:0")
					if strings.HasSuffix(scheme, "s") && scheme != "ws" || scheme == "ssl" {
						secure(w)
					}
					s := start(t, w)
					host := strings.Replace(s.addr, "127.0.0.1", "known.invalid", 1)
					o := s.connectTo(dialer, scheme+"://"+host+"/path", func(o *outgoing) {
						o.OnBufferDrain = nil
						o.Send("early")
					})
					o.expect(t, "connect", "message early")
					if o.RemoteHost() != "known.invalid" || o.RemoteURI() != "/path" {
						t.Errorf("host %q, URI %q", o.RemoteHost(), o.RemoteURI())
					}
					o.do(func() { o.Reconnect(0) })
					o.expect(t, "close", "connect")
					o.do(func() { o.Send("again") })
					o.expect(t, "message again")
					o.end(t)
				})
			}
		}
	}
}

func TestTargetThatSpeaksFirstThroughAProxy(t *testing.T) {
	addr := peer(t, func(conn net.Conn) { io.WriteString(conn, "220 hello\r\n") })
	for kind, proxy := range proxies {
		t.Run(kind, func(t *testing.T) {
			s, dialer := clientOnly(t), proxy(t, "")("")
			for range 10 {
				o := s.connectTo(dialer, "text://"+addr)
				o.expect(t, "connect", "message 220 hello", "close")
			}
		})
	}
	t.Run("in one piece with the answer", func(t *testing.T) {
		together := peer(t, func(conn net.Conn) {
			http.ReadRequest(bufio.NewReader(conn))
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n220 hello\r\n")
		})
		d := worker.Dialer{HTTPProxy: worker.Proxy{Addr: together}}
		o := clientOnly(t).connectTo(d, "text://"+addr)
		o.expect(t, "connect", "message 220 hello", "close")
	})
}

func TestProxiesThatRefuse(t *testing.T) {
	target := refused(t)
	for kind, want := range map[string]struct{ password, target, host string }{
		"SOCKS5":  {"user or password refused", "socks5 proxy: ", "socks5 proxy: host unreachable"},
		"CONNECT": {"407 Proxy Authentication Required", "502 Bad Gateway", "502 Bad Gateway"},
	} {
		t.Run(kind, func(t *testing.T) {
			closed, open := proxies[kind](t, "somebody"), proxies[kind](t, "")
			s := clientOnly(t)
			s.connectTo(closed("wrong"), "tcp://"+target).failed(t, target, want.password)
			s.connectTo(open(""), "tcp://"+target).failed(t, target, want.target)
			s.connectTo(open(""), "tcp://nobody.invalid:1").failed(t, "nobody.invalid:1", want.host)
		})
	}
}

func TestProxiesThatFail(t *testing.T) {
	quiet, nobody := silent(t), refused(t)
	closes := peer(t, func(conn net.Conn) {})
	cuts := peer(t, func(conn net.Conn) {
		conn.Read(make([]byte, 64))
		conn.Write([]byte{5})
	})
	other := peer(t, func(conn net.Conn) {
		io.WriteString(conn, "SSH-2.0-OpenSSH\r\n")
		io.Copy(io.Discard, conn)
	})
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		name  string
		proxy worker.Proxy
		want  string
	}{
		{"refused", worker.Proxy{Addr: nobody}, nobody},
		{"unknown", worker.Proxy{Addr: "nobody.invalid:1080"}, "nobody.invalid"},
		{"no port", worker.Proxy{Addr: "127.0.0.1"}, "missing port"},
		{"bad port", worker.Proxy{Addr: "127.0.0.1:http"}, "proxy 127.0.0.1:http: malformed port"},
		{"silent", worker.Proxy{Addr: quiet}, "no answer in time"},
		{"closes", worker.Proxy{Addr: closes}, "closed the connection"},
		{"closes in its answer", worker.Proxy{Addr: cuts}, "via " + cuts},
		{"other protocol", worker.Proxy{Addr: other}, "the answer is not"},
		{"user that cannot be sent", worker.Proxy{Addr: quiet, User: "a:" + long}, "user"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := clientOnly(t)
			d := worker.Dialer{Socks5: c.proxy}
			if c.name == "silent" {
				d.Timeout = 30e6
			}
			s.connectTo(d, "tcp://192.0.2.1:80").failed(t, "192.0.2.1:80", c.want)
			d.Socks5, d.HTTPProxy = worker.Proxy{}, c.proxy
			s.connectTo(d, "tcp://192.0.2.1:80").failed(t, "192.0.2.1:80", c.want)
		})
	}
	d := worker.Dialer{Socks5: worker.Proxy{Addr: quiet}}
	o := clientOnly(t).connectTo(d, "udp://192.0.2.1:80")
	o.failed(t, "udp does not go through proxies")
}
