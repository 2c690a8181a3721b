package http1

import (
	"bytes"

	"github.com/workerman-go/wm/protocol"
)

// maxHeadBytes is where the blank line behind the headers must have begun
// (trap T67).
const maxHeadBytes = 16 << 10

// The replies of features.md 25.16.
var (
	badRequest = reject("400 Bad Request", "bad request")
	tooLarge   = reject("413 Payload Too Large", "request above the maximum package size")
	headTooBig = reject("431 Request Header Fields Too Large", "headers of more than 16 KiB")
)

func reject(status, why string) error {
	return &protocol.Reject{
		Reply: []byte("HTTP/1.1 " + status + "\r\nConnection: close\r\n\r\n"),
		Why:   "http: " + why,
	}
}

// span is a piece of the request. Offsets survive the move of a buffer that
// grows while the body is read.
type span struct{ from, to int }

func (s span) of(frame []byte) []byte { return frame[s.from:s.to] }

// head is what the head of a request says about the message and the connection.
// The zero value is a head of which nothing is known.
type head struct {
	length  int // with the blank line; 0 until it has come
	headers int // where the header lines begin
	method  method
	minor   byte // of the version: HTTP/1.minor
	target  span // path and query
	host    span

	contentLength                       int64
	hosts                               int
	hasLength, chunked, absolute        bool
	expects, connectionClose, keepAlive bool
}

// parse reads the head line by line and sets length when the blank line is
// there. Each line is judged as soon as it is complete, so the verdict does not
// depend on how the bytes were cut.
func (h *head) parse(buf []byte) error {
	*h = head{}
	end, err := lineEnd(buf, 0)
	if err != nil || end < 0 {
		return err
	}
	if !h.requestLine(buf[:end]) {
		return badRequest
	}
	start := end + 2
	h.headers = start
	for {
		end, err = lineEnd(buf, start)
		if err != nil || end < 0 {
			return err
		}
		if end == start {
			break
		}
		if !h.headerLine(buf[start:end], start) {
			return badRequest
		}
		start = end + 2
	}
	if !h.consistent() {
		return badRequest
	}
	h.length = end + 2
	return nil
}

// lineEnd returns where the line ends that begins at start, -1 when its end has
// not come. A lone CR or LF is an error: proxies disagree about it.
func lineEnd(buf []byte, start int) (int, error) {
	n := bytes.IndexByte(buf[start:], '\n')
	if n < 0 {
		return -1, endless(buf, start)
	}
	end := start + n
	clean := n > 0 && buf[end-1] == '\r'
	if clean {
		end--
	}
	switch {
	case clean && n == 1:
		return end, nil
	case end >= maxHeadBytes:
		return 0, headTooBig
	case !clean:
		return 0, badRequest
	}
	return end, nil
}

// endless is headTooBig when the unfinished line at start must end too late,
// unless it can still be the blank one.
func endless(buf []byte, start int) error {
	end := len(buf)
	if end > start && buf[end-1] == '\r' {
		end--
	}
	if end > start && end >= maxHeadBytes {
		return headTooBig
	}
	return nil
}

// requestLine accepts features.md 25.5-25.7 and absolute targets.
func (h *head) requestLine(line []byte) bool {
	const version = " HTTP/1."
	space := bytes.IndexByte(line, ' ')
	tail := len(line) - len(version) - 1
	if space < 0 || tail <= space+1 || string(line[tail:len(line)-1]) != version {
		return false
	}
	h.method = methodOf(line[:space])
	h.minor = line[len(line)-1] - '0'
	h.target = span{space + 1, tail}
	if h.method == 0 || h.minor > 9 || !visible(line[space+1:tail]) {
		return false
	}
	return line[space+1] == '/' || h.absoluteTarget(line)
}

// absoluteTarget takes the authority of "http://host/path" for the host, which
// beats the Host header, RFC 9112 section 3.2.2.
func (h *head) absoluteTarget(line []byte) bool {
	scheme := schemeLength(h.target.of(line))
	if scheme == 0 {
		return false
	}
	h.host = span{h.target.from + scheme, h.target.to}
	if i := bytes.IndexAny(h.host.of(line), "/?"); i >= 0 {
		h.host.to = h.host.from + i
	}
	h.target.from = h.host.to
	h.absolute = true
	return validHost(h.host.of(line))
}

func schemeLength(target []byte) int {
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(target) > len(scheme) && fold(target[:len(scheme)], scheme) {
			return len(scheme)
		}
	}
	return 0
}

// consistent judges what only all header lines together can tell, features.md
// 25.8, 25.11 and 25.13.
func (h *head) consistent() bool {
	if h.hosts > 1 || h.hosts == 0 && h.minor > 0 {
		return false
	}
	return !(h.chunked && h.hasLength)
}

// closes tells whether the peer wants, or with its old version needs, the
// connection to end behind the answer. A chunked request of version 1.0 may
// have passed a proxy that does not know chunks, RFC 9112 section 6.1.
func (h *head) closes() bool {
	if h.minor > 0 {
		return h.connectionClose
	}
	return h.connectionClose || !h.keepAlive || h.chunked
}
