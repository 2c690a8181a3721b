package http1

import "net/http"

// Response is an answer with a status and headers of its own; a string answers
// with 200 and is enough where that will do. Send it with c.Send. It is only
// read, so that one may answer many requests.
//
// Connection, Content-Type and Date are added where Header has none, and
// Content-Length always: where the body ends is not the author's to say. A
// header whose name or value could break out of its line is left out
// (features.md 27.9, 27.10). Connection: close closes the connection behind
// the answer.
type Response struct {
	Status int // 0 is 200
	Header http.Header
	Body   []byte
}

// NewResponse makes a Response; header may be nil.
func NewResponse(status int, header map[string]string, body string) *Response {
	r := &Response{Status: status, Body: []byte(body)}
	if len(header) > 0 {
		r.Header = make(http.Header, len(header))
		for name, value := range header {
			r.Header.Set(name, value)
		}
	}
	return r
}
