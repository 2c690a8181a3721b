package worker_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/workerman-go/wm/protocol/http1"
	ws "github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

// upgraded is a websocket Worker that echoes and records its life.
func upgraded(events events) *worker.Worker {
	w := recorded("websocket://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) {
		if c.Binary() {
			c.SendBinary(data)
		} else {
			c.Write(data)
		}
	}
	w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
		events.add("%s %s by %s", r.Method(), r.URI(), r.Header("User-Agent"))
	}
	w.OnWebSocketConnected = func(c *worker.Connection) { events.add("connected") }
	return w
}

const upgradeSeen = "GET /chat?room=1 by Go-http-client/1.1"

// everyWebsocket runs a test over ws and over wss.
func everyWebsocket(t *testing.T, test func(t *testing.T, w *worker.Worker, events events)) {
	for _, name := range []string{"ws", "wss"} {
		t.Run(name, func(t *testing.T) {
			events := newEvents()
			w := upgraded(events)
			if name == "wss" {
				secure(w)
			}
			test(t, w, events)
		})
	}
}

func TestTextAndBinaryOfWebsockets(t *testing.T) {
	everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
		s := start(t, w)
		c, _ := browse(t, s, "", nil)
		events.expect(t, "connect 1", upgradeSeen, "connected")
		for _, size := range []int{0, 1, 125, 126, 65535, 65536, 3 << 20} {
			data := strings.Repeat("x", size)
			c.send(data)
			c.expectText(data)
			if err := c.Write(c.ctx, websocket.MessageBinary, []byte(data)); err != nil {
				t.Fatal(err)
			}
			c.expect(websocket.MessageBinary, data)
		}
		if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
		events.expect(t, "close 1 CLOSED")
		events.none(t)
	})
}

func TestReplyHeaderIsInThe101(t *testing.T) {
	everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
		w.OnConnect = func(c *worker.Connection) { c.ReplyHeader().Set("X-Early", "1") }
		w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
			c.ReplyHeader().Set("X-App", "chat")
			c.ReplyHeader()["set-cookie"] = []string{"a=1", "b=2"}
			c.ReplyHeader().Set("Sec-WebSocket-Accept", "mine")
			c.ReplyHeader().Set("X-Split", "a\r\nInjected: 1")
		}
		s := start(t, w)
		_, response, _, err := tryBrowse(t, s, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		h := response.Header
		if h.Get("X-Early") != "1" || h.Get("X-App") != "chat" || len(h["Set-Cookie"]) != 2 ||
			h.Get("Injected") != "" {
			t.Errorf("header %v", h)
		}
		events.expect(t, "connected")
	})
}

func TestUpgradeIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ask    func(c *worker.Connection, r *http1.Request)
		status int
		body   string
	}{
		{"Close", func(c *worker.Connection, r *http1.Request) { c.Close() }, 403, ""},
		{"End", func(c *worker.Connection, r *http1.Request) { c.End() }, 403, ""},
		{"CloseCode", func(c *worker.Connection, r *http1.Request) { c.CloseCode(4000, "x") }, 403, ""},
		{"a response", func(c *worker.Connection, r *http1.Request) {
			c.Close(http1.NewResponse(401, map[string]string{"WWW-Authenticate": "Basic"}, "who?"))
		}, 401, "who?"},
		{"after Send", func(c *worker.Connection, r *http1.Request) {
			c.Send("not to be seen")
			c.Close()
			c.Send("nor this")
		}, 403, ""},
		{"twice", func(c *worker.Connection, r *http1.Request) { c.Close(); c.Close() }, 403, ""},
		{"panic", func(c *worker.Connection, r *http1.Request) { panic("in the origin check") }, 500, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
				w.OnWebSocketConnect = tt.ask
				s := start(t, w)
				_, response, _, err := tryBrowse(t, s, "", nil)
				if err == nil || response == nil {
					t.Fatalf("got %v and %v", response, err)
				}
				body, _ := io.ReadAll(response.Body)
				if response.StatusCode != tt.status || string(body) != tt.body {
					t.Errorf("got %d %q, want %d %q", response.StatusCode, body, tt.status, tt.body)
				}
				events.expect(t, "connect 1", "close 1 CLOSED")
				events.none(t)
			})
		})
	}
}

func TestDestroyInOnWebSocketConnect(t *testing.T) {
	everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
		w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) { c.Destroy() }
		s := start(t, w)
		if _, response, _, err := tryBrowse(t, s, "", nil); err == nil || response != nil {
			t.Errorf("got %v and %v", response, err)
		}
		events.expect(t, "connect 1", "close 1 CLOSED")
		events.none(t)
	})
}

func TestOriginCheck(t *testing.T) {
	w := upgraded(newEvents())
	w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
		if r.Header("Origin") != "https://www.example.com" {
			c.Close()
		}
	}
	s := start(t, w)
	for origin, ok := range map[string]bool{
		"https://www.example.com": true, "https://evil.example.com": false,
	} {
		_, _, _, err := tryBrowse(t, s, "", &websocket.DialOptions{
			HTTPHeader: http.Header{"Origin": {origin}},
		})
		if (err == nil) != ok {
			t.Errorf("%s: %v", origin, err)
		}
	}
}

func TestSendsBeforeTheHandshakeFollowThe101(t *testing.T) {
	everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
		w.OnConnect = func(c *worker.Connection) {
			c.Send("text")
			c.SendBinary([]byte("binary"))
			c.Send(worker.Prepare("prepared"))
			w.Broadcast("to all")
		}
		w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) { c.Send("asked") }
		w.OnWebSocketConnected = func(c *worker.Connection) { c.Send("connected") }
		s := start(t, w)
		c, _ := browse(t, s, "", nil)
		c.expectText("text")
		c.expect(websocket.MessageBinary, "binary")
		for _, want := range []string{"prepared", "to all", "asked", "connected"} {
			c.expectText(want)
		}
	})
}

func TestWebSocketCallbacksReplaceTheDefaults(t *testing.T) {
	everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
		w.OnWebSocketPing = func(c *worker.Connection, data []byte) {
			events.add("ping %s", data)
			c.SendRaw(ws.AppendPong(nil, data, c))
		}
		w.OnWebSocketPong = func(c *worker.Connection, data []byte) { events.add("pong %s", data) }
		w.OnWebSocketClose = func(c *worker.Connection, code int, reason string) {
			events.add("asked to close %d %s", code, reason)
			c.CloseCode(4001, "as you like")
		}
		s := start(t, w)
		c, _ := browse(t, s, "", nil)
		events.expect(t, "connect 1", upgradeSeen, "connected")
		reading := c.CloseRead(c.ctx) // answers pings, sees the pong and the close
		if err := c.Ping(c.ctx); err != nil {
			t.Fatal(err)
		}
		if got := await(t, events, "ping"); !strings.HasPrefix(got, "ping ") {
			t.Errorf("got %s", got)
		}
		s.do(func() { w.Connection(1).SendRaw(ws.AppendPing(nil, []byte("hi"), w.Connection(1))) })
		events.expect(t, "pong hi")
		go c.Close(4000, "bye") // ends with the deadline of the test at the latest
		events.expect(t, "asked to close 4000 bye", "close 1 CLOSED")
		await(t, reading.Done(), "end of the client")
		events.none(t)
	})
}

func TestOnWebSocketCloseThatDoesNothingLeavesTheConnectionOpen(t *testing.T) {
	events := newEvents()
	w := upgraded(events)
	w.OnWebSocketClose = func(c *worker.Connection, code int, reason string) { events.add("asked") }
	s := start(t, w)
	c := handshaken(t, s)
	c.send("\x88\x80mask")
	events.expect(t, "connect 1", "GET / by ", "connected", "asked")
	s.do(func() { w.Connection(1).Send("still here") })
	c.expect("\x81\x0astill here")
}

// handshaken is a client that does the handshake and no more by itself.
func handshaken(t *testing.T, s *service) *client {
	t.Helper()
	c := s.dial()
	c.send(upgradeRequest)
	response, err := http.ReadResponse(c.r, nil)
	if err != nil || response.StatusCode != 101 {
		t.Fatalf("got %v and %v", response, err)
	}
	return c
}

const upgradeRequest = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

func TestCloseFramesOfTheServer(t *testing.T) {
	for name, tt := range map[string]struct {
		end    func(c *worker.Connection)
		code   websocket.StatusCode
		reason string
	}{
		"Close":                  {func(c *worker.Connection) { c.Close() }, 1000, ""},
		"End":                    {func(c *worker.Connection) { c.End() }, 1000, ""},
		"CloseCode":              {func(c *worker.Connection) { c.CloseCode(4009, "slow") }, 4009, "slow"},
		"a code that may not be": {func(c *worker.Connection) { c.CloseCode(1006, "x") }, 1000, ""},
		"a reason of 123 bytes": {func(c *worker.Connection) { c.CloseCode(3000, long(123)) },
			3000, long(123)},
		"a reason that is longer": {func(c *worker.Connection) { c.CloseCode(3000, long(124)) }, 1000, ""},
		"the first word counts": {func(c *worker.Connection) {
			c.CloseCode(4001, "a")
			c.CloseCode(4002, "b")
		}, 4001, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
				s := start(t, w)
				c, _ := browse(t, s, "", nil)
				s.do(func() { tt.end(w.Connection(1)) })
				c.expectClose(tt.code, tt.reason)
				c.CloseNow()
				events.expect(t, "connect 1", upgradeSeen, "connected", "close 1 CLOSED")
				events.none(t)
			})
		})
	}
}

func long(n int) string { return strings.Repeat("r", n) }

func TestCloseWithALastMessageOverWebsocket(t *testing.T) {
	everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
		s := start(t, w)
		c, _ := browse(t, s, "", nil)
		s.do(func() { w.Connection(1).Close("goodbye") })
		c.expectText("goodbye")
		c.expectClose(websocket.StatusNormalClosure, "")
	})
}

func TestDrainTellsWebsocketsThatTheServerGoesAway(t *testing.T) {
	everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
		s := start(t, w)
		c, _ := browse(t, s, "", nil)
		c.send("x")
		c.expectText("x")
		s.drain(false)
		c.expectClose(websocket.StatusGoingAway, "")
		await(t, s.gone, "gone")
	})
}

func TestSubprotocols(t *testing.T) {
	for _, tt := range []struct {
		server, offered []string
		chosen, want    string
	}{
		{[]string{"chat", "v2"}, []string{"v2"}, "", "v2"},
		{[]string{"chat", "v2"}, []string{"v2", "chat"}, "", "chat"},
		{[]string{"chat"}, []string{"other"}, "", ""},
		{nil, []string{"mine"}, "mine", "mine"}, // by OnWebSocketConnect
		{[]string{"chat"}, []string{"chat", "mine"}, "mine", "mine"},
	} {
		w := upgraded(newEvents())
		w.Protocol = ws.New(ws.Options{Subprotocols: tt.server})
		w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
			if tt.chosen != "" {
				c.ReplyHeader().Set("Sec-WebSocket-Protocol", tt.chosen)
			}
		}
		s := start(t, w)
		c, _ := browse(t, s, "", &websocket.DialOptions{Subprotocols: tt.offered})
		if got := c.Subprotocol(); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

func TestProtocolErrorsOfWebsockets(t *testing.T) {
	for _, tt := range []struct{ name, frame, code string }{
		{"unmasked", "\x81\x01x", "\x03\xea"},
		{"reserved opcode", "\x83\x80mask", "\x03\xea"},
		{"reserved bit", "\xc1\x80mask", "\x03\xea"},
		{"continuation of nothing", "\x80\x80mask", "\x03\xea"},
		{"fragmented ping", "\x09\x80mask", "\x03\xea"},
		{"text that is no UTF-8", "\x81\x81\x00\x00\x00\x00\xff", "\x03\xef"},
		{"above the limit", "\x82\xff\x00\x00\x00\x00\x7f\xff\xff\xffmask", "\x03\xf1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events := newEvents()
			s := start(t, upgraded(events))
			c := handshaken(t, s)
			c.send(tt.frame)
			c.expect("\x88\x02" + tt.code)
			c.expectEnd()
			c.Close()
			events.expect(t, "connect 1", "GET / by ", "connected", "close 1 CLOSED")
			events.none(t)
		})
	}
}

func TestUpgradeRequestThatTrickles(t *testing.T) {
	everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
		o := over("tcp")
		if w.Transport == "ssl" {
			o = "ssl"
		}
		s := start(t, w)
		c := o.open(s)
		for i := range len(upgradeRequest) {
			c.send(upgradeRequest[i : i+1])
		}
		response, err := http.ReadResponse(c.r, nil)
		if err != nil || response.StatusCode != 101 {
			t.Fatalf("got %v and %v", response, err)
		}
		for _, b := range []byte("\x81\x85\x00\x00\x00\x00hello") {
			c.send(string([]byte{b}))
		}
		c.expect("\x81\x05hello")
	})
}

func TestSwitchFromTextToWebsocketOnOneConnection(t *testing.T) {
	events := newEvents()
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		events.add("message %s", data)
		if string(data) == "upgrade" {
			c.Send("as you like")
			c.SetProtocol(ws.Protocol)
			return
		}
		c.Write(data)
	}
	w.OnWebSocketConnected = func(c *worker.Connection) { events.add("connected") }
	s := start(t, w)
	c := s.dial()
	c.send("hello\nupgrade\n" + upgradeRequest + "\x81\x82\x00\x00\x00\x00hi")
	c.expect("hello\nas you like\n")
	response, err := http.ReadResponse(c.r, nil)
	if err != nil || response.StatusCode != 101 {
		t.Fatalf("got %v and %v", response, err)
	}
	c.expect("\x81\x02hi")
	events.expect(t, "message hello", "message upgrade", "connected", "message hi")
}
