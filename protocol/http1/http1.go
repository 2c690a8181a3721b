// Package http1 is the server side of HTTP/1.0 and HTTP/1.1 on the loop of a
// worker process. A message in is a *Request; a message out is a string, bytes
// or a *Response, and any other value is sent as protocol.AppendText prints it.
//
//	w := worker.New("http://0.0.0.0:2345")
//	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
//		c.Send("hello " + r.Get("name", "world"))
//	}
//
// Every request needs exactly one answer (features.md 25.23), which may come long
// after the callback has returned; the next request of a connection is delivered
// when it was sent (25.18). What SendRaw sends is no answer: it is not counted as
// one, and the connection goes on without. Whether the connection stays
// open is decided here and not by the app: Connection: close, HTTP/1.0 and a
// draining process end it behind the answer (trap T63).
//
// Request.Session remembers a client between its requests; Sessions says how.
//
// head.go and chunked.go find the end of a request, refuse.go answers what is
// none, collect.go takes one that is too large for memory; request.go, query.go,
// form.go and what they call are what the author reads of it, response.go and
// encode.go the way out, file.go and sendfile.go that of files, stream.go that of
// answers in parts, and exchange.go keeps questions and answers together.
package http1

import "github.com/workerman-go/wm/protocol"

// Protocol is what http:// means; give it to SetProtocol to switch a connection
// to HTTP.
var Protocol protocol.Protocol = http1{}

// http1 implements protocol.Protocol, BytesEncoder, Finisher, Failer, Releaser,
// Closer, Forgetter, Quiescer, Patient, Leaver and Farewell.
type http1 struct{}

// Input returns the length of the first request, body included.
func (http1) Input(buf []byte, c protocol.Conn) (int, error) {
	e := exchangeOf(c)
	n, err := e.input(buf, c)
	if err != nil {
		e.logRefused(buf, err)
		return 0, e.refused(err)
	}
	return n, nil
}

// Decode returns a *Request, which is used again for the next one: it is valid
// until it is answered.
func (http1) Decode(frame []byte, c protocol.Conn) (any, error) {
	return exchangeOf(c).decode(frame, c)
}

// Encode appends the answer to the oldest request that has none.
func (http1) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	e := exchangeOf(c)
	out, err := e.encode(dst, v, c)
	out, err = e.withSession(out, len(dst), err)
	e.logAnswer(out[len(dst):])
	return out, err
}

// EncodeBytes appends the answer whose body is p.
func (http1) EncodeBytes(dst, p []byte, c protocol.Conn) ([]byte, error) {
	e := exchangeOf(c)
	out, err := e.encodeBytes(dst, p)
	out, err = e.withSession(out, len(dst), err)
	e.logAnswer(out[len(dst):])
	return out, err
}

// Sent closes the connection behind an answer that said so.
func (http1) Sent(c protocol.Conn) { exchangeOf(c).sent(c) }

// Released keeps a request that waits for its answer.
func (http1) Released(c protocol.Conn) {
	if e, ok := c.State().(*exchange); ok { // else it is closed
		e.released()
	}
}

// OnClose deletes the files of uploads and stores what sessions are left.
func (http1) OnClose(c protocol.Conn) {
	if e, ok := c.State().(*exchange); ok {
		e.ended()
	}
}

// Forget is OnClose for a connection that goes on with another protocol.
func (http1) Forget(state any, _ protocol.Conn) {
	if e, ok := state.(*exchange); ok {
		e.ended()
	}
}

// Quiet is true when every request was answered and none is being collected.
func (http1) Quiet(c protocol.Conn) bool {
	e, begun := c.State().(*exchange)
	return !begun || !e.asked && e.collector == nil
}

// AppendFailure is protocol.Failer: 500 and the end of the connection.
func (http1) AppendFailure(dst []byte, c protocol.Conn) []byte {
	e := exchangeOf(c)
	e.logFailure()
	return e.fail(dst)
}

// Midway is true when the head of a request has come and its body has not.
func (http1) Midway(c protocol.Conn) bool {
	e, begun := c.State().(*exchange)
	return begun && e.head.length != 0
}

// Late is 408.
func (http1) Late(c protocol.Conn) error {
	e := exchangeOf(c)
	err := e.refused(tooSlow)
	e.logRefused(nil, err)
	return err
}

// Leave makes the next answer say Connection: close, and ends a stream of events:
// the client connects again, to another process.
func (http1) Leave(c protocol.Conn) {
	e := exchangeOf(c)
	if e.leaving = true; e.stream&ofEvents != 0 {
		c.Close()
	}
}

// AppendFarewell ends a stream of events in order. Any other stream is cut, so
// that nobody takes a part for the whole.
func (http1) AppendFarewell(dst []byte, leaving bool, c protocol.Conn) []byte {
	if e := exchangeOf(c); e.stream&ofEvents != 0 {
		return e.appendLast(dst)
	}
	return dst
}
