package worker_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/workerman-go/wm/protocol"
	ws "github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

// wsPeer is a real websocket server.
func wsPeer(
	t testing.TB, o websocket.AcceptOptions,
	handle func(ctx context.Context, c *websocket.Conn, r *http.Request),
) (addr string) {
	t.Helper()
	o.InsecureSkipVerify = true // of the origin
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Peer", "real")
		c, err := websocket.Accept(w, r, &o)
		if err != nil {
			return
		}
		c.SetReadLimit(1 << 30)
		ctx, cancel := context.WithTimeout(r.Context(), deadline)
		defer cancel()
		handle(ctx, c, r)
		c.CloseNow()
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.Listener.Addr().String()
}

func wsEcho(ctx context.Context, c *websocket.Conn, _ *http.Request) {
	for {
		kind, data, err := c.Read(ctx)
		if err != nil || c.Write(ctx, kind, data) != nil {
			return
		}
	}
}

func TestWebsocketRequestOfAClient(t *testing.T) {
	requests := make(chan *http.Request, 8)
	addr := wsPeer(t, websocket.AcceptOptions{Subprotocols: []string{"v2"}},
		func(ctx context.Context, c *websocket.Conn, r *http.Request) {
			requests <- r
			wsEcho(ctx, c, r)
		})
	for _, c := range []struct{ name, host string }{
		{"", addr}, {"set by the author", "chat.example"},
	} {
		t.Run("Host "+c.name, func(t *testing.T) {
			d := worker.Dialer{Subprotocols: []string{"v1", "v2"}, Header: http.Header{
				"Origin": {"http://here.example"}, "Cookie": {"a=b"}, "x-token": {"t"},
				"Upgrade": {"h2c"}, "X-Bad": {"a\r\nb: c"}}}
			if c.name != "" {
				d.Header.Set("Host", c.host)
			}
			var header http.Header
			o := clientOnly(t).connectTo(d, "ws://"+addr+"/chat?room=1#part", func(o *outgoing) {
				o.OnWebSocketConnected = func(c *worker.Connection) {
					header = c.ReplyHeader()
					o.add("open")
				}
			})
			o.expect(t, "connect", "open")
			r := await(t, requests, "request")
			if r.Host != c.host || r.RequestURI != "/chat?room=1" ||
				r.Header.Get("Origin") != "http://here.example" ||
				r.Header.Get("Cookie") != "a=b" || r.Header.Get("X-Token") != "t" ||
				r.Header.Get("Upgrade") != "websocket" || r.Header.Get("B") != "" ||
				r.Header.Get("X-Bad") != "" {
				t.Errorf("%s %s of %s: %v", r.Method, r.RequestURI, r.Host, r.Header)
			}
			if header.Get("Sec-WebSocket-Protocol") != "v2" || header.Get("X-Peer") != "real" {
				t.Errorf("reply %v", header)
			}
			if o.RemoteURI() != "/chat?room=1" || o.RemoteHost() != "127.0.0.1" {
				t.Errorf("%q at %q", o.RemoteURI(), o.RemoteHost())
			}
			o.end(t)
		})
	}
}

func TestWebsocketMessagesOfAClient(t *testing.T) {
	for _, compress := range []bool{false, true} {
		agreed := make(chan string, 4)
		addr := wsPeer(t, websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover},
			func(ctx context.Context, c *websocket.Conn, r *http.Request) {
				agreed <- r.Header.Get("Sec-WebSocket-Extensions")
				wsEcho(ctx, c, r)
			})
		long := strings.Repeat("a long message that can be compressed. ", 4000)
		o := clientOnly(t).connectTo(worker.Dialer{}, "ws://"+addr+"/p?q", func(o *outgoing) {
			if compress {
				o.SetProtocol(ws.New(ws.Options{Compress: true, ContextTakeover: true}))
			}
			o.OnBufferDrain = nil
			o.OnMessage = func(c *worker.Connection, data []byte) {
				o.add("%v %v %s", c.Binary(), len(data) == len(long), data[:min(len(data), 9)])
			}
			o.Send("early")
			o.OnWebSocketConnected = func(c *worker.Connection) {
				c.SendBinary([]byte("binary"))
				c.Send(long)
				c.Send(7)
			}
		})
		o.expect(t, "connect", "false false early", "true false binary",
			"false true a long me", "false false 7")
		if got := await(t, agreed, "request"); strings.Contains(got, "permessage-deflate") != compress {
			t.Errorf("offered %q, compress %v", got, compress)
		}
		o.do(func() {
			if compress && o.BytesWritten > 20_000 {
				t.Errorf("%d bytes written", o.BytesWritten)
			}
			o.Reconnect(0) // the handshake begins anew
		})
		o.expect(t, "close", "connect", "true false binary", "false true a long me", "false false 7")
		o.end(t)
	}
}

func TestWebsocketOfARegisteredScheme(t *testing.T) {
	protocol.Register("deflatews", ws.New(ws.Options{Compress: true}))
	addr := wsPeer(t, websocket.AcceptOptions{}, wsEcho)
	d := worker.Dialer{Header: http.Header{"Origin": {"http://x"}}}
	o := clientOnly(t).connectTo(d, "deflatews://"+addr+"/", func(o *outgoing) {
		o.OnBufferDrain = nil
		o.Send("early")
	})
	o.expect(t, "connect", "message early")
	o.end(t)
}

func TestWebsocketPingsOfAClient(t *testing.T) {
	pings := make(chan struct{}, 64)
	addr := wsPeer(t, websocket.AcceptOptions{OnPingReceived: func(context.Context, []byte) bool {
		pings <- struct{}{}
		return true
	}}, wsEcho)
	d := worker.Dialer{PingInterval: time.Millisecond}
	o := clientOnly(t).connectTo(d, "ws://"+addr, func(o *outgoing) {
		o.OnWebSocketPong = func(*worker.Connection, []byte) { o.events <- "pong" }
	})
	o.expect(t, "connect", "pong", "pong")
	await(t, pings, "ping")
	o.do(o.Destroy)
	for await(t, o.events, "close") != "close" {
	}
	o.gone(t) // and no ping comes behind
}

func TestWebsocketCloseCodes(t *testing.T) {
	type ended struct {
		code   websocket.StatusCode
		reason string
	}
	ends := make(chan ended, 1)
	serve := func(ctx context.Context, c *websocket.Conn, r *http.Request) {
		if r.URL.Path == "/server" {
			c.Close(4001, "go away")
			return
		}
		_, _, err := c.Read(ctx)
		var e websocket.CloseError
		if ce := websocket.CloseStatus(err); ce >= 0 {
			e.Code = ce
			e.Reason = err.Error()
		}
		ends <- ended{e.Code, e.Reason}
	}
	addr := wsPeer(t, websocket.AcceptOptions{}, serve)
	t.Run("of the client", func(t *testing.T) {
		o := clientOnly(t).connectTo(worker.Dialer{}, "ws://"+addr, func(o *outgoing) {
			o.OnWebSocketConnected = func(c *worker.Connection) { c.CloseCode(4000, "enough") }
		})
		o.expect(t, "connect", "close")
		if got := await(t, ends, "end"); got.code != 4000 || !strings.Contains(got.reason, "enough") {
			t.Errorf("the peer got %v", got)
		}
	})
	t.Run("Close is 1000", func(t *testing.T) {
		o := clientOnly(t).connectTo(worker.Dialer{}, "ws://"+addr, func(o *outgoing) {
			o.OnWebSocketConnected = func(c *worker.Connection) { c.Close() }
		})
		o.expect(t, "connect", "close")
		if got := await(t, ends, "end"); got.code != websocket.StatusNormalClosure {
			t.Errorf("the peer got %v", got)
		}
	})
	t.Run("of the server", func(t *testing.T) {
		o := clientOnly(t).connectTo(worker.Dialer{}, "ws://"+addr+"/server", func(o *outgoing) {
			o.OnWebSocketClose = func(c *worker.Connection, code int, reason string) {
				o.add("code %d %s", code, reason)
				c.Close()
			}
		})
		o.expect(t, "connect", "code 4001 go away", "close")
		o.gone(t)
	})
}

// answers is a server that reads the request and answers anything.
func answers(t testing.TB, answer func(key string) string) (addr string) {
	return peer(t, func(conn net.Conn) {
		var request []byte
		for !bytes.HasSuffix(request, []byte("\r\n\r\n")) {
			p := make([]byte, 4096)
			n, err := conn.Read(p)
			if err != nil {
				return
			}
			request = append(request, p[:n]...)
		}
		_, key, _ := strings.Cut(string(request), "Sec-WebSocket-Key: ")
		key, _, _ = strings.Cut(key, "\r\n")
		io.WriteString(conn, answer(key))
		io.Copy(io.Discard, conn)
	})
}

func switched(key string, more ...string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n" +
		strings.Join(more, "") + "\r\n"
}

func TestWebsocketAnswersThatFail(t *testing.T) {
	for _, c := range []struct {
		name, want string
		answer     func(key string) string
	}{
		{"200", `"HTTP/1.1 200 OK"`, func(string) string { return "HTTP/1.1 200 OK\r\n\r\n" }},
		{"403", "403 Forbidden", func(string) string {
			return "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
		}},
		{"wrong accept", "Sec-WebSocket-Accept", func(string) string { return switched("other") }},
		{"subprotocol", "subprotocol", func(key string) string {
			return switched(key, "Sec-WebSocket-Protocol: x\r\n")
		}},
		{"extension", "extension", func(key string) string {
			return switched(key, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
		}},
		{"no HTTP", "not HTTP", func(string) string { return "hello\r\n" }},
		{"endless", "16 KiB", func(string) string {
			return "HTTP/1.1 101 x\r\n" + strings.Repeat("X-Y: z\r\n", 3000)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := answers(t, c.answer)
			o := clientOnly(t).connectTo(worker.Dialer{}, "ws://"+addr, func(o *outgoing) {
				o.Send("early")
				o.OnWebSocketConnected = func(*worker.Connection) { o.add("open") }
			})
			o.expect(t, "connect")
			o.failed(t, addr, c.want)
		})
	}
}

func TestFramesTogetherWithTheAnswer(t *testing.T) {
	addr := answers(t, func(key string) string {
		return switched(key) + "\x81\x03one\x82\x03two\x88\x02\x03\xe8"
	})
	o := clientOnly(t).connectTo(worker.Dialer{}, "ws://"+addr, func(o *outgoing) {
		o.OnWebSocketConnected = func(*worker.Connection) { o.add("open") }
	})
	o.expect(t, "connect", "open", "message one", "message two", "close")
	o.gone(t)
}

func TestCloseDuringTheWebsocketHandshake(t *testing.T) {
	for name, end := range map[string]func(c *worker.Connection){
		"Close": func(c *worker.Connection) { c.Close() }, "End": func(c *worker.Connection) { c.End() },
		"Close with a last message": func(c *worker.Connection) {
			c.OnBufferDrain = nil
			c.Close("lost")
		},
		"Destroy":   func(c *worker.Connection) { c.Destroy() },
		"CloseCode": func(c *worker.Connection) { c.CloseCode(1000, "x") },
	} {
		for _, inside := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				o := clientOnly(t).connectTo(worker.Dialer{}, "ws://"+silent(t), func(o *outgoing) {
					o.OnConnect = func(c *worker.Connection) {
						if o.add("connect"); inside {
							end(c)
						}
					}
				})
				o.expect(t, "connect")
				o.do(func() { end(o.Connection) })
				o.expect(t, "close")
				o.gone(t)
			})
		}
	}
}

func TestADialerMayChangeForTheNextConnection(t *testing.T) {
	users := make(chan string, 2)
	addr := wsPeer(t, websocket.AcceptOptions{},
		func(ctx context.Context, c *websocket.Conn, r *http.Request) {
			users <- r.Header.Get("Cookie") + " " + r.Header.Get("Sec-WebSocket-Protocol")
			wsEcho(ctx, c, r)
		})
	d := worker.Dialer{Header: http.Header{}, Subprotocols: []string{"first"}}
	s := clientOnly(t)
	var c *worker.Connection
	s.do(func() {
		d.Header.Set("Cookie", "user=1")
		c = d.Dial("ws://" + addr)
		d.Header.Set("Cookie", "user=2")
		d.Subprotocols[0] = "second"
	})
	if got := await(t, users, "request"); got != "user=1 first" {
		t.Errorf("asked as %q", got)
	}
	s.do(c.Destroy)
}
