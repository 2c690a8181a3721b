package gateway

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/frame"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

// Why a message did not go out to a client. A full buffer is no error: the client
// alone loses the message, and the Worker counts it (Statistics.SendFail).
var (
	errObject = errors.New("gateway: a PHP object is no message")
	errValue  = errors.New("gateway: the protocol of the client has no form for a value")
	errEarly  = errors.New("gateway: too many raw bytes before the handshake")
)

// outgoing is the body of one packet on its way to any number of clients. It is
// encoded once for each class of them (worker.Prepare), and copied by whoever keeps
// it, so that the body may be reused after execute.
type outgoing struct {
	bytes []byte // what the protocol encodes; of a value its JSON, once it is needed
	value any    // of a body that is no bytes
	kind  bodyKind
	json  error // value has no JSON
	err   error // the first of a client; others may have got the message

	once     bool             // it went to one client, so that more may follow
	prepared *worker.Prepared // bytes, for more than one
	native   *worker.Prepared // value, for a protocol that takes values
}

// bodyKind is what the body of a packet was (wire.md 2.3).
type bodyKind uint8

const (
	isText bodyKind = iota
	isRaw           // goes out as it is
	isValue
)

// outgoingOf reads the body of a packet. Bytes that say they are a value and are
// none are refused; PHP would take them for false, and die.
func outgoingOf(pk wire.Packet) (outgoing, error) {
	raw := pk.Flag&wire.Raw != 0 && pk.Command != wire.Kick
	if pk.Flag&wire.Scalar != 0 {
		return outgoingBytes(pk.Body, raw), nil
	}
	v, err := phpserialize.Unmarshal(pk.Body)
	if err != nil {
		return outgoing{}, fmt.Errorf("body: %w", err)
	}
	switch v.(type) {
	case nil, *phpserialize.Array:
		return outgoing{value: v, kind: isValue}, nil
	case phpserialize.Opaque:
		return outgoing{}, errObject
	}
	printed, _ := phpserialize.Text(v)
	return outgoingBytes([]byte(printed), raw), nil
}

func outgoingBytes(p []byte, raw bool) outgoing {
	if raw {
		return outgoing{bytes: p, kind: isRaw}
	}
	return outgoing{bytes: p}
}

// null says that the body is PHP's null.
func (m *outgoing) null() bool { return m.kind == isValue && m.value == nil }

// send sends the message to one client. What goes wrong is in m.err.
func (m *outgoing) send(t *clients, c *client) {
	var err error
	switch m.kind {
	case isText:
		err = m.sendText(c.conn)
	case isRaw:
		err = t.sendRaw(c, m.bytes)
	case isValue:
		err = m.sendValue(c.conn)
	}
	if err != nil && m.err == nil && !errors.Is(err, worker.ErrClosed) &&
		!errors.Is(err, worker.ErrBufferFull) {
		m.err = fmt.Errorf("client %d: %w", c.id, err)
	}
}

// sendText sends to the first client without a detour: most messages have one.
func (m *outgoing) sendText(conn *worker.Connection) error {
	if !m.once {
		m.once = true
		_, err := conn.Write(m.bytes)
		return err
	}
	if m.prepared == nil {
		m.prepared = worker.Prepare(m.bytes)
	}
	return conn.Send(m.prepared)
}

// sendValue sends an array or null: as JSON where clients are browsers, as it is
// where the author's own protocol encodes it, and not at all where messages are
// bytes.
func (m *outgoing) sendValue(conn *worker.Connection) error {
	switch p := conn.Protocol(); {
	case isWebSocket(p):
		if m.bytes == nil && m.json == nil {
			m.bytes, m.json = phpserialize.AppendJSON(nil, m.value)
		}
		if m.json != nil {
			return m.json
		}
		return m.sendText(conn)
	case p == nil, p == text.Protocol, p == frame.Protocol:
		return errValue
	}
	if m.native == nil {
		m.native = worker.Prepare(m.value)
	}
	return conn.Send(m.native)
}

// sendRaw sends bytes past the protocol. A websocket client gets them behind the
// 101 that ends its handshake, and no more than its buffer takes.
func (t *clients) sendRaw(c *client, p []byte) error {
	if opened(c.conn) {
		return c.conn.SendRaw(p)
	}
	if c.conn.Status() != worker.Established {
		return worker.ErrClosed
	}
	early, waits := t.early[c]
	if len(early)+c.conn.SendQueueSize() >= c.conn.MaxSendBufferSize {
		return errEarly
	}
	t.early[c] = append(early, p...)
	if !waits {
		t.whenOpened(c)
	}
	return nil
}

// whenOpened sends the early bytes of c when its handshake is done.
func (t *clients) whenOpened(c *client) {
	then := c.conn.OnWebSocketConnected
	c.conn.OnWebSocketConnected = func(conn *worker.Connection) {
		conn.OnWebSocketConnected = then
		if then != nil {
			then(conn)
		}
		_ = conn.SendRaw(t.early[c]) // what it refuses is counted
		delete(t.early, c)
	}
}

// opened says that a client has no handshake before it, or that it is done.
func opened(conn *worker.Connection) bool {
	p := conn.Protocol()
	return !isWebSocket(p) || p.(protocol.Handshaker).Opened(conn)
}

// isWebSocket says that p is websocket with any options.
func isWebSocket(p protocol.Protocol) bool {
	return reflect.TypeOf(p) == reflect.TypeOf(websocket.Protocol)
}
