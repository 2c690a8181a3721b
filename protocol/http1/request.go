package http1

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/protocol"
)

// Request is what a client asks for. It, and the bytes of RawHead and RawBody,
// are valid until it is answered and its callback has returned, then it is used
// again for the next request of its connection; the strings, Values and maps it
// gives out may be kept, the files of an upload where Upload.Move puts them.
// Owned by the loop.
type Request struct {
	// Data is the author's, for this request.
	Data any

	head   head
	frame  []byte // head, and the body of a request that is not chunked
	body   []byte
	trails []byte // trailer lines

	uri   string // of the request before until URI has compared them
	conn  protocol.Conn
	more  *more  // nil until it is needed
	visit *visit // what it has to do with sessions, if anything
}

// more is what was made of a request, and what few of them have.
type more struct {
	query, form Values
	parts       *parts // of a multipart form
	streamed    bool   // the body went to files, and the rest has memory of its own
	size        int    // of such a body
}

// parsed is more, made where there is none.
func (r *Request) parsed() *more {
	if r.more == nil {
		r.more = &more{}
	}
	return r.more
}

// set makes r the request in frame.
func (r *Request) set(frame []byte, h *head, k *chunks) {
	r.drop()
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
	if r.more != nil && r.more.streamed {
		return
	}
	r.frame = bytes.Clone(r.frame)
	r.body = r.frame[r.head.length:][:len(r.body)]
	r.trails = r.frame[len(r.frame)-len(r.trails):]
}

// drop lets go of what a request has beside its bytes, its files first.
func (r *Request) drop() {
	if r.more == nil && r.Data == nil {
		return
	}
	if r.more != nil && r.more.parts != nil {
		removeParts(r.more.parts, r.conn)
	}
	r.more, r.Data = nil, nil
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

// HostName is Host without the port, and without the brackets of an IPv6 address.
func (r *Request) HostName() string {
	host := r.Host()
	if strings.HasPrefix(host, "[") {
		name, _, _ := strings.Cut(host[1:], "]")
		return name
	}
	name, _, _ := strings.Cut(host, ":")
	return name
}

// RemoteIP is the address of the client as text: what Connection.RemoteIP says,
// or X-Forwarded-For or X-Real-IP of this request where the connection comes from
// a trusted proxy (Limits.TrustedProxies of package worker). Empty where there is
// no connection.
func (r *Request) RemoteIP() string {
	if from, ok := r.client(); ok {
		return from.Addr().String()
	}
	if c, ok := r.conn.(interface{ RemoteIP() string }); ok {
		return c.RemoteIP()
	}
	return ""
}

// client is who a trusted proxy says that has asked.
func (r *Request) client() (from netip.AddrPort, ok bool) {
	if list := r.forwarded(); list != "" {
		from = r.conn.(protocol.Proxied).Forwarded(list)
	}
	return from, from.Addr().IsValid()
}

// forwarded is what a trusted proxy says of the client.
func (r *Request) forwarded() string {
	if c, ok := r.conn.(protocol.Proxied); ok && c.Proxied() {
		return r.Header("x-forwarded-for", r.Header("x-real-ip"))
	}
	return ""
}

// ProtocolVersion is the version of HTTP, such as "1.1".
func (r *Request) ProtocolVersion() string { return "1." + string(rune('0'+r.head.minor)) }

// Header is the value of the header name, whose case does not count, or def
// when there is none. Values of several lines are joined by commas.
func (r *Request) Header(name string, def ...string) string {
	if r.head.chunked {
		// The body was put together: the author sees it as one of known length.
		switch {
		case strings.EqualFold(name, "transfer-encoding"):
			return orDefault("", false, def)
		case strings.EqualFold(name, "content-length"):
			return strconv.Itoa(r.bodySize())
		}
	}
	var value []byte
	var joined string
	found := false
	for lines := r.headerLines(); len(lines) > 0; {
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

// RawHead is the request line and the headers as they came, without the blank
// line behind them. Valid until the request is answered; with a copy it may be
// kept.
func (r *Request) RawHead() []byte { return r.frame[:r.head.length-2*len(crlf)] }

// RawBody is the body as it came, with its chunks joined. It is nil for a
// multipart form above MaxUploadMemory, which is in fields and files. Valid until
// the request is answered; with a copy it may be kept.
func (r *Request) RawBody() []byte { return r.body }

// headerLines are the header lines, complete.
func (r *Request) headerLines() []byte { return r.frame[r.head.headers : r.head.length-2] }

// bodySize is the length of the body without its chunks.
func (r *Request) bodySize() int {
	if r.more != nil && r.more.streamed {
		return r.more.size
	}
	return len(r.body)
}

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
