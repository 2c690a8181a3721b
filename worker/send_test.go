package worker_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

// narrow makes the kernel take little, so that a backlog comes soon.
func narrow(t testing.TB, c *worker.Connection) {
	t.Helper()
	err := unix.SetsockoptInt(worker.Descriptor(c), unix.SOL_SOCKET, unix.SO_SNDBUF, 16<<10)
	if err != nil {
		t.Error(err)
	}
}

// dialNarrow is a client that leaves little room on its side as well.
func (s *service) dialNarrow() *client {
	s.t.Helper()
	c := s.dial()
	if err := c.SetReadBuffer(64 << 10); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// sending is a served Worker with one connection that does not read.
type sending struct {
	*service
	conn   *worker.Connection
	client *client
	events events
}

// newSending makes a connection with a limit and all callbacks recorded.
func newSending(t *testing.T, limit int) *sending {
	t.Helper()
	events := newEvents()
	w := worker.New("tcp://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	w.OnBufferFull = func(c *worker.Connection) { events.add("full") }
	w.OnBufferDrain = func(c *worker.Connection) { events.add("drain") }
	w.OnClose = func(c *worker.Connection) { events.add("close") }
	w.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
		events.add("error %d %v", code, err)
	}
	accepted := conns(w)
	s := start(t, w)
	client := s.dialNarrow()
	conn := await(t, accepted, "connection")
	s.do(func() {
		narrow(t, conn)
		conn.MaxSendBufferSize = limit
	})
	return &sending{s, conn, client, events}
}

func TestSmallMessagesGoOutTogetherAtTheEndOfTheTurn(t *testing.T) {
	s := newSending(t, 1<<20)
	s.do(func() {
		for range 100 {
			s.conn.WriteString("0123456789")
		}
		if got := s.conn.SendQueueSize(); got != 1000 {
			t.Errorf("queue has %d bytes, want 1000", got)
		}
		if got := s.conn.BytesWritten; got != 0 {
			t.Errorf("%d bytes written inside the turn, want 0", got)
		}
	})
	s.do(func() {
		if got, left := s.conn.BytesWritten, s.conn.SendQueueSize(); got != 1000 || left != 0 {
			t.Errorf("%d bytes written, %d left, want 1000 and 0", got, left)
		}
	})
	s.events.none(t) // OnBufferDrain is not for an ordinary flush
	s.client.expect(strings.Repeat("0123456789", 100))
}

func TestPendingIsOfferedInsideSendAtItsThreshold(t *testing.T) {
	for _, tt := range []struct{ limit, message, want int }{
		{1 << 20, 64<<10 - 1, 0}, // below: waits for the end of the turn
		{1 << 20, 64 << 10, 1},
		{1000, 999, 0}, // a smaller limit is a smaller threshold
		{1000, 1000, 1},
	} {
		t.Run(fmt.Sprint(tt.limit, tt.message), func(t *testing.T) {
			s := newSending(t, tt.limit)
			s.do(func() {
				s.conn.Write(pattern(tt.message))
				if got := s.conn.BytesWritten; (got > 0) != (tt.want > 0) {
					t.Errorf("%d bytes written inside Send", got)
				}
			})
		})
	}
}

func TestFlushOffersAtOnce(t *testing.T) {
	s := newSending(t, 1<<20)
	s.do(func() {
		s.conn.WriteString("now")
		s.conn.Flush()
		if got := s.conn.BytesWritten; got != 3 {
			t.Errorf("%d bytes written, want 3", got)
		}
	})
	s.client.expect("now")
}

func TestBacklogLimits(t *testing.T) {
	s := newSending(t, 100<<10)
	const first = 1 << 20 // below the limit a message of any size is taken
	var queued int
	s.do(func() {
		if err := s.conn.SendRaw(pattern(first)); err != nil {
			t.Errorf("first message: %v, want nil", err)
		}
		queued = s.conn.SendQueueSize()
		if got := int(s.conn.BytesWritten) + queued; got != first || queued < 100<<10 {
			t.Errorf("%d queued of %d, %d in all", queued, first, got)
		}
	})
	s.events.expect(t, "full")
	s.do(func() {
		for range 2 {
			if err := s.conn.Send("x"); !errors.Is(err, worker.ErrBufferFull) {
				t.Errorf("got %v, want ErrBufferFull", err)
			}
		}
		if got := s.conn.Status(); got != worker.Established {
			t.Errorf("status %v, want ESTABLISHED", got)
		}
		if got := worker.Stats().SendFail; got != 2 {
			t.Errorf("send_fail %d, want 2", got)
		}
	})
	const refused = "error 2 worker: send buffer full, message dropped"
	s.events.expect(t, refused, refused)
	s.client.expect(string(pattern(first)))
	s.events.expect(t, "drain")
	s.do(func() { s.conn.Send("again") })
	s.client.expect("again")
	s.events.none(t)
}

func TestBufferFullComesInsideTheSendThatCrosses(t *testing.T) {
	s := newSending(t, 1<<20)
	s.do(func() {
		for s.conn.SendQueueSize() == 0 { // until the kernel refuses
			s.conn.Write(pattern(64 << 10))
		}
		s.conn.MaxSendBufferSize = s.conn.SendQueueSize() + 10
		s.conn.WriteString("123456789")
		s.events.none(t)
		s.conn.WriteString("0")
		s.events.expect(t, "full")
		s.conn.MaxSendBufferSize++
		s.conn.WriteString("!") // crosses again, in the same filling
		s.events.none(t)
	})
}

func TestBacklogKeepsOrder(t *testing.T) {
	s := newSending(t, 8<<20)
	var want strings.Builder
	s.do(func() {
		for i := range 20000 {
			fmt.Fprintf(s.conn, "message %d\n", i)
			fmt.Fprintf(&want, "message %d\n", i)
		}
	})
	for i := range 3 { // and while it drains
		s.do(func() { fmt.Fprintf(s.conn, "later %d\n", i) })
		fmt.Fprintf(&want, "later %d\n", i)
	}
	s.client.expect(want.String())
	s.events.expect(t, "drain")
}

func TestSendAfterCloseIsSilent(t *testing.T) {
	s := newSending(t, 1<<20)
	s.do(func() {
		s.conn.Close("bye")
		if err := s.conn.Send("x"); !errors.Is(err, worker.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	})
	s.events.expect(t, "close")
	s.do(func() {
		if _, err := s.conn.WriteString("x"); !errors.Is(err, worker.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		if got := worker.Stats().SendFail; got != 0 {
			t.Errorf("send_fail %d, want 0", got)
		}
	})
	s.events.none(t)
	s.client.expect("bye")
	s.client.expectEnd()
}

func TestWriteErrorShowsAtTheEndOfTheTurn(t *testing.T) {
	s := newSending(t, 1<<20)
	s.do(func() {
		// The next write fails whatever the peer does.
		if err := unix.Shutdown(worker.Descriptor(s.conn), unix.SHUT_WR); err != nil {
			t.Error(err)
		}
		if err := s.conn.SendRaw(pattern(64 << 10)); err != nil {
			t.Errorf("got %v inside Send, want nil", err)
		}
		s.events.none(t)
		if err := s.conn.Send("x"); !errors.Is(err, worker.ErrClosed) {
			t.Errorf("got %v after the error, want ErrClosed", err)
		}
		s.events.none(t)
	})
	s.events.expect(t, "error 2 "+syscall.EPIPE.Error(), "close")
	s.do(func() {
		if got := worker.Stats().SendFail; got != 1 {
			t.Errorf("send_fail %d, want 1", got)
		}
	})
}

func TestEachValueAsSent(t *testing.T) {
	for _, tt := range []struct {
		v    any
		want string
	}{
		{"s", "s"}, {[]byte("b"), "b"}, {7, "7"}, {1.5, "1.5"}, {true, "1"},
		{map[string]int{"a": 1}, `{"a":1}`}, {fmt.Stringer(nil), "null"},
	} {
		s := newSending(t, 1<<20)
		s.do(func() {
			if err := s.conn.Send(tt.v); err != nil {
				t.Errorf("%v: %v", tt.v, err)
			}
			s.conn.SendRaw([]byte("."))
		})
		s.client.expect(tt.want + ".")
	}
}

func TestRefusedValueSendsNothing(t *testing.T) {
	s := newSending(t, 1<<20)
	s.do(func() {
		for _, v := range []any{make(chan int), errors.New("e"), func() {}} {
			if err := s.conn.Send(v); err == nil {
				t.Errorf("%T was sent", v)
			}
		}
		if got := s.conn.SendQueueSize(); got != 0 {
			t.Errorf("%d bytes queued, want 0", got)
		}
	})
	s.do(func() { s.conn.Send("ok") })
	s.client.expect("ok")
}

// greeter sends raw bytes from inside Encode, as a handshake may.
type greeter struct{}

func (greeter) Input(buf []byte, c protocol.Conn) (int, error)    { return len(buf), nil }
func (greeter) Decode(frame []byte, c protocol.Conn) (any, error) { return frame, nil }
func (greeter) Encode(d []byte, v any, c protocol.Conn) ([]byte, error) {
	if c.State() == nil {
		c.SetState(true)
		c.SendRaw([]byte("[hello]"))
	}
	return protocol.AppendText(d, v)
}

func TestRawBytesFromInsideEncodeGoFirst(t *testing.T) {
	s := newSending(t, 1<<20)
	s.do(func() {
		s.conn.WriteString("a")
		s.conn.SetProtocol(greeter{})
		s.conn.Send("b")
		s.conn.Send("c")
	})
	s.client.expect("a[hello]bc")
}

func TestWriteDoesNotAllocate(t *testing.T) {
	s := start(t, echo("text://127.0.0.1:0"))
	_ = s
	w := echo("text://127.0.0.1:0")
	accepted := conns(w)
	s = start(t, w)
	client := s.dial()
	c := await(t, accepted, "connection")
	message := pattern(32)
	s.do(func() {
		got := testing.AllocsPerRun(100, func() {
			c.Write(message)
			c.WriteString("a string")
			c.Flush()
		})
		if got > 0 && !raceEnabled {
			t.Errorf("%v allocations per message, want 0", got)
		}
	})
	client.discard(33 + 9)
}

func TestBroadcast(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	accepted := conns(w)
	s := start(t, w)
	var clients []*client
	var all []*worker.Connection
	for range 4 {
		clients = append(clients, s.dial())
		all = append(all, await(t, accepted, "connection"))
	}
	s.do(func() {
		all[1].SetProtocol(greeter{}) // remembers: encoded apart
		all[2].SetProtocol(nil)       // raw
		w.Broadcast("to all", all[3])
		w.Broadcast(7)
	})
	clients[0].expect("to all\n7\n")
	clients[1].expect("[hello]to all7")
	clients[2].expect("to all7")
	clients[3].expect("7\n")
}
