package http1

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
)

// Std is the request as net/http has it, for libraries that want one: a copy
// that may be kept, with the body. Header has the lines of the head; Host is not
// among them. RemoteAddr is that of RemoteIP, with a port; TLS is that of the
// connection, and the Context is never cancelled. The body of a multipart form above MaxUploadMemory is empty:
// Form and Files have it.
func (r *Request) Std() *http.Request {
	body := bytes.Clone(r.body)
	std := &http.Request{
		Method:        r.Method(),
		URL:           r.url(),
		RequestURI:    r.URI(),
		Proto:         "HTTP/" + r.ProtocolVersion(),
		ProtoMajor:    1,
		ProtoMinor:    int(r.head.minor),
		Header:        stdHeader(r.headerLines()),
		Host:          r.Host(),
		Close:         r.head.closes(),
		ContentLength: int64(len(body)),
		Body:          http.NoBody,
	}
	delete(std.Header, "Host")
	if r.head.chunked {
		delete(std.Header, "Transfer-Encoding")
		std.Trailer = stdHeader(r.trails)
	}
	if len(body) > 0 {
		std.Body = io.NopCloser(bytes.NewReader(body))
	}
	if from, ok := r.client(); ok {
		std.RemoteAddr = from.String()
	} else if c, ok := r.conn.(interface{ RemoteAddr() net.Addr }); ok {
		if addr := c.RemoteAddr(); addr != nil {
			std.RemoteAddr = addr.String()
		}
	}
	if c, ok := r.conn.(interface{ TLS() *tls.ConnectionState }); ok {
		std.TLS = c.TLS()
	}
	return std
}

// url is the target; where net/url does not understand it the path is not decoded.
func (r *Request) url() *url.URL {
	if u, err := url.ParseRequestURI(r.URI()); err == nil {
		return u
	}
	return &url.URL{Path: r.Path(), RawQuery: r.QueryString()}
}

func stdHeader(lines []byte) http.Header {
	header := http.Header{}
	for len(lines) > 0 {
		var line []byte
		line, lines, _ = bytes.Cut(lines, crlf)
		if name, _, ok := bytes.Cut(line, []byte{':'}); ok {
			header.Add(string(name), string(trimmed(line, len(name)+1).of(line)))
		}
	}
	return header
}
