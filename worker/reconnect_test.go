package worker_test

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

func TestReconnectInOnCloseKeepsWhatTheAuthorSet(t *testing.T) {
	addr := peer(t, func(conn net.Conn) { // one message each
		io.CopyN(plain{conn}, plain{conn}, 1)
	})
	for _, after := range []time.Duration{0, time.Millisecond, -1} {
		t.Run(after.String(), func(t *testing.T) {
			var id uint64
			times := 0
			o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://"+addr, func(o *outgoing) {
				id = o.ID
				o.Data = "mine"
				o.OnConnect = func(c *worker.Connection) {
					o.add("connect")
					if err := c.Context().Err(); err != nil {
						t.Errorf("Context of a new attempt: %v", err)
					}
					c.Send("x")
				}
				o.OnClose = func(c *worker.Connection) {
					o.add("close")
					if c.Context().Err() == nil {
						t.Error("Context lives on")
					}
					if times++; times < 3 {
						c.Reconnect(after)
					}
				}
			})
			for range 3 {
				o.expect(t, "connect", "message x", "close")
			}
			o.gone(t)
			o.do(func() {
				if o.ID != id || o.Data != "mine" || o.BytesRead != 3 || o.BytesWritten != 3 {
					t.Errorf("id %d, data %v, %d read, %d written", o.ID, o.Data, o.BytesRead, o.BytesWritten)
				}
			})
		})
	}
}

func TestContextEndsWithTheAttemptItIsOf(t *testing.T) {
	o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://"+silent(t))
	o.expect(t, "connect")
	o.do(func() {
		first := o.Context()
		o.Reconnect(0)
		if first.Err() == nil {
			t.Error("the context outlives its connection")
		}
	})
	o.expect(t, "close", "connect")
	o.do(func() {
		if err := o.Context().Err(); err != nil {
			t.Errorf("the new connection begins with %v", err)
		}
	})
	o.end(t)
}

func TestReconnectDoesNotSpinWhenThePeerFails(t *testing.T) {
	forbids := peer(t, func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\n\r\n")
	})
	closes := peer(t, func(conn net.Conn) {})
	for name, address := range map[string]string{
		"refused": "tcp://" + refused(t), "no address": "tcp://:", "ws refused": "ws://" + refused(t),
		"forbidden": "ws://" + forbids, "closed before TLS": "ssl://" + closes,
		"unix": "unix:///nowhere", "closed before ws": "ws://" + closes,
	} {
		t.Run(name, func(t *testing.T) {
			var last time.Time
			o := clientOnly(t).connectTo(worker.Dialer{}, address, func(o *outgoing) {
				o.OnConnect = nil
				o.OnClose = func(c *worker.Connection) {
					now := time.Now()
					o.add("close %v", !last.IsZero() && now.Sub(last) < 100*time.Millisecond)
					last = now
					c.Reconnect(0)
				}
			})
			for range 3 {
				o.expect(t, "error 1", "close false")
			}
		})
	}
}

func TestCancelReconnect(t *testing.T) {
	nobody := refused(t)
	for name, cancel := range map[string]func(o *outgoing){
		"in OnClose": func(o *outgoing) {
			o.OnClose = func(c *worker.Connection) {
				c.Reconnect(0)
				c.CancelReconnect()
				o.add("close")
			}
		},
		"during the delay": func(o *outgoing) {
			o.OnClose = func(c *worker.Connection) {
				c.Reconnect(time.Millisecond)
				worker.Post(c.CancelReconnect)
				o.add("close")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://"+nobody, cancel)
			o.failed(t)
			over := make(chan struct{})
			o.do(func() { timer.After(120*time.Millisecond, func() { close(over) }) })
			await(t, over, "time")
			o.gone(t)
		})
	}
}

func TestReconnectReplacesAnEarlierOne(t *testing.T) {
	o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://"+silent(t))
	o.expect(t, "connect")
	o.do(func() {
		o.Reconnect(time.Hour)
		o.Reconnect(0)
	})
	o.expect(t, "close", "connect")
	o.end(t)
}

func TestConnectAfterTheEnd(t *testing.T) {
	o := clientOnly(t).connectTo(worker.Dialer{}, "tcp://"+echoes(t))
	o.expect(t, "connect")
	for range 2 {
		o.do(func() { o.Close() })
		o.expect(t, "close")
		o.do(func() { o.Connect() })
		o.expect(t, "connect")
	}
	o.do(func() { o.Send("x") })
	o.expect(t, "message x")
	o.end(t)
}

func TestReconnectInOtherCallbacks(t *testing.T) {
	addr := echoes(t)
	for _, where := range []string{
		"OnConnect", "OnMessage", "OnError", "while connecting", "Initial",
	} {
		t.Run(where, func(t *testing.T) {
			to := "tcp://" + addr
			if where == "OnError" {
				to = "tcp://" + refused(t)
			}
			again := false
			o := clientOnly(t).connectTo(worker.Dialer{}, to, func(o *outgoing) {
				once := func() {
					if !again {
						again = true
						o.Reconnect(0)
					}
				}
				o.OnConnect = func(c *worker.Connection) {
					o.add("connect")
					if c.Send("x"); where == "OnConnect" {
						once()
					}
				}
				o.OnMessage = func(*worker.Connection, []byte) {
					if o.add("message"); where == "OnMessage" {
						once()
					}
				}
				if onError := o.OnError; where == "OnError" {
					o.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
						onError(c, code, err)
						once()
					}
				}
				if where == "while connecting" || where == "Initial" {
					worker.Post(once)
				}
				if where == "while connecting" {
					o.Connect()
				}
			})
			switch where {
			case "OnError":
				o.expect(t, "error 1", "close", "error 1", "close")
				return
			case "OnConnect":
				o.expect(t, "connect", "close", "connect", "message")
			case "OnMessage":
				o.expect(t, "connect", "message", "close", "connect", "message")
			default:
				o.expect(t, "close", "connect", "message")
			}
			o.end(t)
		})
	}
}

func TestDrainEndsWithDialledConnections(t *testing.T) {
	nobody, quiet := refused(t), silent(t)
	for name, address := range map[string]string{
		"open": "tcp://" + quiet, "handshake": "ws://" + quiet, "TLS": "ssl://" + quiet,
		"waits to reconnect": "tcp://" + nobody, "connecting": "tcp://nobody.invalid:1",
	} {
		for _, graceful := range []bool{false, true} {
			t.Run(name+map[bool]string{true: " graceful"}[graceful], func(t *testing.T) {
				s := clientOnly(t)
				o := s.connectTo(worker.Dialer{}, address, func(o *outgoing) {
					o.OnClose = func(c *worker.Connection) {
						o.add("close")
						c.Reconnect(0)
					}
				})
				switch {
				case name == "open":
					o.expect(t, "connect")
				case address == "tcp://"+nobody:
					o.expect(t, "error 1", "close")
				}
				s.do(func() { s.p.Drain(graceful) })
				await(t, s.gone, "end of the drain")
			})
		}
	}
}

// TestAttemptsThatOverlap is for the race detector: certificates of one attempt
// are read while the next one has begun.
func TestAttemptsThatOverlap(t *testing.T) {
	pair := writePair(t, t.TempDir(), "client", selfSigned())
	d := overTLS()
	d.TLS.CertFile, d.TLS.KeyFile = pair.CertFile, pair.KeyFile
	w := secure(echo("tcp://127.0.0.1:0"))
	s := start(t, w)
	o := s.connectTo(d, "ssl://"+s.addr, func(o *outgoing) {
		o.OnClose = nil
		o.Connect()
		o.Reconnect(0)
	})
	o.expect(t, "connect")
	for range 20 {
		o.do(func() { o.Reconnect(0) })
		o.expect(t, "connect")
		o.do(func() { o.Reconnect(0) })
		o.do(func() { o.Reconnect(0) })
		o.expect(t, "connect")
	}
	o.do(o.Destroy)
}

// TestDrainLetsAcceptedConnectionsReachTheirBackend is about requests under way:
// what they dial may take longer than a look of the drain.
func TestDrainLetsAcceptedConnectionsReachTheirBackend(t *testing.T) {
	for _, graceful := range []bool{false, true} {
		asked, answer := make(chan struct{}), make(chan struct{})
		backend := peer(t, func(conn net.Conn) {
			close(asked)
			<-answer // the handshake waits
			secured := tls.Server(conn, serverTLS().Config)
			io.Copy(secured, secured)
		})
		d := overTLS()
		w := worker.New("tcp://127.0.0.1:0")
		w.OnMessage = func(c *worker.Connection, data []byte) {
			c.PauseRecv() // busy until the answer has come
			back := d.Dial("ssl://" + backend)
			back.Write(data)
			back.OnMessage = func(_ *worker.Connection, data []byte) { c.Close(data) }
			back.OnError = func(_ *worker.Connection, _ worker.ErrorCode, err error) { c.Close(err.Error()) }
			back.OnClose = func(*worker.Connection) { c.Close("the backend was not asked") }
		}
		s := start(t, w)
		c := s.dial()
		c.send("question")
		await(t, asked, "connection to the backend")
		s.do(func() { s.p.Drain(graceful) })
		s.do(func() { s.p.Drain(graceful) }) // looks once more
		close(answer)
		c.expect("question")
		c.expectEnd()
		await(t, s.gone, "end of the drain")
	}
}
