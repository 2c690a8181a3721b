package worker_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/workerman-go/wm/worker"
)

// What the manual says of clients behind proxies.

// carry is the work of a proxy once the way is free.
func carry(client net.Conn, r io.Reader, target string) {
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { // ends when carry returns, or the client ends
		_, _ = io.Copy(struct{ io.Writer }{server}, struct{ io.Reader }{r})
	}()
	_, _ = io.Copy(struct{ io.Writer }{client}, struct{ io.Reader }{server})
}

// namedProxy speaks CONNECT and demands a name.
func namedProxy(t *testing.T, asked events) string {
	return elsewhere(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		asked.add("%s %s %s", request.Method, request.Host, request.Header.Get("Proxy-Authorization"))
		io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		carry(conn, r, request.Host)
	})
}

// socks5Proxy demands a name and a password (RFC 1928 and 1929).
func socks5Proxy(t *testing.T, asked events) string {
	return elsewhere(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		counted := func() string { // a string behind its length
			n, _ := r.ReadByte()
			s := make([]byte, n)
			_, _ = io.ReadFull(r, s)
			return string(s)
		}
		_, _ = r.Discard(1) // version, then the methods
		counted()
		conn.Write([]byte{5, 2})
		_, _ = r.Discard(1)
		user, password := counted(), counted()
		conn.Write([]byte{1, 0})
		head := make([]byte, 4)
		_, _ = io.ReadFull(r, head)
		host := ""
		if head[3] == 3 {
			host = counted()
		} else {
			ip := make(net.IP, 4)
			_, _ = io.ReadFull(r, ip)
			host = ip.String()
		}
		port := make([]byte, 2)
		if _, err := io.ReadFull(r, port); err != nil {
			return
		}
		target := net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port))))
		asked.add("CONNECT %s %s:%s", target, user, password)
		conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		carry(conn, r, target)
	})
}

func TestManualThroughAProxy(t *testing.T) {
	asked, got := newEvents(), newEvents()
	for _, tt := range []struct {
		name, says string
		via        worker.Dialer
	}{
		{"http", "Basic dG9tOnNlY3JldA==", worker.Dialer{
			HTTPProxy: worker.Proxy{Addr: namedProxy(t, asked), User: "tom", Password: "secret"}}},
		{"socks5", "tom:secret", worker.Dialer{
			Socks5: worker.Proxy{Addr: socks5Proxy(t, asked), User: "tom", Password: "secret"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, echo("websocket://0.0.0.0:8484"))
			s.do(func() {
				c := tt.via.Dial("ws://" + s.addr)
				c.OnMessage = func(c *worker.Connection, data []byte) {
					got.add("%s", data)
					c.Close()
				}
				c.OnClose = func(c *worker.Connection) { got.add("closed") }
				c.Send("hello")
			})
			asked.expect(t, "CONNECT "+s.addr+" "+tt.says)
			got.expect(t, "hello", "closed")
		})
	}
	s := serve(t, worker.New(""))
	s.do(func() {
		d := worker.Dialer{HTTPProxy: worker.Proxy{Addr: nobody(t)}}
		c := d.Dial("tcp://192.0.2.1:80")
		c.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
			got.add("error %d", code)
		}
	})
	got.expect(t, "error 1")
}
