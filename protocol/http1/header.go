package http1

import (
	"bytes"
	"math"
	"net/netip"
)

// headerLine checks the line that begins at start and keeps what rules the
// message and the connection. It returns where the line ends: at start when it is
// the blank one, -1 when its end has not come. One look at each byte finds the
// end of a line that is in order; any other is looked at again.
func (h *head) headerLine(buf []byte, start int) (end int, err error) {
	colon := start + tokenLength(buf[start:])
	end = colon + textLength(buf[colon:])
	if end >= maxHeadBytes || end+1 >= len(buf) || buf[end] != '\r' || buf[end+1] != '\n' {
		if end, err = lineEnd(buf, start); err == nil && end > start {
			err = badHeader // a control byte is in it
		}
		return end, err
	}
	switch {
	case end == start:
		return end, nil
	case colon == start || buf[colon] != ':':
		return 0, badHeader
	}
	return end, h.field(buf, start, colon, trimmed(buf[:end], colon+1))
}

// field keeps what the header says whose name begins at start and whose value is v.
func (h *head) field(buf []byte, start, colon int, v span) error {
	name, value := buf[start:colon], v.of(buf)
	switch len(name) {
	case len("host"):
		if fold(name, "host") {
			return h.hostLine(buf, v)
		}
	case len("expect"):
		if fold(name, "expect") {
			h.expects = h.minor > 0 && fold(value, "100-continue")
		}
		if h.cookies == 0 && fold(name, "cookie") {
			h.cookies = start
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
	return nil
}

// hostLine demands the one host that an absolute target has named already, as
// HAProxy does: software that reads one of the two never meets the other.
func (h *head) hostLine(buf []byte, at span) error {
	h.hosts++
	switch {
	case h.hosts > 1:
		return manyHosts
	case !validHost(at.of(buf)):
		return badHost
	case !h.absolute:
		h.host = at
	case !sameHost(h.host.of(buf), at.of(buf), h.defaultPort(buf)):
		return otherHost
	}
	return nil
}

// defaultPort is that of the scheme in front of the host of an absolute target.
func (h *head) defaultPort(buf []byte) string {
	if last := buf[h.host.from-len("s://")]; lower(last) == 's' {
		return ":443"
	}
	return ":80"
}

// sameHost compares two hosts, of which each may name the default port.
func sameHost(a, b []byte, port string) bool {
	a, b = bytes.TrimSuffix(a, []byte(port)), bytes.TrimSuffix(b, []byte(port))
	return fold(a, string(b))
}

func (h *head) connectionLine(value []byte) {
	h.connectionClose = h.connectionClose || hasToken(value, "close")
	h.keepAlive = h.keepAlive || hasToken(value, "keep-alive")
}

// encodingLine accepts one line with the one encoding that tells where the body
// ends.
func (h *head) encodingLine(value []byte) error {
	if h.chunked || !fold(value, "chunked") {
		return badEncoding
	}
	h.chunked = true
	return nil
}

// lengthLine accepts one number. One beyond all limits stays beyond them, for
// 413 is the right answer to it.
func (h *head) lengthLine(value []byte) error {
	if h.hasLength || !digits(value) {
		return badLength
	}
	h.hasLength = true
	for _, digit := range value {
		h.contentLength = min(h.contentLength*10+int64(digit-'0'), math.MaxInt64/16)
	}
	return nil
}

// validHost follows features.md 25.8: a name or address, that of IPv6 in
// brackets, and then a port of digits or nothing.
func validHost(host []byte) bool {
	if len(host) > 0 && host[0] == '[' {
		end := bytes.IndexByte(host, ']')
		return end > 0 && validIPv6(string(host[1:end])) && validPort(host[end+1:])
	}
	n := 0
	for n < len(host) && hostBytes[host[n]] {
		n++
	}
	return n > 0 && validPort(host[n:])
}

func validPort(port []byte) bool {
	return len(port) == 0 || port[0] == ':' && digits(port[1:])
}

// validIPv6 has no zones: they mean something on the client's machine only.
func validIPv6(literal string) bool {
	ip, err := netip.ParseAddr(literal)
	return err == nil && ip.Is6() && ip.Zone() == ""
}
