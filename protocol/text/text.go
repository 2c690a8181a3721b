// Package text is the protocol of lines: a message is what stands before a
// line feed. It speaks with telnet and nc.
//
//	worker.New("text://0.0.0.0:2348")
package text

import (
	"bytes"
	"fmt"

	"github.com/workerman-go/wm/protocol"
)

// Protocol reads lines, without their end, and writes each message with a line
// feed behind it (features.md 32.1-32.4). It is what text:// means; give it to
// SetProtocol to switch a connection to lines.
var Protocol protocol.Protocol = text{}

var errLong = fmt.Errorf("text: line above the maximum package size: %w", protocol.ErrBad)

// text implements protocol.Protocol, protocol.Bytes and protocol.Sharer.
type text struct{}

// searched is the state of a connection whose line came in pieces: how much of
// it is known to have no line feed. Without it, a long line sent byte by byte
// would be searched from its beginning each time.
type searched struct{ upTo int }

// Input finds the first line feed. Only an unfinished or single line counts
// against the limit, never several short ones that arrived together (trap T47).
func (text) Input(buf []byte, c protocol.Conn) (int, error) {
	s, _ := c.State().(*searched)
	from := 0
	if s != nil {
		from = min(s.upTo, len(buf))
		s.upTo = 0
	}
	length := from + bytes.IndexByte(buf[from:], '\n') + 1
	if length > from {
		if length > c.MaxPackage() {
			return 0, errLong
		}
		return length, nil
	}
	if len(buf) >= c.MaxPackage() {
		return 0, errLong
	}
	if s == nil {
		s = &searched{}
		c.SetState(s)
	}
	s.upTo = len(buf)
	return 0, nil
}

// Decode returns the line as bytes; see DecodeBytes.
func (p text) Decode(frame []byte, c protocol.Conn) (any, error) {
	return p.DecodeBytes(frame, c)
}

// DecodeBytes strips all carriage returns and line feeds at the end, and no
// other white space (trap T48).
func (text) DecodeBytes(frame []byte, _ protocol.Conn) ([]byte, error) {
	end := len(frame)
	for end > 0 && (frame[end-1] == '\n' || frame[end-1] == '\r') {
		end--
	}
	return frame[:end], nil
}

// Encode appends v as protocol.AppendText prints it, and a line feed.
func (text) Encode(dst []byte, v any, _ protocol.Conn) ([]byte, error) {
	dst, err := protocol.AppendText(dst, v)
	if err != nil {
		return dst, err
	}
	return append(dst, '\n'), nil
}

// EncodeBytes appends p and a line feed.
func (text) EncodeBytes(dst, p []byte, _ protocol.Conn) ([]byte, error) {
	return append(append(dst, p...), '\n'), nil
}

// Class is the same for all: the bytes depend on the message alone.
func (text) Class(protocol.Conn) int { return 1 }
