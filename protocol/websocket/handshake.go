package websocket

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"

	"github.com/workerman-go/wm/protocol"
)

// maxRequestBytes is where the blank line of an upgrade request must have come.
const maxRequestBytes = 16 << 10

// acceptSuffix is the constant of RFC 6455 section 1.3.
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

var blankLine = []byte("\r\n\r\n")

var errEarly = errors.New("websocket: too much sent before the handshake")

// opening is the state of a connection that has not been upgraded.
type opening struct {
	searched int    // so many bytes are known to have no blank line
	early    []byte // frames sent meanwhile, to follow the 101 (trap T81)
}

func openingOf(c protocol.Conn) *opening {
	o, ok := c.State().(*opening)
	if !ok {
		o = &opening{}
		c.SetState(o)
	}
	return o
}

// input returns the length of the upgrade request. Bytes that cannot become one
// are refused at once: a TLS hello must not wait for a blank line.
func (o *opening) input(buf []byte) (int, error) {
	const method = "GET "
	if n := min(len(buf), len(method)); string(buf[:n]) != method[:n] {
		return 0, notUpgrade("method other than GET")
	}
	from := min(max(o.searched-len(blankLine)+1, 0), len(buf))
	at := bytes.Index(buf[from:], blankLine)
	if at >= 0 && from+at < maxRequestBytes {
		return from + at + len(blankLine), nil
	}
	// Its first bytes may be there already.
	if at >= 0 || len(buf)-len(blankLine)+1 >= maxRequestBytes {
		return 0, tooLarge
	}
	o.searched = len(buf)
	return 0, nil
}

// accept answers the upgrade request. The state is a session before the first
// byte leaves, so that whatever the author sends next is framed behind the 101.
func (o *opening) accept(request []byte, c protocol.Conn) error {
	u, err := parseUpgrade(request)
	if err != nil {
		return err
	}
	reply := append(make([]byte, 0, 192), "HTTP/1.1 101 Switching Protocol\r\n"+
		"Upgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\n"+
		"Connection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "...)
	reply = appendAccept(reply, u.key)
	reply = append(reply, "\r\n\r\n"...)
	c.SetState(&session{})
	if err := c.SendRaw(append(reply, o.early...)); err != nil {
		return err
	}
	return protocol.Skip
}

// hold keeps a frame that was sent before the handshake, up to a full package.
func (o *opening) hold(frame []byte, limit int) error {
	if len(o.early)+len(frame) > limit {
		return errEarly
	}
	o.early = append(o.early, frame...)
	return nil
}

// appendAccept appends the proof of RFC 6455 section 4.2.2 that key was read.
func appendAccept(dst, key []byte) []byte {
	sum := sha1.Sum(append(key[:len(key):len(key)], acceptSuffix...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}
