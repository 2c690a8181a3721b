package http1

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	"github.com/workerman-go/wm/protocol"
)

const (
	typeHTML   = "text/html;charset=utf-8"
	typeJSON   = "application/json"
	typeEvents = "text/event-stream"
)

// encode appends v as the answer to the oldest request that waits for one.
func (e *exchange) encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	switch v := v.(type) {
	case Chunk:
		return e.encodeChunk(dst, v)
	case Event:
		return e.encodeEvent(dst, &v)
	}
	a, err := e.next()
	if err != nil {
		return dst, err
	}
	switch v := v.(type) {
	case string:
		dst = appendPage(dst, a, typeHTML, v)
	case []byte:
		return e.encodeBytes(dst, v)
	case nil:
		dst = appendPage(dst, a, typeHTML, "")
	case *Response:
		return e.encodeResponse(dst, v, a, c)
	case Response:
		return e.encodeResponse(dst, &v, a, c)
	default:
		body, err := protocol.AppendText(nil, v)
		if err != nil {
			return dst, err
		}
		dst = appendPage(dst, a, typeOf(v), body)
	}
	e.pending, e.final = a, true
	return dst, nil
}

func (e *exchange) encodeBytes(dst, body []byte) ([]byte, error) {
	a, err := e.next()
	if err != nil {
		return dst, err
	}
	e.pending, e.final = a, true
	return appendPage(dst, a, typeHTML, body), nil
}

// typeOf tells what AppendText has made of v: JSON unless v is a scalar.
func typeOf(v any) string {
	switch reflect.TypeOf(v).Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array, reflect.Pointer:
		return typeJSON
	}
	return typeHTML
}

// appendPage appends a plain answer, in the order of features.md 25.3.
func appendPage[T string | []byte](dst []byte, a answer, kind string, body T) []byte {
	dst = append(dst, "HTTP/1.1 200 OK\r\n"...)
	dst = appendDate(dst)
	dst = appendConnection(dst, a)
	dst = append(dst, "Content-Type: "...)
	dst = append(dst, kind...)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	if a&noBody != 0 {
		return dst
	}
	return append(dst, body...)
}

func appendConnection(dst []byte, a answer) []byte {
	if a&closes != 0 {
		return append(dst, "Connection: close\r\n"...)
	}
	return append(dst, "Connection: keep-alive\r\n"...)
}

// encodeResponse appends r. An interim response (103) leaves the request
// waiting.
func (e *exchange) encodeResponse(dst []byte, r *Response, a answer, c protocol.Conn) (
	[]byte, error) {
	status := r.Status
	if status == 0 {
		status = http.StatusOK
	}
	switch {
	case status < 100 || status > 999:
		return dst, fmt.Errorf("http1: no such status: %d", status)
	case r.err != nil:
		return dst, e.giveUp(r.err, c)
	case r.file != nil:
		return e.encodeFile(dst, r, a, c)
	}
	w := responseWriter{dst: dst, response: r, status: status, answer: a, body: r.Body}
	if e.asked && !bodiless(status) {
		if kind := r.streamOf(); kind != 0 {
			return e.beginStream(&w, kind), nil
		}
	}
	if r.Compress {
		e.compress(&w)
	}
	w.size = int64(len(w.body))
	w.write()
	e.pending = w.answer
	e.final = status >= http.StatusOK || status == http.StatusSwitchingProtocols
	return w.dst, nil
}

// giveUp answers with 500 what the author could not make, so that the client
// does not wait for ever, and returns why.
func (e *exchange) giveUp(why error, c protocol.Conn) error {
	if c != nil && c.SendRaw(e.internalError()) == nil {
		e.logFailure()
		e.asked = false
		c.Close()
	}
	return fmt.Errorf("http1: JSON: %w", why)
}
