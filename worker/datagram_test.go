package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

// sender is a client of a udp Worker.
type sender struct {
	*net.UDPConn
	t testing.TB
}

func (s *service) sender() *sender {
	s.t.Helper()
	conn, err := net.Dial("udp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		s.t.Fatal(err)
	}
	udp := conn.(*net.UDPConn)
	if err := udp.SetReadBuffer(1 << 20); err != nil {
		s.t.Fatal(err)
	}
	return &sender{udp, s.t}
}

func (c *sender) send(datagram string) {
	c.t.Helper()
	if _, err := c.Write([]byte(datagram)); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads one datagram.
func (c *sender) expect(want string) {
	c.t.Helper()
	got := make([]byte, 1<<16)
	n, err := c.Read(got)
	if err != nil || string(got[:n]) != want {
		c.t.Fatalf("got %.99q and %v, want %.99q", got[:n], err, want)
	}
}

// overUDP declares a Worker that records all there is.
func overUDP(scheme string, events events) *worker.Worker {
	w := recorded(scheme+"://127.0.0.1:0", events)
	w.Transport = "udp"
	return w
}

// pairs is a protocol of two-byte messages that are in brackets on the wire.
type pairs struct{}

func (pairs) Input(buf []byte, c protocol.Conn) (int, error) {
	switch {
	case buf[0] == '!':
		return 0, protocol.ErrBad
	case len(buf) < 2:
		return 0, nil
	}
	return 2, nil
}
func (pairs) Decode(frame []byte, c protocol.Conn) (any, error) { return frame, nil }
func (pairs) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	return fmt.Appendf(dst, "[%s]", v), nil
}

func TestEachDatagramIsARequest(t *testing.T) {
	for _, tt := range []struct {
		scheme   string
		datagram string
		want     []string
	}{
		{"udp", "raw\nbytes", []string{"message raw\nbytes"}},
		{"udp", "", []string{"message "}},
		{"text", "one\ntwo\nrest", []string{"message one", "message two"}}, // trap T50
		{"text", "no newline", nil},
		{"text", "", nil},
		{"frame", "\x00\x00\x00\x05a\x00\x00\x00\x06bc\x00\x00\x00\x09x",
			[]string{"message a", "message bc"}},
		{"frame", "\x00\x00\x00\x03a", nil},
		{"pairs", "aabbc", []string{"message aa", "message bb"}},
		{"pairs", "aa!!bb", []string{"message aa"}},
	} {
		t.Run(fmt.Sprintf("%s %q", tt.scheme, tt.datagram), func(t *testing.T) {
			events := newEvents()
			scheme := tt.scheme
			if scheme == "pairs" {
				scheme = "udp"
			}
			w := overUDP(scheme, events)
			if tt.scheme == "pairs" {
				w.Protocol = pairs{}
			}
			s := start(t, w)
			c := s.sender()
			c.send(tt.datagram)
			c.send(tt.datagram)
			eventually(t, "both requests", func() (all bool) {
				s.do(func() { all = worker.Stats().TotalRequest == 2 })
				return all
			})
			events.expect(t, append(tt.want, tt.want...)...)
			events.none(t) // no OnConnect, no OnClose
			s.do(func() {
				for range w.Connections() {
					t.Error("a datagram is a connection")
				}
				if n := worker.Stats(); n.Connections != 0 || n.ThrowException != 0 {
					t.Errorf("%+v", n)
				}
			})
		})
	}
}

func TestReplyGoesToTheSender(t *testing.T) {
	for _, scheme := range []string{"udp", "text", "frame"} {
		w := worker.New(scheme + "://127.0.0.1:0")
		w.Transport = "udp"
		w.OnMessage = func(c *worker.Connection, data []byte) {
			c.Send(fmt.Sprintf("%s:%d says %s", c.RemoteIP(), c.RemotePort(), data))
			c.Send("and more")
		}
		s := start(t, w)
		enclose := func(m string) string {
			switch scheme {
			case "text":
				return m + "\n"
			case "frame":
				return string([]byte{0, 0, 0, byte(len(m) + 4)}) + m
			}
			return m
		}
		for _, c := range []*sender{s.sender(), s.sender()} {
			c.send(enclose("hi"))
			c.expect(enclose(fmt.Sprintf("%s says hi", c.LocalAddr())))
			c.expect(enclose("and more"))
		}
	}
}

func TestDatagramsOfAnySize(t *testing.T) {
	s := start(t, echo("udp://127.0.0.1:0"))
	c := s.sender()
	for _, n := range []int{1, 1472, 9000, 32768, 65507} {
		want := string(pattern(n))
		c.send(want)
		c.expect(want)
	}
	events := newEvents()
	w := worker.New("udp://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		events.add("too large: %v", c.Send(pattern(65508)) != nil)
		events.add("then: %v", c.Send("ok"))
		events.add("status %v, send_fail %d", c.Status(), worker.Stats().SendFail)
	}
	s = start(t, w)
	c = s.sender()
	c.send("x")
	c.expect("ok")
	events.expect(t, "too large: true", "then: <nil>", "status ESTABLISHED, send_fail 1")
}

func TestCloseOfADatagramLeavesTheListener(t *testing.T) {
	for name, end := range map[string]func(c *worker.Connection){
		"Close":   func(c *worker.Connection) { c.Close("bye"); c.Close("again") },
		"End":     func(c *worker.Connection) { c.End("bye"); c.End("again") },
		"Destroy": func(c *worker.Connection) { c.Send("bye"); c.Destroy(); c.Destroy() },
	} {
		t.Run(name, func(t *testing.T) {
			events := newEvents()
			w := overUDP("text", events)
			w.OnMessage = func(c *worker.Connection, data []byte) {
				ctx := c.Context()
				end(c)
				events.add("%s %v %v", data, c.Status(), ctx.Err())
				if err := c.Send("late"); !errors.Is(err, worker.ErrClosed) {
					t.Errorf("Send after the end: %v", err)
				}
				if n := worker.Stats().SendFail; n != 0 {
					t.Errorf("send_fail %d", n)
				}
			}
			s := start(t, w)
			c := s.sender()
			for range 2 {
				c.send("one\ntwo\n") // nothing is delivered after Close
				c.expect("bye\n")
				events.expect(t, "one CLOSED context canceled")
			}
			events.none(t)
		})
	}
}

func TestKeptDatagramAnswersUntilUnlisten(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.Transport = "udp"
	kept := make(chan *worker.Connection, 1)
	w.OnMessage = func(c *worker.Connection, data []byte) { kept <- c }
	s := start(t, w)
	one, two := s.sender(), s.sender()
	one.send("x\n")
	first := await(t, kept, "message")
	two.send("x\n")
	second := await(t, kept, "message")
	s.do(func() {
		first.Send("to one")
		second.Send("to two")
		first.Flush()
		if first.ID != 0 || first.Worker != w || first.Fd() != -1 || first.Transport() != "udp" {
			t.Errorf("%+v", first)
		}
		if first.LocalAddr().String() != s.addr {
			t.Errorf("local address %v, want %s", first.LocalAddr(), s.addr)
		}
	})
	one.expect("to one\n")
	two.expect("to two\n")
	s.do(func() {
		w.Unlisten()
		if err := first.Send("late"); !errors.Is(err, worker.ErrClosed) {
			t.Errorf("after Unlisten: %v", err)
		}
		if n := worker.Stats().SendFail; n != 0 {
			t.Errorf("send_fail %d", n)
		}
	})
}

func TestPanicsOverDatagramsAreCounted(t *testing.T) {
	events := newEvents()
	w := worker.New("text://127.0.0.1:0")
	w.Transport = "udp"
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.Send("before")
		if string(data) == "bad" {
			panic("over a datagram")
		}
		events.add("%s %d", data, worker.Stats().ThrowException)
	}
	s := start(t, w)
	c := s.sender()
	c.send("bad\ngood\n")
	c.expect("before\n")
	events.expect(t, "good 1")
	c.send("\n")
	events.expect(t, " 1")
	s.logged("over a datagram")
}

func TestDatagramsOverIPv6(t *testing.T) {
	for listen, dial := range map[string]string{"[::1]:0": "::1", "[::]:0": "127.0.0.1"} {
		got := make(chan string, 1)
		w := worker.New("udp://" + listen)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			got <- fmt.Sprint(c.RemoteIP(), c.IsIPv4(), c.IsIPv6())
			c.Write(data)
		}
		s := start(t, w)
		_, port, _ := net.SplitHostPort(s.addr)
		s.addr = net.JoinHostPort(dial, port)
		c := s.sender()
		c.send("hi")
		c.expect("hi")
		want := fmt.Sprint(dial, strings.Contains(dial, "."), strings.Contains(dial, ":"))
		if got := await(t, got, "message"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestPauseAcceptStopsDatagrams(t *testing.T) {
	events := newEvents()
	w := overUDP("text", events)
	s := start(t, w)
	s.do(w.PauseAccept)
	c := s.sender()
	c.send("one\n")
	for range 10 {
		s.do(func() {})
	}
	events.none(t)
	s.do(w.ResumeAccept)
	events.expect(t, "message one")
}

func TestMessageBytesOfDatagramsAreNotShared(t *testing.T) {
	w := worker.New("udp://127.0.0.1:0")
	var all bytes.Buffer
	done := make(chan struct{})
	w.OnMessage = func(c *worker.Connection, data []byte) {
		if all.Write(data); all.Len() == 300 {
			close(done)
		}
	}
	s := start(t, w)
	c := s.sender()
	for i := range 100 {
		c.send(fmt.Sprintf("%03d", i))
	}
	await(t, done, "all datagrams")
	for i := range 100 {
		if got := string(all.Next(3)); got != fmt.Sprintf("%03d", i) {
			t.Fatalf("datagram %d is %q", i, got)
		}
	}
}

// TestPauseOfADialledSocketTakesItsErrorsAway is about a loop that rests: the
// kernel reports an error until somebody has asked for it.
func TestPauseOfADialledSocketTakesItsErrorsAway(t *testing.T) {
	nobody := refused(t)
	o := clientOnly(t).connectTo(worker.Dialer{}, "udp://"+nobody)
	o.expect(t, "connect")
	var fd int
	o.do(func() {
		fd = worker.Descriptor(o.Connection)
		o.PauseRecv()
		o.Send("into the void")
	})
	eventually(t, "no error at the socket", func() bool {
		ready := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(ready, 0)
		return err == nil && n == 0
	})
	o.do(o.Destroy)
}

func TestDrainStillAnswersDatagrams(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	w := worker.New("udp://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		question := string(data)
		worker.Go(c.Context(), func(context.Context) (string, error) {
			close(asked)
			<-release
			return "answer to " + question, nil
		}, func(answer string, _ error) {
			if err := c.Send(answer); err != nil {
				t.Errorf("Send in a drain: %v", err)
			}
		})
	}
	s := start(t, w)
	c := s.sender()
	c.send("one")
	await(t, asked, "question")
	s.drain(false)
	c.send("two") // for the process that takes its place
	close(release)
	c.expect("answer to one")
	await(t, s.gone, "gone")
}
