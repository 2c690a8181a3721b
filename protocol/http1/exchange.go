package http1

import (
	"bytes"
	"errors"

	"github.com/workerman-go/wm/protocol"
)

// answer is what the answer to one request has to respect.
type answer uint8

const (
	noBody answer = 1 << iota // the method was HEAD
	closes                    // the connection ends behind it
)

// exchange is the state of a connection: the request that arrives, and the one
// that was delivered last, which may wait for its answer. There is one at a time:
// the connection delivers the next when the last was answered.
type exchange struct {
	head     head
	chunks   chunks
	searched int  // so many bytes of an unfinished head were parsed
	emptied  bool // an empty line in front of it was passed over
	request  Request

	begun   bool   // there was a request
	asked   bool   // request waits for its answer
	due     answer // what that has to respect
	pending answer // what the answer being sent respects
	final   bool   // it is a whole answer, not an interim one
	stream  stream // the answer comes in parts, and is under way

	last    bool // the request that closes was read: what follows is discarded
	leaving bool // the process drains

	collector *collector // of the request that arrives, when it is large
	called    bool       // the callback of request has not returned

	access protocol.AccessLog // nil without one
	logged bool               // the answer to request is in it
}

func exchangeOf(c protocol.Conn) *exchange {
	e, ok := c.State().(*exchange)
	if !ok {
		e = &exchange{access: accessOf(c)}
		e.request.conn = c
		c.SetState(e)
	}
	return e
}

func (e *exchange) input(buf []byte, c protocol.Conn) (int, error) {
	if e.last {
		return min(len(buf), c.MaxPackage()), nil
	}
	if e.collector != nil {
		return e.collector.input(buf, c.MaxPackage())
	}
	if e.head.length == 0 {
		if n, maybe := e.emptyLine(buf); maybe {
			return n, nil
		}
		if !startsWithMethod(buf) {
			return 0, badStart
		}
		if e.sameLine(buf) {
			return 0, nil
		}
		if err := e.head.parse(buf); err != nil || e.head.length == 0 {
			return 0, err
		}
		e.searched = 0
	}
	length, err := e.length(buf, c.MaxPackage())
	if err == nil && e.head.expects && len(buf) == e.head.length && length != len(buf) {
		e.goOn(c)
	}
	if err == nil && e.streams(buf, length) {
		length = e.head.length
	}
	return length, err
}

// emptyLine is the length of the one empty line that is passed over in front of
// a request, RFC 9112 section 2.2, and 0 as long as buf may become one.
func (e *exchange) emptyLine(buf []byte) (n int, maybe bool) {
	switch {
	case e.emptied || buf[0] != '\r':
		return 0, false
	case len(buf) == 1:
		return 0, true
	}
	return len(crlf), buf[1] == '\n'
}

// startsWithMethod refuses what can never become a request, without waiting for
// the end of a head that will not come.
func startsWithMethod(buf []byte) bool {
	for i, b := range buf {
		switch {
		case b == ' ':
			return i > 0
		case b < 'A' || b > 'Z' || i >= maxMethodBytes:
			return false
		}
	}
	return true
}

// maxMethodBytes is the length of OPTIONS.
const maxMethodBytes = len("OPTIONS")

// sameLine spares parse the repetition while a head comes byte by byte: the new
// bytes complete no line and are not too many.
func (e *exchange) sameLine(buf []byte) bool {
	from := min(e.searched, len(buf))
	e.searched = len(buf)
	return from > 0 && len(buf) < maxHeadBytes && bytes.IndexByte(buf[from:], '\n') < 0
}

// length is that of the whole request whose head is known, 0 for a chunked one
// that is not complete.
func (e *exchange) length(buf []byte, limit int) (int, error) {
	h := &e.head
	if int64(h.length)+h.contentLength > int64(limit) {
		return 0, tooLarge
	}
	if h.chunked {
		return e.chunks.input(buf, h.length, limit)
	}
	return h.length + int(h.contentLength), nil
}

// goOn answers Expect: 100-continue, once.
func (e *exchange) goOn(c protocol.Conn) {
	e.head.expects = false
	_ = c.SendRaw(interim) // the peer sends its body without it, only later
}

var interim = []byte("HTTP/1.1 100 Continue\r\n\r\n")

func (e *exchange) decode(frame []byte, c protocol.Conn) (any, error) {
	if e.last {
		return nil, protocol.Skip
	}
	if e.head.length == 0 {
		if string(frame) == "\r\n" {
			e.emptied = true
			return nil, protocol.Skip
		}
		if n, err := e.input(frame, c); err != nil || n != len(frame) {
			return nil, badRequest
		}
	}
	if e.collector == nil && e.head.hasBody() {
		if len(frame) == e.head.length {
			return nil, e.collect(frame)
		}
		if e.isCrowded(frame) {
			if err := e.writeFirst(frame, c); err != nil {
				return nil, err
			}
		}
	}
	if e.collector != nil && !e.collector.whole {
		if err := e.collected(frame, c); err != nil {
			return nil, err
		}
		frame = e.collector.frame
	}
	if !e.hasSession(frame, c) {
		return nil, protocol.Wait
	}
	e.take(frame)
	return e.arrived(c), nil
}

// take makes what has come the request.
func (e *exchange) take(frame []byte) {
	k := e.collector
	e.collector = nil
	if k != nil && !k.whole {
		e.request.setCollected(k, &e.head)
		return
	}
	e.request.set(frame, &e.head, &e.chunks)
	if k != nil {
		e.request.parsed().parts = k.form.parts
	}
}

// arrived makes the request of the exchange the one that waits for its answer.
func (e *exchange) arrived(c protocol.Conn) *Request {
	e.request.conn = c
	var a answer
	if e.head.method == methodHead {
		a |= noBody
	}
	if e.head.closes() {
		a |= closes
		e.last = true
	}
	e.begun, e.asked, e.emptied, e.due = true, true, false, a
	e.logged = false
	e.stream = 0 // SendRaw has passed over its end
	e.head = head{}
	e.chunks = chunks{}
	e.called = true
	return &e.request
}

// next is what the answer that is encoded now has to respect. Before the first
// request there may be one, which is the last; later it would be taken for the
// answer of a request to come.
func (e *exchange) next() (answer, error) {
	a := e.due
	switch {
	case e.stream != 0:
		return 0, ErrStreaming
	case e.asked:
	case e.begun:
		return 0, ErrNotAsked
	default:
		a = closes
	}
	if e.leaving {
		a |= closes
	}
	return a, nil
}

// ErrNotAsked is what Send returns for an answer when no request of the
// connection waits for one: each request has one answer.
var ErrNotAsked = errors.New("http1: no request waits for an answer")

// fail answers the request whose callback panicked, unless the answer has begun:
// then the peer has to see that it is cut.
func (e *exchange) fail(dst []byte) []byte {
	e.asked = false
	e.answered()
	if e.stream != 0 {
		return dst
	}
	return append(dst, e.internalError()...)
}

// sent does what had to wait until the answer was in the send buffer.
func (e *exchange) sent(c protocol.Conn) {
	e.sentSession()
	if !e.final {
		return
	}
	e.final, e.asked = false, false
	e.answered()
	if e.pending&closes != 0 {
		c.Close()
	}
}

// released makes the request last until it is answered, when that is later.
func (e *exchange) released() {
	e.releasedSession()
	e.called = false
	if e.asked {
		e.request.keep()
		return
	}
	e.request.drop()
}

// answered lets go of a request that waits for nothing any more.
func (e *exchange) answered() {
	if !e.called {
		e.request.drop()
	}
}

// ended deletes the files of what was not answered, and of what was not complete.
func (e *exchange) ended() {
	e.closedSession()
	e.discard()
	e.request.drop()
}
