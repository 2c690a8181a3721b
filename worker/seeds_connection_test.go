package worker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// The examples of the pages about connections.

func TestSeedProtocolSetInOnConnect(t *testing.T) {
	w := worker.New("tcp://0.0.0.0:8484")
	w.OnConnect = func(c *worker.Connection) { c.SetProtocol(http1.Protocol) }
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		c.Send("hello " + r.Get("name"))
	}
	s := serve(t, w)
	c := s.dial()
	c.send("GET /?name=tom HTTP/1.1\r\nHost: h\r\n\r\n")
	for line := "-"; line != "\r\n"; {
		var err error
		if line, err = c.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	c.expect("hello tom")
}

func TestSeedForwardToEverybody(t *testing.T) {
	w := worker.New("websocket://0.0.0.0:8484")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		for other := range c.Worker.Connections() {
			other.Send(data)
		}
	}
	s := serve(t, w)
	first, second := s.dial().upgrade(), s.dial().upgrade()
	first.say("hi")
	first.hear("hi")
	second.hear("hi")
}

func TestSeedCallbacksOfOneConnection(t *testing.T) {
	got := newEvents()
	w := worker.New("websocket://0.0.0.0:8484")
	w.OnConnect = func(c *worker.Connection) {
		c.OnMessage = func(c *worker.Connection, data []byte) {
			got.add("%s", data)
			c.Send("receive success")
		}
		c.OnClose = func(c *worker.Connection) { got.add("connection closed") }
	}
	s := serve(t, w)
	c := s.dial().upgrade()
	c.say("hi")
	c.hear("receive success")
	c.Close()
	got.expect(t, "hi", "connection closed")
}

func TestSeedFullAndDrained(t *testing.T) {
	before := worker.Settings.MaxSendBufferSize
	worker.Settings.MaxSendBufferSize = 102400
	defer func() { worker.Settings.MaxSendBufferSize = before }()
	const size = 24 << 20 // more than the kernel takes

	got := newEvents()
	w := worker.New("text://0.0.0.0:8484")
	w.OnBufferFull = func(c *worker.Connection) { got.add("bufferFull and do not send again") }
	w.OnBufferDrain = func(c *worker.Connection) {
		got.add("buffer drain and continue send, %d left", c.SendQueueSize())
	}
	w.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
		got.add("error %d %v", code, err)
	}
	w.OnMessage = func(c *worker.Connection, data []byte) {
		got.add("%v", c.Send(pattern(size))) // however large, while it is not full
		got.add("%v", c.Send("more"))
		if n := c.SendQueueSize(); n < c.MaxSendBufferSize {
			t.Errorf("%d bytes wait, want %d or more", n, c.MaxSendBufferSize)
		}
	}
	s := serve(t, w)
	c := s.dial()
	c.send("go\n")
	full := worker.ErrBufferFull.Error()
	got.expect(t, "bufferFull and do not send again", "<nil>", "error 2 "+full, full)
	got.none(t)
	c.discard(size + 1)
	got.expect(t, "buffer drain and continue send, 0 left")
}

func TestSeedCloseAndDestroy(t *testing.T) {
	got := newEvents()
	w := worker.New("text://0.0.0.0:8484")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		switch string(data) {
		case "send":
			c.Send("hello")
		case "close":
			c.Close("hello")
		case "destroy":
			c.Destroy()
		}
		got.add("%s: %v", data, c.Status())
	}
	w.OnClose = func(c *worker.Connection) { got.add("connection closed") }
	s := serve(t, w)
	first, second := s.dial(), s.dial()
	first.send("send\nclose\nsend\n")
	first.expect("hello\nhello\n")
	got.expect(t, "send: ESTABLISHED", "close: CLOSING", "connection closed")
	second.send("destroy\nsend\n")
	got.expect(t, "connection closed", "destroy: CLOSED")
}

func TestSeedRemoteAddress(t *testing.T) {
	w := worker.New("text://0.0.0.0:8484")
	w.OnConnect = func(c *worker.Connection) {
		c.Send(fmt.Sprintf("new connection from address %s:%d", c.RemoteIP(), c.RemotePort()))
	}
	s := serve(t, w)
	c := s.dial()
	c.expect("new connection from address " + c.LocalAddr().String() + "\n")
}

// asked is how many requests a connection has made.
type asked struct{ messageCount int }

func TestSeedPauseAfterAHundredMessages(t *testing.T) {
	w := worker.New("text://0.0.0.0:8484")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		const limit = 100
		a := worker.Data[asked](c)
		if a.messageCount++; a.messageCount > limit {
			c.PauseRecv()
		}
		c.Send(a.messageCount)
	}
	s := serve(t, w)
	c := s.dial()
	c.send(string(pattern(16 * 150))) // a line each
	for want := int64(1); want <= 101; want++ {
		if got := c.number(); got != want {
			t.Fatalf("message %d, want %d", got, want)
		}
	}
	s.do(func() {
		for c := range w.Connections() {
			if n := worker.Data[asked](c).messageCount; n != 101 {
				t.Errorf("%d messages, want 101", n)
			}
			c.ResumeRecv() // later: each of the others pauses again
		}
	})
	if got := c.number(); got != 102 {
		t.Errorf("message %d after the pause, want 102", got)
	}
}

func TestSeedResumeLater(t *testing.T) {
	w := worker.New("text://0.0.0.0:8484")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		const limit = 100
		a := worker.Data[asked](c)
		if a.messageCount++; a.messageCount > limit {
			c.PauseRecv()
			timer.After(3*time.Millisecond, func() { c.ResumeRecv() })
		}
		c.Send(a.messageCount)
	}
	s := serve(t, w)
	c := s.dial()
	c.send(string(pattern(16 * 110)))
	for want := int64(1); want <= 110; want++ {
		if got := c.number(); got != want {
			t.Fatalf("message %d, want %d", got, want)
		}
	}
}
