package worker

import (
	"net/http"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/websocket"
)

// Event is how a protocol tells of what happened beside messages. For
// protocols.
func (c *Connection) Event(event any) (taken bool) {
	switch e := event.(type) {
	case *websocket.Connecting:
		c.onConnecting(e)
		return true
	case *websocket.Connected:
		c.onConnected(e)
		return true
	case *websocket.CloseReceived:
		return c.onCloseReceived(e)
	case *http1.SessionFailed:
		c.unkept(e.Err)
		return true
	case *websocket.Ping:
		return c.onPing(e)
	case *websocket.Pong:
		return c.onPong(e)
	}
	return false
}

// onConnecting lets the author look at the upgrade request.
func (c *Connection) onConnecting(e *websocket.Connecting) {
	r, err := http1.ParseRequest(e.Request, c)
	if err != nil {
		e.Refused = true
		c.explain(err)
		c.refuseWith(http1.NewResponse(http.StatusBadRequest, nil, ""))
		return
	}
	if c.Worker != nil && c.Worker.trusts(c.ip) {
		if from, ok := c.Worker.forwarded(r.Header("x-forwarded-for", r.Header("x-real-ip"))); ok {
			c.ip, c.port = from.Addr().As16(), from.Port()
		}
		if !c.Worker.count(c) {
			e.Refused = true
			c.refuseWith(http1.NewResponse(http.StatusTooManyRequests, nil, ""))
			return
		}
	}
	if c.OnWebSocketConnect != nil {
		c.more().upgrade = e
		ok := c.askUpgrade(r)
		c.extra.upgrade = nil
		if !ok && Status(c.status) == Established { // who checks nothing admits nobody
			c.refuseWith(http1.NewResponse(http.StatusInternalServerError, nil, ""))
		}
	}
	if x := c.extra; x != nil {
		e.Header, x.header = x.header, nil
	}
	e.Refused = Status(c.status) != Established
}

// refuseUpgrade is Close in OnWebSocketConnect: the peer gets an HTTP response,
// that of the author or 403. It reports false for a last message that is none.
func (c *Connection) refuseUpgrade(last []any) bool {
	response := http1.NewResponse(http.StatusForbidden, nil, "")
	if len(last) > 0 {
		given, ok := last[0].(*http1.Response)
		if !ok {
			return false
		}
		response = given
	}
	c.refuseWith(response)
	return true
}

func (c *Connection) refuseWith(r *http1.Response) {
	answer, err := http1.AppendFinal(nil, r)
	if err != nil {
		c.p.logf("connection %d: refuse the upgrade: %v", c.ID, err)
	}
	_ = c.put(answer)
	c.setStatus(Ending)
}

// onConnected is the end of a handshake, or of a connection that OnBufferFull
// has closed over what was to be sent behind it.
func (c *Connection) onConnected(e *websocket.Connected) {
	if Status(c.status) == Established {
		if c.Dialled() {
			c.extra.header = e.Header
			c.startPings()
		}
		c.onWebSocketConnected()
	}
	if c.flags&opening != 0 && Status(c.status) != Closed { // what was sent early
		c.release()
	}
	c.checkOpened()
}

// startPings pings until the connection ends.
func (c *Connection) startPings() {
	d := c.extra.dial
	if d.ping != 0 { // of a handshake before SetProtocol
		c.p.loop.DelTimer(d.ping)
		d.ping = 0
	}
	if d.with.PingInterval <= 0 {
		return
	}
	d.ping = c.p.loop.AddInnerTimer(d.with.PingInterval, true, func() {
		if ping := websocket.AppendPing(nil, nil, c); len(ping) > 0 && !c.crowded() {
			_ = c.SendRaw(ping)
		}
	})
}

// ReplyHeader is the header of the 101 that ends a websocket handshake: on an
// accepted connection it takes, in OnConnect and OnWebSocketConnect, what the
// server adds; on a dialled one it is what came, from OnWebSocketConnected on.
// Called on the loop goroutine.
func (c *Connection) ReplyHeader() http.Header {
	x := c.more()
	if x.header == nil {
		x.header = make(http.Header)
	}
	return x.header
}

// Binary says whether the websocket message that is being delivered, or was
// delivered last, came as binary and not as text.
func (c *Connection) Binary() bool { return websocket.Binary(c) }

// CloseCode closes with a websocket close frame that says why: code is 1000 to
// 1003, 1007 to 1014 or 3000 to 4999, reason at most 123 bytes of UTF-8; other
// ones are logged and the connection closes with 1000. Connections of other
// protocols just close. Called on the loop goroutine.
func (c *Connection) CloseCode(code int, reason string) {
	c.p.own("Connection.CloseCode")
	if c.codec.coded != nil && Status(c.status) == Established && c.errno == 0 {
		frame, err := c.coded(code, reason)
		if err != nil {
			c.p.logf("connection %d: CloseCode: %v", c.ID, err)
		}
		_ = c.put(frame)
	}
	c.leave(Closing, nil)
}
