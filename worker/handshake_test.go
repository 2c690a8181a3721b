package worker_test

import (
	"errors"
	"strings"
	"testing"

	ws "github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

func TestHalfThatEndsDuringAPauseIsSeenAfterIt(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.recorded(t, "text", events)
		w.OnMessage = func(c *worker.Connection, data []byte) {
			events.add("message %s", data)
			c.PauseRecv()
		}
		s := start(t, w)
		c := o.open(s)
		c.send("one\ntwo\n")
		c.closeWrite()
		events.expect(t, "connect 1", "message one")
		for range 10 { // turns in which the end may be seen
			s.do(func() {})
		}
		s.do(func() { w.Connection(1).ResumeRecv() })
		events.expect(t, "message two")
		for range 10 {
			s.do(func() {})
		}
		s.do(func() { w.Connection(1).ResumeRecv() })
		events.expect(t, "close 1 CLOSED")
		c.expectEnd()
	})
}

func TestDrainDoesNotWaitForSilentClientsOfTLS(t *testing.T) {
	events := newEvents()
	w := secure(recorded("text://127.0.0.1:0", events))
	s := start(t, w)
	silent := newWire(t, over("ssl").socket(s)) // never says hello
	half := newWire(t, over("ssl").socket(s))
	half.send("\x16\x03\x01\x00\x50")
	idle := over("ssl").open(s)
	events.expect(t, "connect 1", "connect 2", "connect 3")
	s.drain(false)
	idle.expectEnd()
	silent.expectCut()
	half.expectCut()
	await(t, s.gone, "gone") // long before the handshake is too late
}

func TestDrainServesAPartialMessageOverEveryTransport(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "text")
		w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
		s := start(t, w)
		c := o.open(s)
		c.send("begun")
		eventually(t, "the beginning", func() (there bool) {
			s.do(func() { c := w.Connection(1); there = c != nil && c.RecvQueueSize() == 5 })
			return there
		})
		s.drain(false)
		c.send(" and ended\n")
		c.expect("begun and ended\n")
		c.expectEnd()
		await(t, s.gone, "gone")
	})
}

func TestDrainDoesNotWaitForAHandshakeWithAGreeting(t *testing.T) {
	w := secure(worker.New("text://127.0.0.1:0"))
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	greeted := make(chan struct{}, 1)
	w.OnConnect = func(c *worker.Connection) { c.Send("welcome"); greeted <- struct{}{} }
	s := start(t, w)
	c := newWire(t, over("ssl").socket(s))
	await(t, greeted, "connection")
	s.drain(false)
	c.expectCut()
	await(t, s.gone, "gone")
}

func TestDrainWaitsForTheRestOfAFragmentedMessage(t *testing.T) {
	events := newEvents()
	w := upgraded(events)
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	s := start(t, w)
	c := handshaken(t, s)
	c.send("\x01\x82\x00\x00\x00\x00he")
	eventually(t, "the first part", func() (there bool) {
		s.do(func() { there = w.Connection(1).BytesRead == uint64(len(upgradeRequest))+8 })
		return there
	})
	s.drain(false)
	c.send("\x80\x83\x00\x00\x00\x00llo")
	c.expect("\x81\x05hello\x88\x02\x03\xe9")
	c.expectEnd()
	await(t, s.gone, "gone")
}

func TestFullQueueBeforeAHandshakeGoesOutBehindIt(t *testing.T) {
	const size = 1000
	events := newEvents()
	w := worker.New("websocket://127.0.0.1:0")
	got := 0
	w.OnMessage = func(c *worker.Connection, data []byte) {
		if got += len(data); got == 10*size {
			c.Send("thanks")
		}
	}
	s := start(t, w)
	s.do(func() {
		c := worker.Dial("ws://" + s.addr)
		c.MaxSendBufferSize = 9 * size
		c.OnMessage = func(c *worker.Connection, data []byte) {
			events.add("%s, %d left", data, worker.Backlog(s.p))
			c.Close()
		}
		c.OnBufferFull = func(c *worker.Connection) { events.add("full") }
		c.OnBufferDrain = func(c *worker.Connection) {
			events.add("drain")
			c.Send(strings.Repeat("x", size))
		}
		c.OnError = func(_ *worker.Connection, _ worker.ErrorCode, err error) { events.add("%v", err) }
		c.OnClose = func(c *worker.Connection) { events.add("close") }
		for range 9 {
			if err := c.Send(strings.Repeat("x", size)); err != nil {
				t.Error(err)
			}
		}
		if err := c.Send("x"); !errors.Is(err, worker.ErrBufferFull) {
			t.Errorf("at the limit: %v", err)
		}
	})
	events.expect(t, "full", "worker: send buffer full, message dropped", "drain",
		"thanks, 0 left", "close")
	events.none(t)
}

func TestMessagesBeforeAHandshakeAreBounded(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(w *worker.Worker, c *worker.Connection)
	}{
		{"by the connection", func(_ *worker.Worker, c *worker.Connection) {
			c.MaxSendBufferSize = 10000
		}},
		{"by the process", func(w *worker.Worker, _ *worker.Connection) {
			w.Limits.QueuedBytes = 10000
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everyWebsocket(t, func(t *testing.T, w *worker.Worker, events events) {
				accepted := make(chan *worker.Connection, 1)
				sent := 0
				w.OnConnect = func(c *worker.Connection) {
					tt.change(w, c)
					for range 100 {
						err := c.Send(strings.Repeat("x", 1000))
						if err == nil {
							sent++
						} else if !errors.Is(err, worker.ErrBufferFull) {
							t.Errorf("got %v", err)
						}
					}
					accepted <- c
				}
				w.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {}
				s := start(t, w)
				socket := over("tcp").socket(s)
				defer socket.Close()
				c := await(t, accepted, "connection")
				s.do(func() {
					if sent < 9 || sent > 11 {
						t.Errorf("%d messages of 1000 bytes taken, want 10", sent)
					}
					if n := worker.Backlog(s.p); n < 10000 {
						t.Errorf("%d bytes in the account", n)
					}
					c.Destroy()
					if n := worker.Backlog(s.p); n != 0 {
						t.Errorf("%d bytes in the account after the end", n)
					}
					sent = 0
				})
				b, _ := browse(t, s, "", nil)
				await(t, accepted, "connection")
				taken := 0
				s.do(func() { taken = sent })
				for range taken {
					b.expectText(strings.Repeat("x", 1000))
				}
				eventually(t, "an empty account", func() (empty bool) {
					s.do(func() { empty = worker.Backlog(s.p) == 0 })
					return empty
				})
			})
		})
	}
}

func TestSetProtocolEndsTheBacklogOfAHandshake(t *testing.T) {
	events := newEvents()
	w := worker.New("websocket://127.0.0.1:0")
	accepted := make(chan *worker.Connection, 1)
	w.OnMessage = func(*worker.Connection, []byte) {}
	w.OnConnect = func(c *worker.Connection) {
		c.MaxSendBufferSize = 1000
		accepted <- c
	}
	w.OnBufferFull = func(c *worker.Connection) { events.add("full") }
	w.OnBufferDrain = func(c *worker.Connection) { events.add("drain, %d wait", c.SendQueueSize()) }
	s := start(t, w)
	client := s.dial()
	c := await(t, accepted, "connection")
	s.do(func() {
		for range 2 {
			c.Send(pattern(1000))
			c.SetProtocol(ws.Protocol)
		}
		c.SetProtocol(nil)
		c.Send("raw")
	})
	events.expect(t, "full", "drain, 0 wait", "full", "drain, 0 wait")
	events.none(t)
	client.expect("raw")
}

func TestWhatIsSentBesideAHandshakeDoesNotStayInTheAccount(t *testing.T) {
	w := worker.New("tcp://127.0.0.1:0")
	w.OnMessage = func(*worker.Connection, []byte) {}
	accepted := conns(w)
	s := start(t, w)
	client := s.dial()
	c := await(t, accepted, "connection")
	s.do(func() {
		c.Send(pattern(1000)) // pending
		c.SetProtocol(ws.Protocol)
		c.Send("held back")
	})
	client.expect(string(pattern(1000)))
	s.do(func() {
		if n, want := worker.Backlog(s.p), int64(c.SendQueueSize()); n != want {
			t.Errorf("%d bytes in the account, %d wait", n, want)
		}
	})
}
