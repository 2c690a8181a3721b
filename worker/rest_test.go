package worker_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/text"
	ws "github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

// toil is a protocol of lines. It is not done with "toil" before done is set,
// and fails the test when it is asked twice in a turn. All of it is owned by
// the loop.
type toil struct {
	t      *testing.T
	events events
	begun  map[protocol.Conn]int // calls of Decode for toil
	asked  map[protocol.Conn]time.Time
	done   bool
}

func (p *toil) Input(buf []byte, c protocol.Conn) (int, error) {
	if p.begun[c] > 0 {
		p.t.Errorf("Input in the middle of a frame, for %q", buf)
	}
	return bytes.IndexByte(buf, '\n') + 1, nil
}

func (p *toil) Decode(frame []byte, c protocol.Conn) (any, error) {
	const secret = 0x20 // in place, once
	switch {
	case string(frame) == "toil\n":
		p.events.add("begin")
		frame[0] ^= secret
	case string(frame) != "Toil\n":
		return frame[:len(frame)-1], nil
	}
	now := worker.Loop().Now() // of this turn
	if p.asked[c].Equal(now) {
		p.t.Error("Decode twice in a turn")
	}
	p.asked[c] = now
	if p.begun[c]++; !p.done {
		return nil, protocol.Again
	}
	p.begun[c] = 0
	return frame[:len(frame)-1], nil
}

func (p *toil) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	return protocol.AppendText(dst, v)
}

// toiling is a Worker of it that records messages.
func toiling(t *testing.T) (w *worker.Worker, p *toil) {
	p = &toil{t: t, events: newEvents(),
		begun: make(map[protocol.Conn]int), asked: make(map[protocol.Conn]time.Time)}
	w = recorded("tcp://127.0.0.1:0", p.events)
	w.Protocol = p
	w.OnMessage = func(c *worker.Connection, data []byte) {
		p.events.add("%d %s", c.ID, data)
		c.SendRaw(append(data, '\n'))
		if string(data) == "done" {
			p.done = true
		}
	}
	return w, p
}

// begins is a connection in the middle of toil, with more behind it.
func (p *toil) begins(s *service, more string) *client {
	c := s.dial()
	c.send("toil\n" + more)
	p.events.expect(p.t, "connect 1", "begin")
	return c
}

func TestOthersHaveTheirTurnInTheMiddleOfAFrame(t *testing.T) {
	w, p := toiling(t)
	s := start(t, w)
	busy := p.begins(s, "after\n")
	other := s.dial()
	for range 3 {
		other.send("meanwhile\n")
		other.expect("meanwhile\n")
	}
	p.events.expect(t, "connect 2", "2 meanwhile", "2 meanwhile", "2 meanwhile")
	other.send("done\n")
	busy.expect("Toil\nafter\n")
	busy.send("more\n")
	busy.expect("more\n")
	p.events.expect(t, "2 done", "1 Toil", "1 after", "1 more")
}

func TestManyInTheMiddleOfAFrame(t *testing.T) {
	w, p := toiling(t)
	s := start(t, w)
	busy := make([]*client, 20)
	for i := range busy {
		busy[i] = s.dial()
		busy[i].send("toil\nafter\n")
		p.events.expect(t, fmt.Sprintf("connect %d", i+1), "begin")
	}
	s.do(func() { p.done = true })
	for _, c := range busy {
		c.expect("Toil\nafter\n")
	}
}

func TestEndBehindARest(t *testing.T) {
	w, p := toiling(t)
	s := start(t, w)
	c := p.begins(s, "one\ntwo\n")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	for range 3 { // the loop learns of it
		s.do(func() {})
	}
	s.do(func() { p.events.none(t); p.done = true })
	c.expect("Toil\none\ntwo\n")
	c.expectEnd()
	p.events.expect(t, "1 Toil", "1 one", "1 two", "close 1 CLOSED")
}

// What ends a connection in the middle of a frame ends the work on it.
func TestEndInTheMiddleOfAFrame(t *testing.T) {
	for name, end := range map[string]func(s *service, w *worker.Worker, c *client){
		"Close": func(s *service, w *worker.Worker, c *client) {
			s.do(func() { w.Connection(1).Close() })
		},
		"Destroy": func(s *service, w *worker.Worker, c *client) {
			s.do(func() { w.Connection(1).Destroy() })
		},
		"End": func(s *service, w *worker.Worker, c *client) {
			s.do(func() { w.Connection(1).End() })
			c.expectEnd()
			c.Close()
		},
		"reset": func(s *service, w *worker.Worker, c *client) { c.SetLinger(0); c.Close() },
		"reset in a drain": func(s *service, w *worker.Worker, c *client) {
			s.drain(false)
			c.SetLinger(0)
			c.Close()
			await(s.t, s.gone, "gone")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, p := toiling(t)
			s := start(t, w)
			c := p.begins(s, "after\n")
			end(s, w, c)
			p.events.expect(t, "close 1 CLOSED")
			s.do(func() { clear(p.begun) })
			s.do(func() {})
			s.do(func() {
				if len(p.begun) > 0 {
					t.Error("Decode for a connection that has ended")
				}
				if n := worker.Resting(s.p); n > 0 {
					t.Errorf("%d connections are kept", n)
				}
			})
			p.events.none(t)
		})
	}
}

func TestDrainInTheMiddleOfAFrame(t *testing.T) {
	for _, graceful := range []bool{false, true} {
		w, p := toiling(t)
		s := start(t, w)
		c := p.begins(s, "after\n")
		s.drain(graceful)
		s.do(func() { p.events.none(t); p.done = true })
		c.expect("Toil\nafter\n")
		if graceful {
			c.Close()
		} else {
			c.expectEnd()
		}
		await(t, s.gone, "gone")
		p.events.expect(t, "1 Toil", "1 after", "close 1 CLOSED")
	}
}

func TestPauseInTheMiddleOfAFrame(t *testing.T) {
	w, p := toiling(t)
	s := start(t, w)
	c := p.begins(s, "after\n")
	s.do(func() { w.Connection(1).PauseRecv(); p.done = true })
	s.do(func() {})
	s.do(func() { p.events.none(t); w.Connection(1).ResumeRecv() })
	c.expect("Toil\nafter\n")

	s.do(func() { p.done = false })
	c.send("toil\nafter\n")
	p.events.expect(t, "1 Toil", "1 after", "begin")
	s.do(func() { // which changes nothing
		w.Connection(1).PauseRecv()
		w.Connection(1).ResumeRecv()
		p.done = true
	})
	c.expect("Toil\nafter\n")
}

func TestSwitchInTheMiddleOfAFrame(t *testing.T) {
	for _, more := range []string{"", "one\ntwo\n"} {
		w, p := toiling(t)
		s := start(t, w)
		c := p.begins(s, more)
		s.do(func() { w.Connection(1).SetProtocol(text.Protocol) })
		c.send("three\n")
		c.expect(more + "three\n")
	}
}

// blowUp is a protocol in which each byte means a message of so many bytes.
type blowUp int

func (n blowUp) Input(buf []byte, c protocol.Conn) (int, error) { return 1, nil }
func (n blowUp) Decode(frame []byte, c protocol.Conn) (any, error) {
	return bytes.Repeat(frame, int(n)), nil
}
func (n blowUp) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	return protocol.AppendText(dst, v)
}

func TestDecodedBytesOfATurnAreBounded(t *testing.T) {
	for size, most := range map[int]int{100 << 10: 3, 256 << 10: 1, 1 << 20: 1} {
		w := worker.New("tcp://127.0.0.1:0")
		w.Protocol = blowUp(size)
		got := 0 // in this turn
		w.OnMessage = func(c *worker.Connection, data []byte) {
			if got++; got == 1 {
				worker.Post(func() { got = 0 })
			}
			if got > most {
				t.Errorf("%d messages of %d bytes in one turn", got, size)
			}
			c.SendRaw(data[:1])
		}
		s := start(t, w)
		c := s.dial()
		const all = "0123456789"
		c.send(all)
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c.expect(all)
		c.expectEnd()
	}
}

// The messages that a client sends are inflated while others are served.
func TestLargeCompressedMessages(t *testing.T) {
	for _, secured := range []bool{false, true} {
		w := worker.New("websocket://127.0.0.1:0")
		w.Protocol = ws.New(ws.Options{Compress: true})
		if secured {
			secure(w)
		}
		w.OnMessage = func(c *worker.Connection, data []byte) {
			c.Write(fmt.Appendf(nil, "%d %q", len(data), data[len(data)-1]))
		}
		s := start(t, w)
		c, _ := browse(t, s, "", &websocket.DialOptions{
			CompressionMode: websocket.CompressionNoContextTakeover})
		other, _ := browse(t, s, "", nil)
		for range 3 {
			c.send(strings.Repeat("x", 9<<20-1) + "y")
			c.send("z")
			other.send("small")
			other.expectText(`5 'l'`)
		}
		for range 3 {
			c.expectText(`9437184 'y'`)
			c.expectText(`1 'z'`)
		}
	}
}
