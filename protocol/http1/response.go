package http1

import (
	"encoding/json"
	"net/http"
)

// Response is an answer with a status and headers of its own; a string answers
// with 200 and is enough where that will do. Send it with c.Send. It is only
// read, so that one may answer many requests.
//
// Connection, Content-Type and Date are added where Header has none, and
// Content-Length always: where the body ends is not the author's to say. A
// header whose name or value could break out of its line is left out
// (features.md 27.9, 27.10). Connection: close closes the connection behind
// the answer. HEAD is answered without the body.
//
// A Response of File, FileFS or WithFile sends a file in place of Body.
// "Transfer-Encoding: chunked" or "Content-Type: text/event-stream" in Header
// begins a streamed answer, see Chunk and Event.
type Response struct {
	Status int    // 0 is 200
	Reason string // behind the status; empty is the registered one
	Header http.Header
	Body   []byte
	// Compress sends a Body of at least MinCompress, or a file up to
	// MaxCompress, with gzip to clients that accept it when it is text (or JSON,
	// XML, SVG and the like); it is done each time. A range of what would be
	// compressed is not sent, but the whole.
	Compress bool

	file *source // nil: Body
	err  error   // why JSON could not make it
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

// JSON makes a Response of v with the type application/json. When v cannot be
// written as JSON, Send answers with 500, closes the connection and returns the
// error.
func JSON(v any) *Response {
	body, err := json.Marshal(v)
	return &Response{Header: http.Header{"Content-Type": {typeJSON}}, Body: body, err: err}
}

// Redirect makes a Response that sends the client to another address for now:
// status 302. Another status can be set in it.
func Redirect(to string) *Response {
	return &Response{Status: http.StatusFound, Header: http.Header{"Location": {to}}}
}

// header is the first value of a header of r, whatever the case of its name.
func (r *Response) header(name string) (value string, found bool) {
	if len(r.Header) == 0 {
		return "", false
	}
	values, found := r.Header[name]
	if !found {
		for other := range r.Header {
			if fold(other, name) {
				values, found = r.Header[other], true
				break
			}
		}
	}
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}
