package http1

import (
	"bytes"
	"math"
)

// headerLine checks one line, which begins at offset start of the request, and
// keeps what rules the message and the connection.
func (h *head) headerLine(line []byte, start int) bool {
	colon := tokenLength(line)
	if colon == 0 || colon == len(line) || line[colon] != ':' {
		return false
	}
	v := trimmed(line, colon+1)
	name, value := line[:colon], v.of(line)
	if !printable(value) {
		return false
	}
	switch colon {
	case len("host"):
		if fold(name, "host") {
			return h.hostLine(value, start+v.from)
		}
	case len("expect"):
		if fold(name, "expect") {
			h.expects = h.minor > 0 && fold(value, "100-continue")
		}
	case len("connection"):
		if fold(name, "connection") {
			h.connectionLine(value)
		}
	case len("content-length"):
		if fold(name, "content-length") {
			return h.lengthLine(value)
		}
	case len("transfer-encoding"):
		if fold(name, "transfer-encoding") {
			return h.encodingLine(value)
		}
	}
	return true
}

func (h *head) hostLine(value []byte, at int) bool {
	h.hosts++
	if !h.absolute {
		h.host = span{at, at + len(value)}
	}
	return validHost(value)
}

func (h *head) connectionLine(value []byte) {
	h.connectionClose = h.connectionClose || hasToken(value, "close")
	h.keepAlive = h.keepAlive || hasToken(value, "keep-alive")
}

// encodingLine accepts one line with the one encoding that tells where the body
// ends.
func (h *head) encodingLine(value []byte) bool {
	first := !h.chunked
	h.chunked = true
	return first && fold(value, "chunked")
}

// lengthLine accepts one number. One beyond all limits stays beyond them, for
// 413 is the right answer to it.
func (h *head) lengthLine(value []byte) bool {
	if h.hasLength || !digits(value) {
		return false
	}
	h.hasLength = true
	for _, digit := range value {
		h.contentLength = min(h.contentLength*10+int64(digit-'0'), math.MaxInt64/16)
	}
	return true
}

// validHost follows features.md 25.8: a name or address, in brackets if it has
// colons, and then a port of digits or nothing.
func validHost(host []byte) bool {
	name, rest := host, []byte(nil)
	if len(host) > 0 && host[0] == '[' {
		end := bytes.IndexByte(host, ']')
		if end < 0 {
			return false
		}
		name, rest = host[1:end], host[end+1:]
	} else if i := bytes.IndexByte(host, ':'); i >= 0 {
		name, rest = host[:i], host[i:]
	}
	for _, c := range name {
		switch c {
		case '/', '[', ']', ' ', '\t':
			return false
		}
	}
	return len(name) > 0 && (len(rest) == 0 || rest[0] == ':' && digits(rest[1:]))
}
