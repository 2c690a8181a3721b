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
// # Where to look
//
// The methods of http1 in this file are all that a connection calls; each passes
// on to the exchange, which is the state of a connection.
//
//	exchange.go         one request and its answer at a time, and who owes what
//
// A request on its way in:
//
//	head.go             the request line and what the headers say together
//	header.go           one header line (method.go, bytes.go: what may be in it)
//	chunked.go          where a chunked body ends
//	refuse.go           400, 408, 413 and 431: each with its reason; 500 without
//	collect.go          a multipart form that is too large for memory
//	crowd.go            a form with many small files
//
// What the author reads of it:
//
//	request.go          head, body and trailers as they came
//	query.go, form.go   Get, Post, File and what is behind them
//	values.go           the variables of a query or form by PHP's rules
//	multipart.go        the bytes of a multipart body, however they are cut
//	parts.go, upload.go the fields and files in it, and where the files lie
//	disposition.go      the names of a part, as clients really write them
//	uploadsweep.go      files that killed processes left behind
//	cookie.go, std.go   cookies; the request as net/http has it
//
// An answer on its way out:
//
//	response.go         what the author makes (setcookie.go, openfile.go)
//	encode.go           which kind of answer a message is
//	write.go            head and body of a Response (date.go: its Date)
//	gzip.go             whether it is compressed
//	stream.go           answers in parts: Chunk, Event
//	access.go           the line of the access log
//
// A file:
//
//	file.go             File, FileFS, WithFile; how the file is opened
//	sendfile.go         what of it the client gets, and how
//	conditional.go      304 and 412
//	range.go, mime.go   206 and 416; its Content-Type
//
// A session, in the order in which a request meets it:
//
//	sessions.go         Sessions, what holds for all; SessionHandler
//	sessionvisit.go     read before the callback, stored before the answer
//	sessionid.go        the id and its cookie; Request.Session
//	session.go          Get, Set and Save (sessionvalue.go: as JSON)
//	sessionlock.go      the queue of requests for one session
//	sessionkeep.go      what is asked of the handler
//	sessionfile.go      FileSessions (sessionfilelock.go: locks across processes)
//
// And alone.go is for protocols that begin with a request, as websocket does.
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
		return 0, e.refuse(buf, err)
	}
	return n, nil
}

// Decode returns a *Request, which is used again for the next one: it is valid
// until it is answered.
func (http1) Decode(frame []byte, c protocol.Conn) (any, error) {
	e := exchangeOf(c)
	v, err := e.decode(frame, c)
	if err != nil && err != protocol.Skip && err != protocol.Wait {
		err = e.refuse(frame, err)
	}
	return v, err
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
	return exchangeOf(c).refuse(nil, tooSlow)
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
func (http1) AppendFarewell(dst []byte, why protocol.Occasion, c protocol.Conn) []byte {
	if e := exchangeOf(c); e.stream&ofEvents != 0 {
		return e.appendLast(dst)
	}
	return dst
}
