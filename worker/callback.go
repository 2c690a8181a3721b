package worker

import (
	"fmt"
	"math"
	"runtime/debug"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/websocket"
)

// Code of authors is called here, and off the loop in callbackoff.go, and nowhere
// else, and so is recover: a panic is counted and logged, what was sent before it
// goes out, and the process lives on.

// caught is deferred around a call of author's code.
func (p *Process) caught(what string) {
	if r := recover(); r != nil {
		p.threw(what, r)
		p.flushAll()
	}
}

// threw counts and logs a panic. It may be called by any goroutine.
func (p *Process) threw(what string, r any) {
	p.counters.threw.Add(1)
	if isSessionFailure(r) {
		p.sessionFailed(fmt.Sprint(r))
		return
	}
	p.logf("panic in %s: %v\n%s", what, r, debug.Stack())
}

// guard is what the loop calls timers, posted functions and signals with.
func (p *Process) guard(fn func()) {
	defer p.caught("a timer or a posted function")
	fn()
}

// step takes the first message off data and delivers it. n is its length, 0
// when it is not complete, and size what it was decoded to, in bytes. An error
// ends the connection, except protocol.Again.
func (c *Connection) step(data []byte) (n, size int, err error) {
	inProtocol := true
	defer func() {
		if r := recover(); r != nil {
			c.p.threw(c.where(inProtocol), r)
			err = c.afterPanic(inProtocol)
			c.p.flushAll()
		}
	}()
	if n, err = c.measure(data); n == 0 || err != nil {
		return 0, 0, err
	}
	k, frame := c.codec, data[:n:n]
	switch {
	case k.proto == nil:
		inProtocol = false
		c.p.counters.total++
		c.deliverBytes(frame, frame)
	case k.bytes != nil:
		var msg []byte
		if msg, err = k.bytes.DecodeBytes(frame, c); err == nil {
			inProtocol, size = false, len(msg)
			c.p.counters.total++
			c.deliverBytes(msg, frame)
		}
	default:
		var v any
		if v, err = k.proto.Decode(frame, c); err == nil {
			inProtocol, size = false, sizeOf(v)
			c.p.counters.total++
			c.deliverOwed(v, frame)
		}
	}
	if err == protocol.Skip {
		c.flags |= skipped
	}
	if err == protocol.Skip || c.codec != k && (err == protocol.Again || err == protocol.Wait) {
		err = nil
	}
	return n, size, err
}

// sizeOf is the size of a message in bytes, 0 for what is not told by bytes.
func sizeOf(v any) int {
	p, _ := v.([]byte)
	return len(p)
}

// afterPanic is what a panic means for the connection: nothing, unless the
// protocol is in an unknown state or owes the peer an answer.
func (c *Connection) afterPanic(inProtocol bool) error {
	if inProtocol {
		return errPanicked
	}
	if c.codec.fail == nil || c.codec.quiet == nil || c.isQuiet() {
		return nil
	}
	if reply := c.failure(); len(reply) > 0 {
		return &protocol.Reject{Reply: reply, Why: "a callback panicked"}
	}
	return errPanicked
}

// failure is the answer that a callback owed.
func (c *Connection) failure() []byte {
	defer c.p.caught("the protocol's AppendFailure")
	return c.codec.fail.AppendFailure(nil, c)
}

// measure asks the protocol for the length of the first message, once per
// message; 0 when it is not complete.
func (c *Connection) measure(data []byte) (int, error) {
	k := c.codec
	if k.proto == nil {
		return len(data), nil
	}
	n := int(c.need)
	if n == 0 {
		var err error
		n, err = k.proto.Input(data, c)
		if c.codec != k { // it has looked at the bytes and passed them on
			return c.measure(data)
		}
		if err != nil {
			return 0, err
		}
	}
	if n < 0 || c.tooLarge(n, len(data)) {
		return 0, errTooLarge
	}
	if n > len(data) {
		c.need = uint32(n)
		return 0, nil
	}
	c.need = 0
	return n, nil
}

// maxHandshake is what a message of a handshake may have where MaxPackageSize
// is smaller: that is for the messages of the author.
const maxHandshake = 64 << 10

// tooLarge looks at the length of a message, or, as long as that is 0, at how
// much has come of it (trap T45).
func (c *Connection) tooLarge(n, come int) bool {
	if n == 0 {
		n = come
	}
	if n <= min(c.MaxPackageSize, math.MaxUint32) {
		return false
	}
	return n > maxHandshake || c.codec.hand == nil || c.handDone()
}

// deliverBytes calls OnMessage. In debug mode the bytes are spoiled afterwards,
// so that an app that keeps them finds out at its first message.
func (c *Connection) deliverBytes(msg, frame []byte) {
	if c.OnMessage == nil || Status(c.status) != Established {
		return
	}
	if !c.p.env.Debug {
		c.OnMessage(c, msg)
		return
	}
	defer spoil(frame)
	c.OnMessage(c, msg)
}

func spoil(p []byte) {
	for i := range p {
		p[i] = 0xDB
	}
}

// deliver calls the callback for what Decode returned.
func (c *Connection) deliver(v any, frame []byte) {
	if Status(c.status) != Established {
		return
	}
	switch v := v.(type) {
	case []byte:
		c.deliverBytes(v, frame)
	case *http1.Request:
		if c.OnRequest != nil {
			c.OnRequest(c, v)
		}
	default:
		if c.OnValue != nil {
			c.OnValue(c, v)
		}
	}
}

// released lets the protocol let go of the message that was delivered.
func (c *Connection) released(k *codec) {
	defer c.p.caught("the protocol's Released")
	k.release.Released(c)
}

// forget has a protocol that was switched let go of what it kept.
func (c *Connection) forget(f former) {
	defer c.p.caught("the protocol's Forget")
	f.by.Forget(f.state, c)
}

// where names the code that panicked over a message.
func (c *Connection) where(inProtocol bool) string {
	k := c.codec
	switch {
	case inProtocol:
		return fmt.Sprintf("protocol %T", k.proto)
	case k.proto == nil || k.bytes != nil:
		return "OnMessage"
	}
	return "OnRequest or OnValue"
}

func (c *Connection) onConnect() {
	if c.OnConnect != nil {
		defer c.p.caught("OnConnect")
		c.OnConnect(c)
	}
}

func (c *Connection) onClose() {
	if c.codec.close != nil {
		defer c.closeProtocol()
	}
	if c.OnClose != nil {
		defer c.p.caught("OnClose")
		c.OnClose(c)
	}
}

func (c *Connection) closeProtocol() {
	defer c.p.caught("the protocol's OnClose")
	c.codec.close.OnClose(c)
}

func (c *Connection) onError(code ErrorCode, err error) {
	if c.OnError != nil {
		defer c.p.caught("OnError")
		c.OnError(c, code, err)
	}
}

func (c *Connection) onBufferFull() {
	if c.OnBufferFull != nil {
		defer c.p.caught("OnBufferFull")
		c.OnBufferFull(c)
	}
}

func (c *Connection) onBufferDrain() {
	if c.OnBufferDrain != nil {
		defer c.p.caught("OnBufferDrain")
		c.OnBufferDrain(c)
	}
}

// deliverEmpty is for a datagram without bytes.
func (c *Connection) deliverEmpty() {
	defer c.p.caught("OnMessage")
	c.deliverBytes(nil, nil)
}

// askUpgrade reports false after a panic.
func (c *Connection) askUpgrade(r *http1.Request) bool {
	defer c.p.caught("OnWebSocketConnect")
	c.OnWebSocketConnect(c, r)
	return true
}

func (c *Connection) onWebSocketConnected() {
	if c.OnWebSocketConnected != nil {
		defer c.p.caught("OnWebSocketConnected")
		c.OnWebSocketConnected(c)
	}
}

func (c *Connection) onCloseReceived(e *websocket.CloseReceived) bool {
	if c.OnWebSocketClose == nil {
		return false
	}
	defer c.p.caught("OnWebSocketClose")
	c.OnWebSocketClose(c, e.Code, e.Reason)
	return true
}

// onPing also takes a ping whose pong would be refused: a peer that pings and
// does not read must not call OnError at will.
func (c *Connection) onPing(e *websocket.Ping) bool {
	if c.OnWebSocketPing == nil {
		return c.crowded()
	}
	defer c.p.caught("OnWebSocketPing")
	c.OnWebSocketPing(c, e.Data)
	return true
}

func (c *Connection) onPong(e *websocket.Pong) bool {
	if c.OnWebSocketPong == nil {
		return false
	}
	defer c.p.caught("OnWebSocketPong")
	c.OnWebSocketPong(c, e.Data)
	return true
}

// openProtocol lets the protocol of a dialled connection speak.
func (c *Connection) openProtocol() {
	defer c.p.caught("the protocol's OnConnect")
	c.codec.open.OnConnect(c)
}

// handDone asks the protocol whether its handshake is over.
func (c *Connection) handDone() bool {
	defer c.p.caught("the protocol's Opened")
	return c.codec.hand.Opened(c)
}

// keeps asks the protocol what waits for its handshake.
func (c *Connection) keeps() int {
	defer c.p.caught("the protocol's Held")
	return c.codec.keeps.Held(c)
}

// coded is the protocol's last word with a code of the author.
func (c *Connection) coded(code int, reason string) ([]byte, error) {
	defer c.p.caught("the protocol's AppendCode")
	return c.codec.coded.AppendCode(nil, code, reason, c)
}

// farewell is the protocol's last word.
func (c *Connection) farewell() []byte {
	defer c.p.caught("the protocol's AppendFarewell")
	return c.codec.farewell.AppendFarewell(nil, c.p.drain.occasion(), c)
}

// tell lets the protocol know of the drain.
func (c *Connection) tell() {
	defer c.p.caught("the protocol's Leave")
	c.codec.leave.Leave(c)
}

// isQuiet asks the protocol whether the connection is between messages; one
// that panics is not asked to wait for.
func (c *Connection) isQuiet() (quiet bool) {
	quiet = true
	defer c.p.caught("the protocol's Quiet")
	return c.codec.quiet.Quiet(c)
}

// midway asks the protocol whether the rest of a message is still to come.
func (c *Connection) midway() bool {
	defer c.p.caught("the protocol's Midway")
	return c.codec.patient.Midway(c)
}

// late is what the protocol says to a peer that does not go on.
func (c *Connection) late() (err error) {
	err = errPanicked
	defer c.p.caught("the protocol's Late")
	return c.codec.patient.Late(c)
}

// onWorkerStart runs the extensions and OnWorkerStart of w, and returns a panic
// as the error that it is.
func (p *Process) onWorkerStart(w *Worker) (err error) {
	defer func() {
		if r := recover(); r != nil {
			p.threw("OnWorkerStart", r)
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	for _, run := range w.extensions {
		run(w)
	}
	if w.OnWorkerStart == nil {
		return nil
	}
	return w.OnWorkerStart(w)
}

// onWorker calls OnWorkerStop or OnWorkerReload.
func (p *Process) onWorker(w *Worker, fn func(w *Worker), what string) {
	if fn != nil {
		defer p.caught(what)
		fn(w)
	}
}
