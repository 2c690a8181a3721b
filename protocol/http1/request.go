package http1

import (
	"bytes"
	"strconv"
	"strings"
)

// Request is what a client asks for. It, and the bytes of RawBody, are valid
// until it is answered, then it is used again for the next request of its
// connection; the strings it gives out may be kept. Owned by the loop.
type Request struct {
	head   head
	frame  []byte // head, and the body of a request that is not chunked
	body   []byte
	trails []byte // trailer lines

	uri string // of the request before until URI has compared them
}

// set makes r the request in frame.
func (r *Request) set(frame []byte, h *head, k *chunks) {
	r.head = *h
	r.frame = frame
	r.trails = nil
	if h.chunked {
		r.trails = frame[k.trailers:]
		r.body = k.join(frame, h.length)
		return
	}
	r.body = frame[h.length:]
}

// keep gives r a copy of its bytes, which are gone when OnRequest has returned.
func (r *Request) keep() {
	r.frame = bytes.Clone(r.frame)
	r.body = r.frame[r.head.length:][:len(r.body)]
	r.trails = r.frame[len(r.frame)-len(r.trails):]
}

// Method is the method, in upper case.
func (r *Request) Method() string { return methodNames[r.head.method] }

// URI is the path and the query as they were sent, without the scheme and host
// that a request to a proxy has.
func (r *Request) URI() string {
	target := r.head.target.of(r.frame)
	switch {
	case len(target) == 0 || target[0] != '/':
		r.uri = "/" + string(target)
	case string(target) != r.uri:
		r.uri = string(target)
	}
	return r.uri
}

// Path is the URI up to the question mark. It is not decoded: "%2F" stays apart
// from "/".
func (r *Request) Path() string {
	path, _, _ := strings.Cut(r.URI(), "?")
	return path
}

// QueryString is what follows the question mark of the URI, as it was sent.
func (r *Request) QueryString() string {
	_, query, _ := strings.Cut(r.URI(), "?")
	return query
}

// Host is the host that the client means, with its port if it gave one, and
// empty for a request of HTTP/1.0 without it.
func (r *Request) Host() string { return string(r.head.host.of(r.frame)) }

// Header is the value of the header name, whose case does not count, or def
// when there is none. Values of several lines are joined by commas.
func (r *Request) Header(name string, def ...string) string {
	if r.head.chunked {
		// The body was put together: the author sees it as one of known length.
		switch {
		case strings.EqualFold(name, "transfer-encoding"):
			return orDefault("", false, def)
		case strings.EqualFold(name, "content-length"):
			return strconv.Itoa(len(r.body))
		}
	}
	var value []byte
	var joined string
	found := false
	for lines := r.frame[r.head.headers : r.head.length-2]; len(lines) > 0; {
		value, lines = cutHeader(lines, name)
		switch {
		case value == nil:
		case found:
			joined += "," + string(value)
		default:
			joined, found = string(value), true
		}
	}
	return orDefault(joined, found, def)
}

// Trailer is the value of a header line behind a chunked body, or def when
// there is none (features.md 25.15). The last of several lines counts.
func (r *Request) Trailer(name string, def ...string) string {
	var value, last []byte
	for lines := r.trails; len(lines) > 0; {
		value, lines = cutHeader(lines, name)
		if value != nil {
			last = value
		}
	}
	return orDefault(string(last), last != nil, def)
}

// RawBody is the body as it came, with its chunks joined. Valid until the
// request is answered; with a copy it may be kept.
func (r *Request) RawBody() []byte { return r.body }

// cutHeader takes the first of several complete lines and returns its value if
// it has that name, else nil.
func cutHeader(lines []byte, name string) (value, rest []byte) {
	line, rest, _ := bytes.Cut(lines, crlf)
	colon := len(name)
	if len(line) <= colon || line[colon] != ':' || !fold(line[:colon], name) {
		return nil, rest
	}
	return trimmed(line, colon+1).of(line), rest
}

var crlf = []byte("\r\n")

// orDefault is what the accessors return: value if there is one, else the
// first default, else nothing.
func orDefault(value string, found bool, def []string) string {
	if !found && len(def) > 0 {
		return def[0]
	}
	return value
}
