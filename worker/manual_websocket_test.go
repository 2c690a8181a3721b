package worker_test

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

// What the manual says of websockets, between both sides.

// tellWebsocket records everything that happens to c.
func tellWebsocket(got events, who string, c *worker.Callbacks) {
	c.OnConnect = func(c *worker.Connection) { got.add("%s: connect", who) }
	c.OnWebSocketConnected = func(c *worker.Connection) { got.add("%s: connected", who) }
	c.OnMessage = func(c *worker.Connection, data []byte) {
		got.add("%s: %s, binary %v", who, data, c.Binary())
	}
	c.OnWebSocketPing = func(c *worker.Connection, data []byte) {
		got.add("%s: ping %s", who, data)
		c.SendRaw(websocket.AppendPong(nil, data, c))
	}
	c.OnWebSocketPong = func(c *worker.Connection, data []byte) { got.add("%s: pong %s", who, data) }
	c.OnWebSocketClose = func(c *worker.Connection, code int, reason string) {
		got.add("%s: close %d %s", who, code, reason)
		c.Close()
	}
	c.OnClose = func(c *worker.Connection) { got.add("%s: gone", who) }
}

func TestManualWebsocketCallbacks(t *testing.T) {
	server, client := newEvents(), newEvents()
	w := worker.New("websocket://0.0.0.0:8484")
	tellWebsocket(server, "server", &w.Callbacks)
	var accepted *worker.Connection
	w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
		server.add("server: %s asks for %s", r.Header("origin"), r.URI())
		c.ReplyHeader().Set("X-Room", "7")
		accepted = c
	}
	s := serve(t, w)

	var c *worker.Connection
	s.do(func() {
		d := worker.Dialer{Header: http.Header{"Origin": {"http://example.com"}}}
		c = d.Dial("ws://" + s.addr + "/chat?room=7")
		tellWebsocket(client, "client", &c.Callbacks)
		c.Send("text")
	})
	server.expect(t, "server: connect", "server: http://example.com asks for /chat?room=7",
		"server: connected", "server: text, binary false")
	client.expect(t, "client: connect", "client: connected")

	s.do(func() {
		if room := c.ReplyHeader().Get("X-Room"); room != "7" {
			t.Errorf("the header of the answer says %q, want 7", room)
		}
		c.SendBinary([]byte{'b'})
		c.SendRaw(websocket.AppendPing(nil, []byte("1"), c))
		accepted.SendRaw(websocket.AppendPing(nil, []byte("2"), accepted))
	})
	server.expect(t, "server: b, binary true", "server: ping 1", "server: pong 2")
	client.expect(t, "client: ping 2", "client: pong 1")

	s.do(func() { c.CloseCode(4001, "enough") })
	server.expect(t, "server: close 4001 enough", "server: gone")
	client.expect(t, "client: gone")
}

func TestManualWebsocketRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		refuse func(c *worker.Connection)
		status string
	}{
		{"closed", func(c *worker.Connection) { c.Close() }, "HTTP/1.1 403 Forbidden"},
		{"with a response", func(c *worker.Connection) {
			c.Close(http1.NewResponse(http.StatusUnauthorized, nil, "who?"))
		}, "HTTP/1.1 401 Unauthorized"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newEvents()
			w := worker.New("websocket://0.0.0.0:8484")
			tellWebsocket(got, "server", &w.Callbacks)
			w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) { tt.refuse(c) }
			s := serve(t, w)
			c := s.dial()
			c.send("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n" +
				"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
				"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
			c.expect(tt.status + "\r\n")
			c.Close()
			got.expect(t, "server: connect", "server: gone")
			got.none(t) // not connected

			refused := newEvents()
			s.do(func() {
				c := worker.Dial("ws://" + s.addr)
				c.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
					refused.add("error %d", code)
				}
				c.OnClose = func(c *worker.Connection) { refused.add("gone") }
			})
			refused.expect(t, "error 1", "gone")
		})
	}
}

func TestManualWebsocketClientOptions(t *testing.T) {
	got := newEvents()
	w := worker.New("websocket://0.0.0.0:8484")
	w.Protocol = websocket.New(websocket.Options{Subprotocols: []string{"v2", "v1"}})
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Send(data) }
	w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
		got.add("host %v, origin %s, token %s, path %s", r.Host() == r.Header("host"),
			r.Header("origin"), r.Header("token"), r.URI())
	}
	w.OnWebSocketPing = func(c *worker.Connection, data []byte) {
		got.add("ping")
		c.Close()
	}
	s := serve(t, w)
	s.do(func() {
		d := worker.Dialer{
			Header:       http.Header{"Origin": {"http://a"}, "Token": {"x"}},
			Subprotocols: []string{"v1", "v2"},
			PingInterval: 2 * time.Millisecond,
		}
		c := d.Dial("ws://" + s.addr + "/p?q=1")
		c.OnConnect = func(c *worker.Connection) {
			got.add("connect %v", c.Send("early"))
		}
		c.OnWebSocketConnected = func(c *worker.Connection) {
			got.add("speaks %s", c.ReplyHeader().Get("Sec-WebSocket-Protocol"))
		}
		c.OnClose = func(c *worker.Connection) { got.add("gone") }
	})
	got.expect(t, "connect <nil>", "host true, origin http://a, token x, path /p?q=1",
		"speaks v2", "ping", "gone")
}

// The server of each says something that a client must not believe.
func TestManualWebsocketClientRefuses(t *testing.T) {
	for name, reply := range map[string]string{
		"another key":   "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"no websocket":  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"not even http": "SSH-2.0-x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			addr := elsewhere(t, func(conn net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					io.WriteString(conn, reply)
				}
			})
			got := newEvents()
			s := serve(t, worker.New(""))
			s.do(func() {
				c := worker.Dial("ws://" + addr)
				c.OnWebSocketConnected = func(c *worker.Connection) { got.add("connected") }
				c.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
					got.add("error %d", code)
				}
				c.OnClose = func(c *worker.Connection) { got.add("gone") }
			})
			got.expect(t, "error 1", "gone")
		})
	}
}

func TestManualWebsocketCompression(t *testing.T) {
	p := websocket.New(websocket.Options{Compress: true})
	protocol.Register("wspacked", p) // a client that offers it
	w := worker.New("websocket://0.0.0.0:8484")
	w.Protocol = p
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Send(data) }
	s := serve(t, w)
	got := newEvents()
	message := strings.Repeat("the same again ", 1000)
	s.do(func() {
		c := worker.Dial("wspacked://" + s.addr)
		c.OnMessage = func(c *worker.Connection, data []byte) {
			got.add("%v, small %v", string(data) == message, c.BytesRead < 2000)
		}
		c.Send(message)
	})
	got.expect(t, "true, small true")
}

// A client must choose a new masking key for each frame.
func TestManualWebsocketMasks(t *testing.T) {
	keys := make(chan string, 2)
	addr := elsewhere(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		fmt.Fprintf(conn, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Accept: %s\r\n\r\n", acceptOf(request.Header.Get("Sec-WebSocket-Key")))
		for range 2 {
			frame := make([]byte, 2+4+2)
			if _, err := io.ReadFull(r, frame); err != nil {
				return
			}
			keys <- hex.EncodeToString(frame[2:6])
		}
	})
	s := serve(t, worker.New(""))
	s.do(func() {
		c := worker.Dial("ws://" + addr)
		c.Send("hi")
		c.Send("hi")
	})
	if first, second := await(t, keys, "frame"), await(t, keys, "frame"); first == second {
		t.Errorf("both frames have the key %s", first)
	}
}

// acceptOf is what a server answers to the key of a client (RFC 6455, 4.2.2).
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
