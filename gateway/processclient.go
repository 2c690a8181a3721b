package gateway

import (
	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// What happens to client connections, and what of it BusinessWorkers are told. The
// callbacks of the author run where PHP's do: OnConnect when the client has its
// number and before the event goes out, OnWebSocketConnect likewise, OnClose when the
// client is off every list (features.md 38).

// takeOver makes the callbacks of w ours, behind OnWorkerStart, which may set them too.
func (p *process) takeOver(w *worker.Worker) {
	p.author = w.Callbacks
	p.onValue, p.onClose = p.value, p.closed
	p.onWebSocketConnect = func(c *worker.Connection, r *http1.Request) { p.upgrade(c, r, nil) }
	w.OnConnect, w.OnClose = p.connected, p.onClose
}

// connected is OnConnect of every client.
func (p *process) connected(conn *worker.Connection) {
	c := p.clients.add(conn)
	p.of[conn] = c
	conn.MaxSendBufferSize = positive(p.g.SendToClientBuffer, defaultClientBuffer)
	p.fit(c)
	defer p.welcome(c) // also when the author's panics
	if conn.OnConnect = p.author.OnConnect; conn.OnConnect != nil {
		conn.OnClose = p.author.OnClose
		conn.OnConnect(conn)
	}
}

// welcome tells of a client that the author has let in. What the author has set on
// its connection counts.
func (p *process) welcome(c *client) {
	conn := c.conn
	if conn.Status() == worker.Closed {
		p.forget(c)
		return
	}
	p.wrap(c)
	if conn.Status() == worker.Established {
		p.event(c, wire.OnConnect, wire.Scalar, nil)
	}
}

// wrap puts our callbacks in front of those that the author has set.
func (p *process) wrap(c *client) {
	conn := c.conn
	conn.OnMessage = func(_ *worker.Connection, data []byte) { p.message(c, data) }
	conn.OnValue = p.onValue
	if p.author.OnConnect == nil {
		conn.OnClose = p.onClose
	} else {
		own := conn.OnClose
		conn.OnClose = func(conn *worker.Connection) { p.gone(conn, own) }
	}
	if own := conn.OnWebSocketConnect; own != nil {
		conn.OnWebSocketConnect = func(conn *worker.Connection, r *http1.Request) {
			p.upgrade(conn, r, own)
		}
	} else {
		conn.OnWebSocketConnect = p.onWebSocketConnect
	}
}

// upgrade lets the author look at the request of a websocket, and tells of it unless
// that has refused it.
func (p *process) upgrade(
	conn *worker.Connection, r *http1.Request,
	author func(c *worker.Connection, r *http1.Request),
) {
	if author != nil {
		author(conn, r)
	}
	if c := p.of[conn]; c != nil && conn.Status() == worker.Established {
		p.event(c, wire.OnWebSocketConnect, 0, handshakeBody(r, conn.RemoteAddrPort(), conn.LocalPort()))
	}
}

// message is OnMessage of every client. It alone has a closure for each of them: it is
// called so often that looking for the client would count.
func (p *process) message(c *client, data []byte) {
	c.heard()
	p.event(c, wire.OnMessage, wire.Scalar, data)
	p.fit(c)
}

// value is OnValue of every client: of a protocol whose messages are not bytes.
func (p *process) value(conn *worker.Connection, v any) {
	c := p.of[conn]
	if c == nil {
		return
	}
	c.heard()
	body, flag, err := valueBody(v)
	if err != nil {
		p.logRarely("value", "Gateway %s: a message of client %s is dropped: %v",
			p.g.Name, p.clientID(c), err)
		return
	}
	p.event(c, wire.OnMessage, flag, body)
	p.fit(c)
}

// valueBody is a message as wire.md 2.3 has it.
func valueBody(v any) ([]byte, wire.Flag, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return []byte("1"), wire.Scalar, nil
		}
		return nil, wire.Scalar, nil
	case string, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64,
		float32, float64:
		body, err := protocol.AppendText(nil, v)
		return body, wire.Scalar, err
	}
	body, err := phpserialize.Marshal(v)
	return body, 0, err
}

// closed is OnClose of clients whose OnClose the author has not touched.
func (p *process) closed(conn *worker.Connection) { p.gone(conn, p.author.OnClose) }

// gone is the end of a client. Who was never told of it is not told of its end
// either.
func (p *process) gone(conn *worker.Connection, author func(c *worker.Connection)) {
	if c := p.of[conn]; c != nil {
		if c.link != nil || p.holding.of[c] != nil {
			p.event(c, wire.OnClose, wire.Scalar, nil)
		}
		p.forget(c)
	}
	if author != nil {
		author(conn)
	}
}

// forget takes a client off every list.
func (p *process) forget(c *client) {
	p.clients.remove(c)
	delete(p.of, c.conn)
	if c.link != nil && p.holding.of[c] == nil {
		c.link.clients--
	}
	p.endIfAlone()
}
