package worker_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/worker"
)

func TestEachProtocolAnswers(t *testing.T) {
	tests := []struct{ name, address, send, want string }{
		{"raw", "tcp://127.0.0.1:0", "hello", "hello"},
		{"text", "text://127.0.0.1:0", "a\nb\r\n", "a\nb\n"},
		{"scheme in capitals", "Text://127.0.0.1:0", "a\n", "a\n"},
		{"frame", "frame://127.0.0.1:0", "\x00\x00\x00\x06hi", "\x00\x00\x00\x06hi"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, echo(tt.address))
			c := s.dial()
			c.send(tt.send)
			c.expect(tt.want)
		})
	}
}

func TestHTTPAnswers(t *testing.T) {
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send("path " + r.Path()) }
	s := start(t, w)
	c := s.dial()
	c.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
	c.send("GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	var got strings.Builder
	if _, err := c.r.WriteTo(&got); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"path /a", "path /b", "Connection: close"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("got %q, want %q in it", got.String(), want)
		}
	}
}

func TestWebsocketAnswersAndSaysGoodBye(t *testing.T) {
	w := worker.New("websocket://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.Write(data)
		c.Close()
	}
	s := start(t, w)
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	for line := "-"; line != "\r\n"; {
		var err error
		if line, err = c.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	c.send("\x81\x82\x00\x00\x00\x00hi")
	c.expect("\x81\x02hi\x88\x02\x03\xe8")
	c.expectEnd()
}

// polite says good bye, differently when the process leaves.
type polite struct{ protocol.Protocol }

func (polite) AppendFarewell(dst []byte, why protocol.Occasion, c protocol.Conn) []byte {
	return fmt.Appendf(dst, "[bye %d]", why)
}

func TestFarewellIsForOrderlyEnds(t *testing.T) {
	tests := []struct {
		name string
		end  func(s *service, c *worker.Connection)
		want string
	}{
		{"Close", func(s *service, c *worker.Connection) { c.Close("last"); c.Close() },
			"last\n[bye 0]"},
		{"End", func(s *service, c *worker.Connection) { c.End("last") }, "last\n[bye 0]"},
		{"Destroy", func(s *service, c *worker.Connection) { c.Destroy() }, ""},
		{"drain", func(s *service, c *worker.Connection) { s.p.Drain(false) }, "[bye 1]"},
		{"replaced", func(s *service, c *worker.Connection) {
			s.p.Pace(true, false)
			s.p.Drain(false)
		}, "[bye 2]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := echo("text://127.0.0.1:0")
			w.Protocol = polite{text.Protocol}
			accepted := conns(w)
			s := start(t, w)
			client := s.dial()
			conn := await(t, accepted, "connection")
			s.do(func() { tt.end(s, conn) })
			client.expect(tt.want)
			client.expectEnd()
		})
	}
}

func TestMessageCutAtEveryPlace(t *testing.T) {
	s := start(t, echo("text://127.0.0.1:0"))
	c := s.dial()
	const lines = "one\ntwo and more\n\nlast\n"
	for i := range lines {
		c.send(lines[:i])
		c.send(lines[i:])
		c.expect(lines)
	}
}

func TestLongMessagesArriveWhole(t *testing.T) {
	for _, size := range []int{512, 16 << 10, 16<<10 + 1, 64 << 10, 64<<10 + 1, 3 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			s := start(t, echo("frame://127.0.0.1:0"))
			c := s.dial()
			body := pattern(size)
			head := binary.BigEndian.AppendUint32(nil, uint32(size+4))
			go c.Write(append(head, body...)) // ends when all is written or c is closed
			c.expect(string(head) + string(body))
		})
	}
}

func TestAcceptedSocketsHaveNoDelay(t *testing.T) {
	w := echo("tcp://127.0.0.1:0")
	got := make(chan int, 1)
	w.OnConnect = func(c *worker.Connection) {
		v, err := unix.GetsockoptInt(worker.Descriptor(c), unix.IPPROTO_TCP, unix.TCP_NODELAY)
		if err != nil {
			t.Error(err)
		}
		got <- v
	}
	s := start(t, w)
	s.dial()
	if v := await(t, got, "connection"); v == 0 {
		t.Error("TCP_NODELAY is off")
	}
}

func TestTextGivesItsOwnCopy(t *testing.T) {
	var kept []string
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = worker.Text(func(c *worker.Connection, s string) {
		kept = append(kept, s)
		c.Send(strings.Join(kept, ","))
	})
	s := start(t, w, func(e *worker.Env) { e.Debug = true })
	c := s.dial()
	c.send("a\nb\n")
	c.expect("a\na,b\n")
}

func TestKeptBytesAreSpoiledInDebugMode(t *testing.T) {
	for _, debug := range []bool{false, true} {
		var kept []byte
		w := worker.New("text://127.0.0.1:0")
		w.OnMessage = func(c *worker.Connection, data []byte) {
			if kept == nil {
				kept = data
			}
			c.Send(fmt.Sprint(string(kept) == "first"))
		}
		s := start(t, w, func(e *worker.Env) { e.Debug = debug })
		c := s.dial()
		c.send("first\nsecond\n")
		c.expect(fmt.Sprintf("true\n%v\n", !debug))
	}
}

// digits is a protocol of values: one byte is one message.
type digits struct{}

func (digits) Input(buf []byte, c protocol.Conn) (int, error) { return 1, nil }
func (digits) Decode(frame []byte, c protocol.Conn) (any, error) {
	if frame[0] == '-' {
		return nil, protocol.Skip
	}
	return int(frame[0] - '0'), nil
}
func (digits) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	return protocol.AppendText(dst, v)
}

func TestValuesOfAnAuthorsProtocol(t *testing.T) {
	w := worker.New("tcp://127.0.0.1:0")
	w.Protocol = digits{}
	sum := 0
	w.OnValue = worker.Value(func(c *worker.Connection, n int) {
		sum += n
		c.Send(sum)
		c.WriteString(";")
	})
	s := start(t, w)
	c := s.dial()
	c.send("12-3")
	c.expect("1;3;6;")
	s.do(func() {
		if got := worker.Stats().TotalRequest; got != 3 {
			t.Errorf("got %d requests, want 3", got)
		}
	})
}

func TestMessageAboveMaxPackageSizeCloses(t *testing.T) {
	w := echo("frame://127.0.0.1:0")
	w.OnConnect = func(c *worker.Connection) { c.MaxPackageSize = 10 }
	s := start(t, w)
	c := s.dial()
	c.send("\x00\x00\x00\x0aabcdef")
	c.expect("\x00\x00\x00\x0aabcdef")
	c.send("\x00\x00\x00\x0b")
	c.expectEnd()
}

func TestRejectIsToldAndLingers(t *testing.T) {
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send("ok") }
	events := newEvents()
	w.OnClose = func(c *worker.Connection) { events.add("close") }
	s := start(t, w)
	c := s.dial()
	c.send("NONSENSE\r\n\r\n" + strings.Repeat("more input that nobody reads", 1000))
	got, err := c.r.ReadString('\n')
	if err != nil || !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Fatalf("got %q and %v, want status 400", got, err)
	}
	c.Close()
	events.expect(t, "close")
}
