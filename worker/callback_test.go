package worker_test

import (
	"errors"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

func TestPanicInOnMessageHarmsNobody(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.Write(data)
		if string(data) == "two" {
			panic("boom in " + string(data))
		}
	}
	s := start(t, w)
	c, other := s.dial(), s.dial()
	c.send("one\ntwo\nthree\n")
	c.expect("one\ntwo\nthree\n")
	other.send("hello\n")
	other.expect("hello\n")
	s.logged("panic in OnMessage: boom in two")
	s.logged("callback_test.go:") // the stack
	if got := s.p.Figures().ThrowException; got != 1 {
		t.Errorf("throw_exception %d, want 1", got)
	}
}

func TestPanicFlushesEverybody(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		w.Broadcast("before the panic")
		panic("boom")
	}
	accepted := conns(w)
	s := start(t, w)
	c, other := s.dial(), s.dial()
	conn := await(t, accepted, "connection")
	await(t, accepted, "connection")
	s.do(func() {
		worker.Step(conn, []byte("x\n"))
		for c := range w.Connections() {
			if c.BytesWritten == 0 {
				t.Errorf("connection %d was not flushed", c.ID)
			}
		}
	})
	c.expect("before the panic\n")
	other.expect("before the panic\n")
}

func TestPanicInEachCallback(t *testing.T) {
	events := newEvents()
	boom := func(what string) { events.add("%s", what); panic("boom in " + what) }
	w := worker.New("text://127.0.0.1:0")
	w.OnConnect = func(c *worker.Connection) {
		c.MaxSendBufferSize = 64 << 10
		boom("OnConnect")
	}
	w.OnMessage = func(c *worker.Connection, data []byte) {
		narrow(t, c)
		c.SendRaw(pattern(1 << 20))
		if err := c.Send("refused"); !errors.Is(err, worker.ErrBufferFull) {
			t.Errorf("got %v, want ErrBufferFull", err)
		}
	}
	w.OnBufferFull = func(*worker.Connection) { boom("OnBufferFull") }
	w.OnBufferDrain = func(*worker.Connection) { boom("OnBufferDrain") }
	w.OnError = func(*worker.Connection, worker.ErrorCode, error) { boom("OnError") }
	w.OnClose = func(*worker.Connection) { boom("OnClose") }
	w.OnWorkerReload = func(*worker.Worker) { boom("OnWorkerReload") }
	w.OnWorkerStop = func(*worker.Worker) { boom("OnWorkerStop") }
	s := start(t, w)
	c := s.dial()
	c.send("go\n")
	events.expect(t, "OnConnect", "OnBufferFull", "OnError")
	c.discard(1 << 20)
	events.expect(t, "OnBufferDrain")
	c.Close()
	events.expect(t, "OnClose")
	s.do(s.p.Reload)
	s.do(func() { timer.After(time.Nanosecond, func() { boom("timer") }) })
	events.expect(t, "OnWorkerReload", "timer")
	worker.Post(func() { boom("post") })
	events.expect(t, "post")
	s.drain(false)
	events.expect(t, "OnWorkerStop")
	await(t, s.gone, "gone")
	if got := s.p.Figures().ThrowException; got != 9 {
		t.Errorf("throw_exception %d, want 9", got)
	}
}

// fragile panics where its name says.
type fragile struct {
	protocol.Protocol
	at string
}

func (f fragile) Input(buf []byte, c protocol.Conn) (int, error) {
	if f.at == "Input" {
		panic("boom")
	}
	return f.Protocol.Input(buf, c)
}

func (f fragile) Decode(frame []byte, c protocol.Conn) (any, error) {
	if f.at == "Decode" {
		panic("boom")
	}
	return f.Protocol.Decode(frame, c)
}

func (f fragile) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	if f.at == "Encode" {
		panic("boom")
	}
	return f.Protocol.Encode(dst, v, c)
}

func (f fragile) OnClose(c protocol.Conn) { panic("boom in OnClose") }

func TestPanickingProtocolLosesItsConnectionOnly(t *testing.T) {
	for _, at := range []string{"Input", "Decode"} {
		t.Run(at, func(t *testing.T) {
			events := newEvents()
			w := recorded("text://127.0.0.1:0", events)
			w.Protocol = fragile{text.Protocol, at}
			s := start(t, w)
			c := s.dial()
			c.send("a\n")
			c.expectEnd()
			events.expect(t, "connect 1", "close 1 CLOSED")
			s.dial()
			events.expect(t, "connect 2")
		})
	}
}

func TestPanicInEncodeLeavesTheStreamWhole(t *testing.T) {
	w := worker.New("text://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		c.WriteString("before")
		c.SetProtocol(fragile{text.Protocol, string(data)})
		c.Send("never")
	}
	s := start(t, w)
	c := s.dial()
	c.send("Encode\n")
	c.expect("before\n")
	s.do(func() {
		conn := w.Connection(1)
		func() {
			defer func() { _ = recover() }() // an author's own
			conn.Send("never")
		}()
		if got := conn.SendQueueSize(); got != 0 {
			t.Errorf("%d bytes queued, want 0", got)
		}
		conn.SetProtocol(text.Protocol)
		conn.SendRaw([]byte("raw "))
		conn.Send("after")
	})
	c.expect("raw after\n")
}
