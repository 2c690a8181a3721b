package http1

import "bytes"

// maxHeadBytes is where the blank line behind the headers must have begun
// (trap T67).
const maxHeadBytes = 16 << 10

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
	cookies                             int // where the first of their lines begins; 0: none
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
	if err := h.requestLine(buf[:end]); err != nil {
		return err
	}
	start := end + 2
	h.headers = start
	for {
		end, err = h.headerLine(buf, start)
		if err != nil || end < 0 {
			return err
		}
		if end == start {
			break
		}
		start = end + 2
	}
	if err := h.consistent(); err != nil {
		return err
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
		return 0, badLineEnd
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
func (h *head) requestLine(line []byte) error {
	const version = " HTTP/1."
	space := bytes.IndexByte(line, ' ')
	tail := len(line) - len(version) - 1
	if space < 0 || tail <= space+1 {
		return badLine
	}
	h.method = methodOf(line[:space])
	h.minor = line[len(line)-1] - '0'
	h.target = span{space + 1, tail}
	switch {
	case string(line[tail:len(line)-1]) != version || h.minor > 9:
		return badVersion
	case h.method == 0:
		return badMethod
	case !visible(h.target.of(line)) || line[space+1] != '/' && !h.absoluteTarget(line):
		return badTarget
	}
	return nil
}

// absoluteTarget takes the authority of "http://host/path" for the host.
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
// 25.8, 25.11 and 25.13. A server of version 1.0 knows no chunks: what one on
// the way has made of them is anybody's guess, RFC 9112 section 6.1.
func (h *head) consistent() error {
	switch {
	case h.hosts == 0 && h.minor > 0:
		return noHost
	case h.chunked && (h.hasLength || h.minor == 0):
		return twoLengths
	}
	return nil
}

// closes tells whether the peer wants, or with its old version needs, the
// connection to end behind the answer.
func (h *head) closes() bool {
	return h.connectionClose || h.minor == 0 && !h.keepAlive
}
