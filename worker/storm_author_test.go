package worker_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/frame"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/text"
	ws "github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/worker"
)

// author is the code of somebody who does anything anywhere. Owned by the loop.
type author struct {
	storm  *storm
	rnd    *rand.Rand
	deeds  int  // still to be done
	calm   bool // no more deeds
	souls  map[*worker.Connection]*soul
	order  []*soul
	closes int // OnClose of dialled connections
	depth  int
	common int // the stream of broadcasts
}

// soul is what the author knows of one connection.
type soul struct {
	a    *author
	c    *worker.Connection
	name string
	life int // the stream of this life
	got  []byte

	connected, upgraded, failed, closed, loose bool
}

// know returns what is known of c.
func (a *author) know(c *worker.Connection, kind string) *soul {
	s := a.souls[c]
	if s != nil {
		return s
	}
	s = &soul{a: a, c: c, name: fmt.Sprintf("%s %d", kind, c.ID)}
	s.life = a.storm.streams.open(s.name)
	a.souls[c] = s
	a.order = append(a.order, s)
	return s
}

// wrong reports a callback that should not be.
func (s *soul) wrong(format string, args ...any) {
	s.a.storm.streams.fail("%s, %v: %s", s.name, s.c.Status(), fmt.Sprintf(format, args...))
}

// called checks that a callback of this life may come, and acts.
func (s *soul) called(what string, open bool) {
	switch status := s.c.Status(); {
	case s.closed && !s.c.Dialled():
		s.wrong("%s behind OnClose", what)
	case s.failed:
		s.wrong("%s behind a ConnectFail", what)
	case status == worker.Closed:
		s.wrong("%s of a closed connection", what)
	case open && status != worker.Established:
		s.wrong("%s", what)
	case open && !s.connected && (s.c.Dialled() || s.c.Transport() != "udp"):
		s.wrong("%s before OnConnect", what)
	}
	s.closed = false
	s.a.storm.note(what)
	s.act(what)
}

func (a *author) callbacks(kind string) worker.Callbacks {
	at := func(c *worker.Connection) *soul { return a.know(c, kind) }
	return worker.Callbacks{
		OnConnect: func(c *worker.Connection) { at(c).connect() },
		OnMessage: func(c *worker.Connection, data []byte) { at(c).message(data) },
		OnRequest: func(c *worker.Connection, r *http1.Request) {
			at(c).called("OnRequest", true)
			at(c).send(a.size())
		},
		OnClose: func(c *worker.Connection) { at(c).close() },
		OnError: func(c *worker.Connection, code worker.ErrorCode, err error) { at(c).error(code, err) },
		OnBufferFull: func(c *worker.Connection) {
			if c.SendQueueSize() < c.MaxSendBufferSize {
				at(c).wrong("OnBufferFull with %d bytes", c.SendQueueSize())
			}
			at(c).called("OnBufferFull", false)
		},
		OnBufferDrain: func(c *worker.Connection) { at(c).called("OnBufferDrain", false) },
		OnWebSocketConnect: func(c *worker.Connection, _ *http1.Request) {
			at(c).called("OnWebSocketConnect", true)
		},
		OnWebSocketConnected: func(c *worker.Connection) {
			at(c).upgraded = true
			at(c).called("OnWebSocketConnected", true)
		},
		OnWebSocketClose: func(c *worker.Connection, code int, _ string) {
			at(c).called("OnWebSocketClose", true)
			c.Close()
		},
		OnWebSocketPing: func(c *worker.Connection, data []byte) {
			at(c).called("OnWebSocketPing", true)
			at(c).loosen()
			c.SendRaw(ws.AppendPong(nil, data, c))
		},
		OnWebSocketPong: func(c *worker.Connection, _ []byte) { at(c).called("OnWebSocketPong", true) },
	}
}

func (s *soul) connect() {
	if s.connected {
		s.wrong("a second OnConnect")
	}
	s.connected = true
	s.c.MaxSendBufferSize = []int{100, 1000, 1000, 20000, 1 << 20}[s.a.rnd.IntN(5)]
	if s.a.rnd.IntN(2) == 0 {
		_ = unix.SetsockoptInt(worker.Descriptor(s.c), unix.SOL_SOCKET, unix.SO_SNDBUF, 4096)
	}
	s.called("OnConnect", true)
}

// maxKept bounds what is looked at of one connection.
const maxKept = 4 << 20

func (s *soul) message(data []byte) {
	if len(s.got)+len(data) < maxKept {
		s.got = append(s.got, data...)
	}
	s.called("OnMessage", true)
}

func (s *soul) close() {
	if s.c.Status() != worker.Closed {
		s.wrong("OnClose")
	}
	if s.closed && !s.c.Dialled() { // an attempt may end before any other callback
		s.wrong("a second OnClose")
	}
	if s.c.Dialled() {
		s.a.closes++
	}
	s.a.storm.note("OnClose")
	s.judge()
	s.connected, s.upgraded, s.failed, s.loose = false, false, false, false
	s.closed = true
	s.life = s.a.storm.streams.open(s.name)
	s.act("OnClose")
}

// judge looks at all that came in this life.
func (s *soul) judge() {
	st := s.a.storm
	if st.pipes || s.c.Transport() == "udp" {
		s.got = nil
		return
	}
	st.streams.check(fmt.Sprintf("%s (%d)", s.name, s.life), s.got, !s.loose)
	s.got = nil
}

func (s *soul) error(code worker.ErrorCode, err error) {
	switch {
	case code == worker.ConnectFail:
		if !s.c.Dialled() || s.connected && s.upgraded && !s.loose {
			s.wrong("ConnectFail %v", err)
		}
		s.called("ConnectFail", false)
		s.failed = s.c.Status() != worker.Closed
		return
	case errors.Is(err, worker.ErrBufferFull):
		full := s.c.SendQueueSize() >= s.c.MaxSendBufferSize
		if !full && !worker.TooMuch(s.c) {
			s.wrong("ErrBufferFull at %d of %d bytes, %d in the process",
				s.c.SendQueueSize(), s.c.MaxSendBufferSize, worker.Backlog(s.a.storm.p))
		}
	}
	s.called("OnError", false)
}

func (a *author) size() int {
	if a.rnd.IntN(4) == 0 {
		return 5000 + a.rnd.IntN(120000)
	}
	return 1 + a.rnd.IntN(300)
}

// loosen is for what breaks the order of messages on purpose.
func (s *soul) loosen() {
	s.loose = true
	s.a.storm.streams.loosen(s.life)
}

// say sends one message by any way of sending.
func (s *soul) say(n int, send func(p []byte) error) {
	life := s.life
	message, number := s.a.storm.streams.next(life, n, unsure)
	f := accepted
	if send(message) != nil {
		f = refusedToo
	}
	s.a.storm.streams.settle(life, number, f)
}

func (s *soul) send(n int) { s.say(n, func(p []byte) error { return s.c.Send(p) }) }

// last makes the message of a Close.
func (s *soul) last() []any {
	if s.a.rnd.IntN(2) == 0 {
		return nil
	}
	message, _ := s.a.storm.streams.next(s.life, s.a.size(), unsure)
	return []any{message}
}

// act does something, or nothing.
func (s *soul) act(where string) {
	a := s.a
	if a.calm || a.deeds <= 0 || a.depth > 3 {
		return
	}
	a.deeds--
	a.depth++
	defer func() { a.depth-- }()
	choice := a.rnd.IntN(150)
	a.storm.trace(s, where, choice)
	if choice < 12 {
		s.end(choice)
		return
	}
	s.goOn(choice)
}

// end is any of the ways to end.
func (s *soul) end(choice int) {
	c := s.c
	switch choice {
	case 0:
		c.Close(s.last()...)
	case 1:
		c.Close(s.last()...)
		c.Close()
	case 2:
		c.CloseCode(4000, "storm")
	case 3:
		c.End(s.last()...)
	case 4:
		c.End()
		c.Close()
	case 5:
		c.Destroy()
	case 6:
		s.send(s.a.size())
		c.Destroy()
	case 7, 8:
		if s.a.storm.reconnects > 0 && c.Dialled() {
			s.a.storm.reconnects--
			c.Reconnect(time.Duration(s.a.rnd.IntN(5)) * time.Millisecond)
		}
	case 9:
		c.CancelReconnect()
	case 10:
		if s.a.storm.reconnects > 0 {
			s.a.storm.reconnects--
			c.Connect()
		}
	case 11:
		panic("storm")
	}
}

// goOn is anything else.
func (s *soul) goOn(choice int) {
	a, c := s.a, s.c
	switch choice {
	case 12, 13, 14, 15, 16:
		s.send(1 + a.rnd.IntN(300))
	case 17, 18, 19, 20:
		s.send(a.size())
		s.send(a.size())
	case 21:
		s.say(a.size(), c.SendBinary)
	case 22:
		s.loosen()
		s.say(a.size(), c.SendRaw)
	case 23:
		s.send(a.size())
		c.Flush()
	case 24:
		workers := worker.Workers()
		m, _ := a.storm.streams.next(a.common, 50, accepted)
		workers[a.rnd.IntN(len(workers))].Broadcast(m)
	case 25, 26, 27, 48, 49:
		c.PauseRecv()
		timer.After(time.Duration(a.rnd.IntN(5))*time.Millisecond, func() {
			c.ResumeRecv()
			s.later()
		})
	case 28:
		c.PauseRecv()
		c.ResumeRecv()
	case 29, 30, 50, 51:
		c.Post(func(*worker.Connection) { s.later() })
	case 31:
		timer.After(time.Duration(a.rnd.IntN(4))*time.Millisecond, s.later)
	case 32, 33:
		s.loosen()
		c.SetProtocol([]protocol.Protocol{nil, text.Protocol, frame.Protocol, ws.Protocol,
			http1.Protocol}[a.rnd.IntN(5)])
	case 34:
		s.pipe()
	case 35:
		if c.Dialled() {
			s.send(10)
			c.Connect()
		}
	case 36, 37, 38:
		if a.storm.dials > 0 {
			a.storm.dials--
			a.storm.dial()
		}
	case 39, 40, 41, 42, 43, 44:
		s.send(1 + a.rnd.IntN(300))
	case 45:
		go c.Post(func(*worker.Connection) { s.later() }) // ends at once
	case 46, 52, 53, 54, 55, 56:
		s.send(150000)
		s.send(150000)
	case 47:
		c.MaxPackageSize = 50000
	}
}

// later acts outside any callback of the connection.
func (s *soul) later() { s.act("later") }

// pipe joins two connections and keeps an eye on what Pipe replaces.
func (s *soul) pipe() {
	if !s.a.storm.pipes {
		return
	}
	for _, to := range s.a.order {
		other := to.c
		if to == s || other.Status() != worker.Established || other.Transport() == "udp" {
			continue
		}
		s.c.Pipe(other)
		message, closed := s.c.OnMessage, s.c.OnClose
		s.c.OnMessage = func(c *worker.Connection, data []byte) { message(c, data); s.message(nil) }
		s.c.OnClose = func(c *worker.Connection) { closed(c); s.close() }
		return
	}
}
