package worker_test

import (
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/frame"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/worker"
)

func TestPauseStopsMessagesAlreadyRead(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) {
		events.add("message %s", data)
		c.PauseRecv()
	}
	s := start(t, w)
	c := s.dial()
	c.send("one\ntwo\nthree\n")
	events.expect(t, "connect 1", "message one")
	s.do(func() { events.none(t) })
	for _, want := range []string{"two", "three"} {
		s.do(func() { w.Connection(1).ResumeRecv() })
		events.expect(t, "message "+want)
	}
	s.do(func() { events.none(t); w.Connection(1).ResumeRecv() })
	c.send("four\n")
	events.expect(t, "message four")
}

func TestPauseHoldsThePeerBack(t *testing.T) {
	events := newEvents()
	w := recorded("tcp://127.0.0.1:0", events)
	const size = 32 << 20 // more than the kernel keeps
	w.OnConnect = func(c *worker.Connection) {
		c.PauseRecv()
		events.add("paused")
	}
	got := 0
	w.OnMessage = func(c *worker.Connection, data []byte) {
		if got += len(data); got == size {
			events.add("all")
		}
	}
	s := start(t, w)
	c := s.dial()
	events.expect(t, "paused")
	sent := make(chan error, 1)
	go func() { // ends when the other side has read all
		_, err := c.Write(make([]byte, size))
		sent <- err
	}()
	s.do(func() {})
	s.do(func() {
		if got != 0 || len(sent) != 0 {
			t.Error("read while paused")
		}
		w.Connection(1).ResumeRecv()
	})
	if err := await(t, sent, "end of writing"); err != nil {
		t.Fatal(err)
	}
	events.expect(t, "all")
}

func TestPauseAndResumeInOneMessageLosesNothing(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.PauseRecv()
		c.Write(data)
		c.ResumeRecv()
	}
	s := start(t, w)
	c := s.dial()
	lines := strings.Repeat("a line\n", 5000)
	go c.send(lines) // ends when all is written or c is closed
	c.expect(lines)
}

func TestResumeLater(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.PauseRecv()
		c.Write(data)
		c.Post((*worker.Connection).ResumeRecv)
	}
	s := start(t, w)
	c := s.dial()
	lines := strings.Repeat("a line\n", 500)
	c.send(lines)
	c.expect(lines)
}

func TestPausedConnectionNoticesAReset(t *testing.T) {
	events := newEvents()
	w := recorded("text://127.0.0.1:0", events)
	w.OnMessage = func(c *worker.Connection, data []byte) { c.PauseRecv(); events.add("paused") }
	s := start(t, w)
	c := s.dial()
	c.send("one\n")
	events.expect(t, "connect 1", "paused")
	c.send("two\n")
	c.SetLinger(0)
	c.Close()
	events.expect(t, "close 1 CLOSED")
}

func TestSwitchedProtocolCountsForTheNextMessage(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.Write(data)
		switch string(data) {
		case "frame":
			c.SetProtocol(frame.Protocol)
		case "text":
			c.SetProtocol(text.Protocol)
		case "raw":
			c.SetProtocol(nil)
		}
	}
	s := start(t, w)
	c := s.dial()
	c.send("frame\n\x00\x00\x00\x08textline\nraw\nanything\nat all")
	c.expect("frame\n\x00\x00\x00\x08textline\nraw\nanything\nat all")
}

func TestSwitchWhileAMessageIsIncomplete(t *testing.T) {
	w := worker.New("frame://127.0.0.1:0")
	events := newEvents()
	w.OnMessage = func(c *worker.Connection, data []byte) { events.add("%q", data) }
	accepted := conns(w)
	s := start(t, w)
	c := s.dial()
	conn := await(t, accepted, "connection")
	c.send("\x00\x00\x00\x70abc\n")
	eventually(t, "partial message", func() (held bool) {
		s.do(func() { held = conn.BytesRead == 8 })
		return held
	})
	s.do(func() { conn.SetProtocol(text.Protocol) })
	events.expect(t, `"\x00\x00\x00pabc"`)
}

// either looks at the first byte and passes the connection on.
type either struct{ protocol.Protocol }

func (either) Input(buf []byte, c protocol.Conn) (int, error) {
	if buf[0] == 0 {
		c.(*worker.Connection).SetProtocol(frame.Protocol)
	} else {
		c.(*worker.Connection).SetProtocol(text.Protocol)
	}
	return 0, nil
}

func TestOnePortTwoProtocols(t *testing.T) {
	w := echo("tcp://127.0.0.1:0")
	w.Protocol = either{text.Protocol}
	s := start(t, w)
	for _, message := range []string{"\x00\x00\x00\x05a", "a\nb\n"} {
		c := s.dial()
		c.send(message)
		c.expect(message)
	}
}

func TestCallbacksMayBeReplacedPerConnection(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.Send("first")
		c.OnMessage = func(c *worker.Connection, data []byte) { c.Send("then") }
		w.OnMessage = nil // is for new connections only
	}
	s := start(t, w)
	c := s.dial()
	c.send("1\n2\n3\n")
	c.expect("first\nthen\nthen\n")
}

type user struct{ uid int }

func TestDataIsMadeOnFirstUse(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		worker.Data[user](c).uid++
		c.Send(worker.Data[user](c).uid)
	}
	s := start(t, w)
	c := s.dial()
	c.send("a\nb\n")
	c.expect("1\n2\n")
	s.do(func() {
		defer func() {
			if r, _ := recover().(string); !strings.Contains(r, "not a *int") {
				t.Errorf("got %q", r)
			}
		}()
		worker.Data[int](w.Connection(1))
	})
}
