package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/text"
	ws "github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

// TestAPongThatDoesNotFitIsDroppedSilently is about a peer that pings and does
// not read.
func TestAPongThatDoesNotFitIsDroppedSilently(t *testing.T) {
	const pings = 100
	events := newEvents()
	w := worker.New("websocket://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, data []byte) {
		if string(data) == "end" {
			events.add("end")
			return
		}
		narrow(t, c)
		c.MaxSendBufferSize = 1000
		c.Send(pattern(8 << 20))
	}
	w.OnError = func(_ *worker.Connection, code worker.ErrorCode, err error) {
		events.add("error %d %v", code, err)
	}
	s := start(t, w)
	c := s.dialNarrow()
	c.send(upgradeRequest + "\x81\x82\x00\x00\x00\x00go")
	eventually(t, "a backlog", func() (full bool) {
		s.do(func() { c := w.Connection(1); full = c != nil && c.SendQueueSize() > 1000 })
		return full
	})
	c.send(strings.Repeat("\x89\x81\x00\x00\x00\x00p", pings) + "\x81\x83\x00\x00\x00\x00end")
	events.expect(t, "end")
	s.do(func() {
		if n := worker.Stats().SendFail; n != 0 {
			t.Errorf("send_fail %d, want 0", n)
		}
	})
	events.none(t)
}

// TestASecondHandshakeHasOneTimerOfPings is about a client that speaks websocket
// twice on one connection.
func TestASecondHandshakeHasOneTimerOfPings(t *testing.T) {
	events := newEvents()
	w := worker.New("websocket://127.0.0.1:0")
	w.OnMessage = func(c *worker.Connection, _ []byte) { c.SetProtocol(ws.Protocol) }
	s := start(t, w)
	d := worker.Dialer{PingInterval: time.Hour}
	var timers []int
	o := s.connectTo(d, "ws://"+s.addr, func(o *outgoing) {
		o.OnWebSocketConnected = func(c *worker.Connection) {
			_, n := worker.Left(s.p)
			timers = append(timers, n)
			events.add("connected")
			if len(timers) == 1 {
				c.Send("again")
				c.SetProtocol(text.Protocol)
				c.SetProtocol(ws.Protocol)
				ws.Protocol.(protocol.Opener).OnConnect(c)
			}
		}
	})
	events.expect(t, "connected", "connected")
	s.do(func() {
		if timers[1] > timers[0] {
			t.Errorf("timers %v, want no more behind the second handshake", timers)
		}
	})
	o.do(o.Destroy)
}
