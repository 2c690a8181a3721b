package oneport

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/protocol/websocket"
)

// maxHeadBytes is where the head of a request must have ended. Protocol http
// gets a longer one and refuses it.
const maxHeadBytes = 16 << 10

var errEarly = errors.New("oneport: the client has not spoken yet")

// Protocol looks at the first bytes of a connection, gives it the protocol that
// they are in, and is not asked again (features.md 23.14).
type Protocol struct{}

// switcher is the part of *worker.Connection that Input needs.
type switcher interface{ SetProtocol(p protocol.Protocol) }

// Input switches as soon as it knows. The new protocol reads the same bytes
// again, from the first one.
func (Protocol) Input(buf []byte, c protocol.Conn) (int, error) {
	if p := recognise(buf); p != nil {
		c.(switcher).SetProtocol(p)
	}
	return 0, nil
}

// Decode is never called: Input finds no message.
func (Protocol) Decode([]byte, protocol.Conn) (any, error) { return nil, protocol.ErrBad }

// Encode refuses: nobody knows yet what the client understands.
func (Protocol) Encode(dst []byte, _ any, _ protocol.Conn) ([]byte, error) { return dst, errEarly }

// recognise returns the protocol that buf begins in, nil when it is too early
// to tell. What does not begin as an HTTP request is text.
func recognise(buf []byte) protocol.Protocol {
	method, known := findMethod(buf)
	if !known {
		return nil
	}
	if method == "" {
		return text.Protocol
	}
	buf = buf[:min(len(buf), maxHeadBytes)]
	end := bytes.Index(buf, []byte("\r\n\r\n"))
	switch {
	case end < 0 && len(buf) < maxHeadBytes:
		return nil
	case end >= 0 && wantsWebsocket(buf[:end+4]):
		return websocket.Protocol
	}
	return http1.Protocol
}

// findMethod returns the HTTP method that buf begins with, empty for none; it
// is not known as long as buf may become one.
func findMethod(buf []byte) (method string, known bool) {
	for _, m := range []string{"GET ", "HEAD ", "POST ", "PUT ", "PATCH ", "DELETE ", "OPTIONS "} {
		if len(buf) < len(m) && strings.HasPrefix(m, string(buf)) {
			return "", false
		}
		if bytes.HasPrefix(buf, []byte(m)) {
			return m, true
		}
	}
	return "", true
}

// wantsWebsocket reads the Upgrade header. What is no request at all is left to
// protocol http to refuse.
func wantsWebsocket(head []byte) bool {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	return err == nil && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}
