package websocket

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/workerman-go/wm/protocol"
)

// maxHeadBytes is where the blank line of an upgrade request, or of its reply,
// must have come.
const maxHeadBytes = 16 << 10

// acceptSuffix is the constant of RFC 6455 section 1.3.
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

var (
	crlf      = []byte("\r\n")
	blankLine = []byte("\r\n\r\n")
)

// opening is the state of a connection that has not been upgraded.
type opening struct {
	searched int    // so many bytes are known to have no blank line
	early    []byte // frames sent meanwhile, to follow the handshake (trap T81)

	request *Request // of a dialled connection
	key     string   // sent by it; empty before
}

func openingOf(c protocol.Conn) *opening {
	switch state := c.State().(type) {
	case *opening:
		return state
	case *Request:
		return newOpening(c, state)
	}
	return newOpening(c, nil)
}

func newOpening(c protocol.Conn, r *Request) *opening {
	o := &opening{request: r}
	c.SetState(o)
	return o
}

// input returns the length of the upgrade request, or of the reply to it. Bytes
// that cannot become one are refused at once: a TLS hello must not wait for a
// blank line.
func (o *opening) input(buf []byte, c protocol.Conn) (int, error) {
	begin, wrong, large := "GET ", notGet, error(tooLarge)
	if c.Dialled() {
		begin, wrong, large = "HTTP/1.", errNoReply, errLargeReply
	}
	if n := min(len(buf), len(begin)); string(buf[:n]) != begin[:n] {
		return 0, wrong
	}
	from := min(max(o.searched-len(blankLine)+1, 0), len(buf))
	at := bytes.Index(buf[from:], blankLine)
	if at >= 0 && from+at < maxHeadBytes {
		return from + at + len(blankLine), nil
	}
	// Its first bytes may be there already.
	if at >= 0 || len(buf)-len(blankLine)+1 >= maxHeadBytes {
		return 0, large
	}
	o.searched = len(buf)
	return 0, nil
}

// accept answers the upgrade request. The state is a session before the first
// byte leaves, so that whatever the author sends next is framed behind the 101.
func (p *websocket) accept(request []byte, c protocol.Conn) error {
	o := openingOf(c)
	u, err := parseUpgrade(request)
	if err != nil {
		return err
	}
	event := Connecting{Request: request}
	c.Event(&event)
	if event.Refused || c.State() != any(o) { // closed, or another protocol's now
		return protocol.Skip
	}
	s := &session{}
	reply := p.appendReply(make([]byte, 0, 256), &u, event.Header, s)
	c.SetState(s)
	if err := c.SendRaw(append(reply, o.early...)); err != nil {
		return err
	}
	c.Event(&Connected{})
	return protocol.Skip
}

// appendReply appends the 101 and notes in s what it agrees to.
func (p *websocket) appendReply(dst []byte, u *upgrade, header http.Header, s *session) []byte {
	dst = append(dst, "HTTP/1.1 101 Switching Protocol\r\n"+
		"Upgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\n"+
		"Connection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "...)
	dst = append(appendAccept(dst, u.key), crlf...)
	header = canonical(header)
	if len(header[subprotocolHeader]) == 0 {
		dst = appendLine(dst, "Sec-WebSocket-Protocol", u.choose(p.subprotocols))
	}
	if p.deflate != nil && len(u.extensions) > 0 {
		agreed, x := p.deflate.accept(string(u.extensions), p.takeover)
		s.extension = x
		dst = appendLine(dst, "Sec-WebSocket-Extensions", agreed)
	}
	return append(appendHeaders(dst, header), crlf...)
}

// appendAccept appends the proof of RFC 6455 section 4.2.2 that key was read.
func appendAccept(dst, key []byte) []byte {
	sum := sha1.Sum(append(key[:len(key):len(key)], acceptSuffix...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// subprotocolHeader is the one of the handshake's headers that authors may set,
// as http.Header spells it.
const subprotocolHeader = "Sec-Websocket-Protocol"

// ownHeaders are written by the handshake itself.
var ownHeaders = map[string]bool{
	"Upgrade": true, "Connection": true, "Sec-Websocket-Accept": true, "Sec-Websocket-Key": true,
	"Sec-Websocket-Version": true, "Sec-Websocket-Extensions": true,
}

// canonical is h with the names as http.Header spells them.
func canonical(h http.Header) http.Header {
	if len(h) == 0 {
		return nil
	}
	out := make(http.Header, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		key := http.CanonicalHeaderKey(name)
		out[key] = append(out[key], h[name]...)
	}
	return out
}

// appendHeaders appends the author's lines, in the order of their canonical
// names, but for those that are the handshake's own or among but.
func appendHeaders(dst []byte, h http.Header, but ...string) []byte {
	if len(h) == 0 {
		return dst
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if ownHeaders[name] || slices.Contains(but, name) {
			continue
		}
		for _, value := range h[name] {
			dst = appendLine(dst, name, value)
		}
	}
	return dst
}

// appendLine appends a header line, or nothing for an empty value and for what
// would end the line early.
func appendLine(dst []byte, name, value string) []byte {
	if value == "" || !isToken(name) || strings.ContainsAny(value, "\r\n\x00") {
		return dst
	}
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), crlf...)
}

// cutHeader takes one line off the headers of a head that ends with a blank
// line. The name is nil behind the last one; ok is false for what is no header.
func cutHeader(head []byte) (name, value, rest []byte, ok bool) {
	line, rest, _ := bytes.Cut(head, crlf)
	if len(line) == 0 {
		return nil, nil, nil, true
	}
	name, value, found := bytes.Cut(line, []byte{':'})
	if !found || len(name) == 0 || bytes.ContainsAny(name, " \t") {
		return nil, nil, nil, false
	}
	return name, bytes.Trim(value, " \t"), rest, true
}

// hasToken looks for token in a list of words separated by commas.
func hasToken(list []byte, token string) bool {
	for word := range bytes.SplitSeq(list, []byte{','}) {
		if fold(bytes.Trim(word, " \t"), token) {
			return true
		}
	}
	return false
}

// fold compares without regard to the case of ASCII letters.
func fold(a []byte, lower string) bool {
	return len(a) == len(lower) && bytes.EqualFold(a, []byte(lower))
}
