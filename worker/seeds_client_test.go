package worker_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// The examples of the page about AsyncTcpConnection, and the one with
// certificates.

// elsewhere is a server beside the process: handle has each of its connections
// on a goroutine. It is closed when the test ends.
func elsewhere(t *testing.T, handle func(conn net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	running.Go(func() { // ends when l is closed
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { // ends with the connection, or its deadline
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(deadline))
				handle(conn)
			})
		}
	})
	return l.Addr().String()
}

// nobody is an address where nobody listens.
func nobody(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestSeedHTTPGet(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s of %s", r.Method, r.Host)
	}))
	t.Cleanup(server.Close)
	got := newEvents()

	task := worker.New("")
	task.OnWorkerStart = func(task *worker.Worker) error {
		c := worker.Dial("tcp://" + server.Listener.Addr().String())
		c.OnConnect = func(c *worker.Connection) {
			got.add("connect success")
			c.Send("GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n")
		}
		page := ""
		c.OnMessage = func(c *worker.Connection, data []byte) { page += string(data) }
		c.OnClose = func(c *worker.Connection) {
			head, body, _ := strings.Cut(page, "\r\n\r\n")
			got.add("%.15s", head)
			got.add("%s", body)
			got.add("connection closed")
		}
		c.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
			got.add("Error code:%d msg:%v", code, err)
		}
		return nil
	}
	serve(t, task)
	got.expect(t, "connect success", "HTTP/1.1 200 OK", "GET of www.example.com",
		"connection closed")
}

func TestSeedConnectFailure(t *testing.T) {
	addr := nobody(t)
	got := newEvents()
	task := worker.New("")
	task.OnWorkerStart = func(task *worker.Worker) error {
		c := worker.Dial("tcp://" + addr)
		c.OnConnect = func(c *worker.Connection) { got.add("connect success") }
		c.OnClose = func(c *worker.Connection) { got.add("connection closed") }
		c.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
			text, _, _ := strings.Cut(err.Error(), " (after ")
			got.add("Error code:%d msg:%s", code, text)
		}
		return nil
	}
	serve(t, task)
	got.expect(t, "Error code:1 msg:connect "+addr+": connection refused", "connection closed")
}

// mysqlProxy is the manual's relay to real.
func mysqlProxy(real string) *worker.Worker {
	proxy := worker.New("tcp://0.0.0.0:4406")
	proxy.OnConnect = func(c *worker.Connection) {
		toMySQL := worker.Dial(real)
		toMySQL.OnMessage = func(_ *worker.Connection, buffer []byte) { c.Send(buffer) }
		toMySQL.OnClose = func(_ *worker.Connection) { c.Close() }
		toMySQL.OnError = func(_ *worker.Connection, _ worker.ErrorCode, _ error) { c.Close() }

		c.OnMessage = func(_ *worker.Connection, buffer []byte) { toMySQL.Send(buffer) }
		c.OnClose = func(_ *worker.Connection) { toMySQL.Close() }
		c.OnError = func(_ *worker.Connection, _ worker.ErrorCode, _ error) { toMySQL.Close() }
	}
	return proxy
}

func TestSeedMySQLProxy(t *testing.T) {
	const size = 600 << 10 // below what may wait to be sent
	real := elsewhere(t, func(conn net.Conn) {
		io.WriteString(conn, "5.7.30-log") // the server greets
		query := make([]byte, size)
		if _, err := io.ReadFull(conn, query); err == nil {
			conn.Write(bytes.ToUpper(query))
		}
	})
	s := serve(t, mysqlProxy("tcp://"+real))
	c := s.dial()
	c.send(string(pattern(size))) // at once, the way to MySQL does not stand yet
	c.expect("5.7.30-log")
	c.expect(string(bytes.ToUpper(pattern(size))))
	c.expectEnd() // the server has hung up
}

func TestSeedMySQLProxyClosesBothSides(t *testing.T) {
	ended := newEvents()
	real := elsewhere(t, func(conn net.Conn) {
		io.WriteString(conn, "hello")
		rest, err := io.ReadAll(conn)
		ended.add("%q %v", rest, err)
	})
	s := serve(t, mysqlProxy("tcp://"+real))
	c := s.dial()
	c.expect("hello")
	c.send("quit")
	c.Close()
	ended.expect(t, `"quit" <nil>`)
	eventually(t, "no connection is left", func() (none bool) {
		s.do(func() { none = worker.Stats().Connections == 0 })
		return none
	})
}

func TestSeedMySQLProxyWithoutMySQL(t *testing.T) {
	s := serve(t, mysqlProxy("tcp://"+nobody(t)))
	c := s.dial()
	c.expectEnd()
}

// certificateFiles writes the certificate of the tests, and its key.
func certificateFiles(t *testing.T) (cert, key string) {
	t.Helper()
	own := selfSigned()
	secret, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key")
	for path, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: own.Certificate[0]},
		key:  {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestSeedSecureWebsocket(t *testing.T) {
	cert, key := certificateFiles(t)
	w := worker.New("websocket://0.0.0.0:4431")
	w.TLS = worker.TLS{CertFile: cert, KeyFile: key}
	w.Transport = "ssl"
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Send("ok") }
	s := serve(t, w)

	got := newEvents()
	s.do(func() {
		d := worker.Dialer{TLS: worker.TLS{Config: clientTLS()}}
		c := d.Dial("wss://" + s.addr)
		c.OnConnect = func(c *worker.Connection) { c.Send("hi") }
		c.OnMessage = func(c *worker.Connection, data []byte) {
			got.add("%s", data)
			c.Close()
		}
		c.OnClose = func(c *worker.Connection) { got.add("closed") }
		stranger := worker.Dial("wss://" + s.addr) // does not know who signed it
		stranger.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
			got.add("stranger %d %v", code, strings.Contains(err.Error(), "certificate"))
		}
	})
	seen := map[string]bool{}
	for range 3 {
		seen[await(t, got, "event")] = true
	}
	for _, want := range []string{"ok", "closed", "stranger 1 true"} {
		if !seen[want] {
			t.Errorf("got %v, want %q in it", seen, want)
		}
	}
}
