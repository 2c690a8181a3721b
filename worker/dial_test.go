package worker_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/worker"
)

// outgoing is a dialled connection that writes down what happens to it.
type outgoing struct {
	*worker.Connection
	events
	s    *service
	errs chan error // given to OnError
}

// clientOnly starts a process that only dials.
func clientOnly(t testing.TB) *service { return start(t, worker.New("")) }

// connectTo dials on the loop; prepare, if given, still runs inside the
// callback that dials.
func (s *service) connectTo(
	d worker.Dialer, address string, prepare ...func(o *outgoing),
) *outgoing {
	s.t.Helper()
	o := &outgoing{events: newEvents(), s: s, errs: make(chan error, 16)}
	s.do(func() {
		o.Connection = d.Dial(address)
		o.record()
		for _, fn := range prepare {
			fn(o)
		}
		select {
		case got := <-o.events:
			s.t.Errorf("%q inside the callback that dials", got)
		default:
		}
	})
	return o
}

func (o *outgoing) record() {
	o.OnConnect = func(*worker.Connection) { o.add("connect") }
	o.OnMessage = func(_ *worker.Connection, data []byte) { o.add("message %s", data) }
	o.OnClose = func(*worker.Connection) { o.add("close") }
	o.OnBufferFull = func(*worker.Connection) { o.add("full") }
	o.OnBufferDrain = func(*worker.Connection) { o.add("drain") }
	o.OnError = func(_ *worker.Connection, code worker.ErrorCode, err error) {
		o.add("error %d", code)
		o.errs <- err
	}
}

// failed waits for the one way in which an attempt fails, and returns why.
func (o *outgoing) failed(t testing.TB, want ...string) error {
	t.Helper()
	o.expect(t, "error 1", "close")
	err := <-o.errs
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("OnError got %q, want %q in it", err, part)
		}
	}
	o.gone(t)
	return err
}

// gone checks what is left of a connection that has ended.
func (o *outgoing) gone(t testing.TB) {
	t.Helper()
	o.s.do(func() {
		if o.Status() != worker.Closed || o.Fd() != -1 {
			t.Errorf("status %v with descriptor %d, want closed without one", o.Status(), o.Fd())
		}
		if err := o.Send("late"); !errors.Is(err, worker.ErrClosed) {
			t.Errorf("Send = %v, want ErrClosed", err)
		}
	})
	o.none(t)
}

// do runs fn on the loop.
func (o *outgoing) do(fn func()) { o.s.t.Helper(); o.s.do(fn) }

// end closes it in the middle of its life.
func (o *outgoing) end(t testing.TB) {
	t.Helper()
	o.do(o.Destroy)
	o.expect(t, "close")
	o.gone(t)
}

// peer serves every connection on its own goroutine until the test ends.
func peer(t testing.TB, handle func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveWith(t, l, handle)
	return l.Addr().String()
}

func serveWith(t testing.TB, l net.Listener, handle func(net.Conn)) {
	var mu sync.Mutex // guards open
	open := map[net.Conn]bool{}
	ended := false
	var running sync.WaitGroup
	running.Go(func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			if ended {
				conn.Close()
			}
			mu.Unlock()
			running.Go(func() { // ends with its connection
				handle(conn)
				conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		ended = true
		for conn := range open {
			conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
}

// collects is a peer that gives all that it was sent.
func collects(t testing.TB) (addr string, all chan string) {
	all = make(chan string, 16)
	return peer(t, func(conn net.Conn) {
		data, _ := io.ReadAll(conn)
		all <- string(data)
	}), all
}

func echoes(t testing.TB) (addr string) {
	return peer(t, func(conn net.Conn) { io.Copy(plain{conn}, plain{conn}) })
}

// plain hides that a connection can splice: the runtime keeps the pipes of that
// until the garbage collector comes, and TestMain takes them for a leak.
type plain struct{ net.Conn }

// silent never says a word.
func silent(t testing.TB) (addr string) {
	return peer(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
}

// refused is an address where nobody listens.
func refused(t testing.TB) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l.Addr().String()
}

func TestDialConnectsWhenTheCallbackHasReturned(t *testing.T) {
	for _, early := range []bool{false, true} {
		t.Run(fmt.Sprint("Connect called ", early), func(t *testing.T) {
			s, addr := clientOnly(t), echoes(t)
			o := s.connectTo(worker.Dialer{}, "tcp://"+addr, func(o *outgoing) {
				if o.Status() != worker.Initial || !o.Dialled() || o.Worker != nil {
					t.Errorf("status %v, dialled %v", o.Status(), o.Dialled())
				}
				if early {
					o.Connect()
					o.Connect()
				}
				if err := o.Send("early"); err != nil {
					t.Error(err)
				}
			})
			o.expect(t, "connect", "drain", "message early")
			o.do(func() { o.Connect() })
			o.do(func() { o.Send("later") })
			o.expect(t, "message later")
			o.end(t)
		})
	}
}

func TestDialledConnectionsShareTheCounterOfIDs(t *testing.T) {
	w := worker.New("tcp://127.0.0.1:0")
	accepted := conns(w)
	s := start(t, w)
	s.dial()
	first := await(t, accepted, "connection")
	o := s.connectTo(worker.Dialer{}, "tcp://"+s.addr)
	third := await(t, accepted, "connection")
	o.expect(t, "connect")
	if first.ID != 1 || o.ID != 2 || third.ID != 3 {
		t.Errorf("ids %d, %d, %d", first.ID, o.ID, third.ID)
	}
	s.do(func() {
		if n := worker.Stats().Connections; n != 3 {
			t.Errorf("%d connections, want 3", n)
		}
	})
}

func TestDialledCountsFromItsConstruction(t *testing.T) {
	s := clientOnly(t)
	o := s.connectTo(worker.Dialer{}, "tcp://"+silent(t), func(*outgoing) {
		if n := worker.Stats().Connections; n != 1 {
			t.Errorf("%d connections at once, want 1", n)
		}
	})
	o.expect(t, "connect")
	o.end(t)
	s.do(func() {
		if n := worker.Stats().Connections; n != 0 {
			t.Errorf("%d connections at the end", n)
		}
	})
}

func TestFailedAttemptTellsOnceWhy(t *testing.T) {
	closes := peer(t, func(net.Conn) {})
	speaks := peer(t, func(conn net.Conn) {
		io.WriteString(conn, "220 this is not what you think\r\n")
		io.Copy(io.Discard, conn)
	})
	nobody := refused(t)
	ms := worker.Dialer{Timeout: 30e6}
	for _, c := range []struct {
		name, address string
		with          worker.Dialer
		want          string
		handshake     bool // it fails in that of ws, behind OnConnect (31.6)
	}{
		{"refused", "tcp://" + nobody, worker.Dialer{}, nobody + ": connection refused", false},
		{"refused ws", "ws://" + nobody, worker.Dialer{}, nobody + ": connection refused", false},
		{"unknown host", "tcp://nobody.invalid:80", worker.Dialer{}, "nobody.invalid:80", false},
		{"no address", "127.0.0.1:80", worker.Dialer{}, "connect 127.0.0.1:80: no scheme", false},
		{"no protocol", "whatever://127.0.0.1:80", worker.Dialer{}, "whatever://127.0.0.1:80: unknown", false},
		{"bad port", "tcp://127.0.0.1:0", worker.Dialer{}, "malformed port", false},
		{"bad transport", "tcp://" + nobody, worker.Dialer{Transport: "sctp"}, "unknown transport sctp", false},
		{"http", "http://" + nobody, worker.Dialer{}, "there is no http client", false},
		{"websocket", "websocket://" + nobody, worker.Dialer{}, "clients dial ws:// or wss://", false},
		{"ws over udp", "ws://" + nobody, worker.Dialer{Transport: "udp"}, "does not travel over udp", false},
		{"no path", "unix://", worker.Dialer{}, "want unix:///path", false},
		{"no socket", "unix:///nowhere/at/all", worker.Dialer{}, "/nowhere/at/all: no such file", false},
		{"long path", "unix:///" + strings.Repeat("x", 200), worker.Dialer{}, "invalid argument", false},
		{"bad local address", "tcp://" + nobody, worker.Dialer{BindTo: "here"}, "bind to here", false},
		{"foreign local address", "tcp://" + nobody, worker.Dialer{BindTo: "192.0.2.1:0"},
			"bind to 192.0.2.1:0", false},
		{"late TLS", "ssl://" + silent(t), ms, "no answer in time", false},
		{"late ws", "ws://" + silent(t), ms, "no answer in time", true},
		{"no TLS there", "ssl://" + speaks, worker.Dialer{}, speaks, false},
		{"closes before TLS", "ssl://" + closes, worker.Dialer{}, closes, false},
		{"closes before ws", "ws://" + closes, worker.Dialer{}, closes, true},
		{"no ws there", "ws://" + speaks, worker.Dialer{}, "the answer is not HTTP/1.1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := clientOnly(t).connectTo(c.with, c.address)
			if c.handshake {
				o.expect(t, "connect")
			}
			o.failed(t, "connect ", c.want)
		})
	}
}

// blackHole accepts nobody and has no room for more who wait.
func blackHole(t *testing.T) (addr string) {
	t.Helper()
	fd, addr := listen(t)
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for range 64 {
		conn, err := net.DialTimeout("tcp", addr, 50e6)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("this kernel takes more than the backlog")
	return ""
}

func TestAttemptEndsWithTheTimeout(t *testing.T) {
	addr := blackHole(t)
	o := clientOnly(t).connectTo(worker.Dialer{Timeout: 50e6}, "tcp://"+addr)
	o.failed(t, addr, "no answer in time")
}

func TestEndWhileConnecting(t *testing.T) {
	hole := silent(t)
	for _, address := range []string{
		"tcp://" + hole, "ssl://" + hole, "tcp://nobody.invalid:1", "unix:///nowhere", "nonsense",
	} {
		for name, end := range map[string]func(c *worker.Connection){
			"Close":     func(c *worker.Connection) { c.Close("last") },
			"End":       func(c *worker.Connection) { c.End("last") },
			"Destroy":   func(c *worker.Connection) { c.Destroy() },
			"CloseCode": func(c *worker.Connection) { c.CloseCode(1000, "") },
		} {
			for _, connecting := range []bool{false, true} {
				t.Run(fmt.Sprint(address, name, connecting), func(t *testing.T) {
					s := clientOnly(t)
					o := &outgoing{events: newEvents(), s: s, errs: make(chan error, 1)}
					s.do(func() {
						o.Connection = worker.Dial(address)
						o.record()
						o.Send("early")
						if connecting {
							o.Connect()
						}
						end(o.Connection)
						end(o.Connection)
					})
					o.expect(t, "close")
					o.gone(t)
				})
			}
		}
	}
}

func TestCloseInOnConnectBringsTheLastMessage(t *testing.T) {
	addr, all := collects(t)
	for _, scheme := range []string{"tcp", "text", "frame"} {
		t.Run(scheme, func(t *testing.T) {
			o := clientOnly(t).connectTo(worker.Dialer{}, scheme+"://"+addr, func(o *outgoing) {
				o.OnBufferDrain = nil
				o.Send("first")
				o.OnConnect = func(c *worker.Connection) {
					c.Send("second")
					c.Close("last")
					o.add("connect")
				}
			})
			o.expect(t, "connect", "close")
			o.gone(t)
			want := map[string]string{"tcp": "firstsecondlast", "text": "first\nsecond\nlast\n",
				"frame": "\x00\x00\x00\x09first\x00\x00\x00\x0asecond\x00\x00\x00\x08last"}[scheme]
			if got := await(t, all, "data"); got != want {
				t.Errorf("%q arrived, want %q", got, want)
			}
		})
	}
}

func TestDestroyInEveryCallback(t *testing.T) {
	addr := echoes(t)
	for _, where := range []string{"OnConnect", "OnMessage", "OnError", "OnClose", "OnBufferDrain"} {
		t.Run(where, func(t *testing.T) {
			to := "tcp://" + addr
			if where == "OnError" {
				to = "tcp://" + refused(t)
			}
			o := clientOnly(t).connectTo(worker.Dialer{}, to, func(o *outgoing) {
				o.Send("x")
				o.Callbacks = worker.Callbacks{}
				destroy := func(c *worker.Connection) { c.Destroy() }
				switch where {
				case "OnConnect":
					o.OnConnect = destroy
				case "OnMessage":
					o.OnMessage = func(c *worker.Connection, _ []byte) { c.Destroy() }
				case "OnError":
					o.OnError = func(c *worker.Connection, _ worker.ErrorCode, _ error) { c.Destroy() }
				case "OnClose":
					o.OnConnect = destroy
				case "OnBufferDrain":
					o.OnBufferDrain = destroy
				}
				o.OnClose = func(c *worker.Connection) {
					o.add("close")
					c.Destroy()
					c.Close()
				}
			})
			o.expect(t, "close")
			o.gone(t)
		})
	}
}

func TestPanicInACallbackOfADialledConnection(t *testing.T) {
	s := clientOnly(t)
	o := s.connectTo(worker.Dialer{}, "tcp://"+refused(t), func(o *outgoing) {
		o.OnError = func(*worker.Connection, worker.ErrorCode, error) { panic("author") }
	})
	o.expect(t, "close")
	o.gone(t)
	s.logged("panic in OnError: author")
}
