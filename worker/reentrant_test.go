package worker_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	ws "github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

// orderly are the ways in which a callback ends its connection.
var orderly = map[string]func(c *worker.Connection){
	"Destroy": func(c *worker.Connection) { c.Destroy() },
	"Close":   func(c *worker.Connection) { c.Close("bye") },
	"End":     func(c *worker.Connection) { c.End("bye") },
	"panic":   func(c *worker.Connection) { c.Send("x"); c.Destroy(); panic("in a callback") },
}

// callbacks make a Worker call end in one of them.
var callbacks = map[string]func(w *worker.Worker, end func(c *worker.Connection)){
	"OnConnect": func(w *worker.Worker, end func(c *worker.Connection)) { w.OnConnect = end },
	"OnMessage": func(w *worker.Worker, end func(c *worker.Connection)) {
		w.OnMessage = func(c *worker.Connection, data []byte) { end(c) }
	},
	"OnBufferFull": func(w *worker.Worker, end func(c *worker.Connection)) {
		w.OnBufferFull = end
		w.OnMessage = func(c *worker.Connection, data []byte) {
			c.MaxSendBufferSize = 1000
			c.Send(pattern(8 << 20))
			c.Send("more")
			c.Send(worker.Prepare("more"))
			c.SendRaw([]byte("more"))
		}
	},
	"OnError": func(w *worker.Worker, end func(c *worker.Connection)) {
		w.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) { end(c) }
		w.OnMessage = func(c *worker.Connection, data []byte) {
			c.MaxSendBufferSize = 1000
			c.Send(pattern(8 << 20))
			c.Send("more")
		}
	},
	"OnWebSocketConnect": func(w *worker.Worker, end func(c *worker.Connection)) {
		w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) { end(c) }
	},
	"OnWebSocketConnected": func(w *worker.Worker, end func(c *worker.Connection)) {
		w.OnWebSocketConnected = end
	},
	"OnWebSocketPing": func(w *worker.Worker, end func(c *worker.Connection)) {
		w.OnWebSocketPing = func(c *worker.Connection, data []byte) { end(c) }
	},
	"OnWebSocketPong": func(w *worker.Worker, end func(c *worker.Connection)) {
		w.OnWebSocketPong = func(c *worker.Connection, data []byte) { end(c) }
	},
	"OnWebSocketClose": func(w *worker.Worker, end func(c *worker.Connection)) {
		w.OnWebSocketClose = func(c *worker.Connection, code int, reason string) { end(c) }
	},
}

// TestAnyCallbackMayEndTheConnection looks for code that goes on with a
// connection which a callback has ended.
func TestAnyCallbackMayEndTheConnection(t *testing.T) {
	const talk = upgradeRequest + "\x89\x81\x00\x00\x00\x00i" + "\x8a\x81\x00\x00\x00\x00o" +
		"\x81\x82\x00\x00\x00\x00hi" + "\x88\x80mask"
	overEvery(t, func(t *testing.T, o over) {
		for where, set := range callbacks {
			for how, end := range orderly {
				t.Run(where+" "+how, func(t *testing.T) {
					closed := newEvents()
					w := o.worker(t, "websocket")
					w.OnClose = func(c *worker.Connection) { closed.add("close %v", c.Status()) }
					set(w, end)
					s := start(t, w)
					c := newWire(t, o.socket(s))
					if o == "ssl" {
						c = quietly(t, c.Conn)
					}
					if c != nil {
						io.WriteString(c, talk) // it may be closed before the end
						_, _ = io.Copy(io.Discard, c)
						c.Close()
					}
					closed.expect(t, "close CLOSED")
					s.do(func() {
						if n := worker.Stats().Connections; n != 0 {
							t.Errorf("%d connections left", n)
						}
						if n := worker.Backlog(s.p); n != 0 {
							t.Errorf("%d bytes left in the account", n)
						}
					})
					closed.none(t)
				})
			}
		}
	})
}

func TestPanicsKeepTheConnectionOverEveryTransport(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "text")
		w.OnConnect = func(c *worker.Connection) { panic("in OnConnect") }
		w.OnMessage = func(c *worker.Connection, data []byte) {
			c.Send("sent before")
			if string(data) == "bad" {
				panic("in OnMessage")
			}
		}
		s := start(t, w)
		c := o.open(s)
		c.send("bad\ngood\n")
		c.expect("sent before\nsent before\n")
		s.do(func() {
			if n := worker.Stats().ThrowException; n != 2 {
				t.Errorf("throw_exception %d, want 2", n)
			}
		})
	})
}

func TestResetDuringABacklogIsAnErrorAndOneOnClose(t *testing.T) {
	for _, how := range []string{"Established", "Close", "End"} {
		t.Run(how, func(t *testing.T) {
			for _, o := range []over{"tcp", "ssl"} {
				events := newEvents()
				w := o.recorded(t, "", events)
				w.OnMessage = func(c *worker.Connection, data []byte) {
					narrow(t, c)
					c.Send(pattern(4 << 20))
					switch how {
					case "Close":
						c.Close()
					case "End":
						c.End()
					}
				}
				s := start(t, w)
				socket := o.socket(s)
				tcp := socket.(*net.TCPConn)
				c := newWire(t, socket)
				if o == "ssl" {
					c = quietly(t, socket)
				}
				c.send("go")
				events.expect(t, "connect 1", "full")
				tcp.SetLinger(0)
				tcp.Close()
				got := await(t, events, "end")
				if strings.HasPrefix(got, "error 2 ") {
					got = await(t, events, "close")
				}
				if got != "close 1 CLOSED" {
					t.Errorf("got %q", got)
				}
				events.none(t)
			}
		})
	}
}

func TestSwitchInOnWebSocketConnect(t *testing.T) {
	w := worker.New("websocket://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
		c.SetProtocol(nil) // not a websocket after all
		c.Send("raw from here\n")
	}
	s := start(t, w)
	c := s.dial()
	c.send(upgradeRequest + "hello")
	c.expect("raw from here\nhello")
	s.do(func() { w.Connection(1).SetProtocol(ws.Protocol) })
	c.Close()
}

// TestOnBufferFullMayEndAHandshake is about a limit that is met when what was
// sent early follows the 101.
func TestOnBufferFullMayEndAHandshake(t *testing.T) {
	for how, end := range orderly {
		for _, side := range []string{"server", "client"} {
			t.Run(side+" "+how, func(t *testing.T) {
				events := newEvents()
				calls := worker.Callbacks{
					OnConnect: func(c *worker.Connection) {
						c.Send(pattern(100))
						c.MaxSendBufferSize = map[string]int{"server": 200, "client": 90}[side]
					},
					OnBufferFull: func(c *worker.Connection) { end(c) },
					OnClose:      func(*worker.Connection) { events.add("close") },
					OnWebSocketConnected: func(c *worker.Connection) {
						events.add("connected, %v", c.Status())
					},
				}
				w := worker.New("websocket://127.0.0.1:0")
				w.OnMessage = func(*worker.Connection, []byte) {}
				if side == "server" {
					w.Callbacks = calls
				}
				s := start(t, w)
				if side == "server" {
					s.dial().send(upgradeRequest)
				} else {
					s.connectTo(worker.Dialer{PingInterval: 1e6}, "ws://"+s.addr, func(o *outgoing) {
						o.Callbacks = calls
					})
				}
				events.expect(t, "close")
				s.do(func() {
					for c := range w.Connections() {
						c.Destroy()
					}
					if watches, timers := worker.Left(s.p); watches != 0 || timers != 0 {
						t.Errorf("%d watches and %d timers left", watches, timers)
					}
				})
				events.none(t)
			})
		}
	}
}
