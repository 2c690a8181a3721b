package mytextprotocol

import (
	"bytes"
	"fmt"

	"github.com/workerman-go/wm/protocol"
)

// maxLine is the longest line in bytes. It is short enough to search the line
// from its beginning whenever a piece of it arrives.
const maxLine = 4 << 10

var errLong = fmt.Errorf("mytextprotocol: line too long: %w", protocol.ErrBad)

// Protocol is the smallest protocol there is: a message is a line
// (features.md 24.9).
type Protocol struct{}

// Input returns the length of the first line, line feed included, or 0 as long
// as it has not ended.
func (Protocol) Input(buf []byte, c protocol.Conn) (int, error) {
	limit := min(maxLine, c.MaxPackage())
	length := bytes.IndexByte(buf, '\n') + 1
	if length > limit || length == 0 && len(buf) >= limit {
		return 0, errLong
	}
	return length, nil
}

// Decode returns the line without the white space around it.
func (Protocol) Decode(frame []byte, _ protocol.Conn) (any, error) {
	return bytes.TrimSpace(frame), nil
}

// Encode appends v and a line feed.
func (Protocol) Encode(dst []byte, v any, _ protocol.Conn) ([]byte, error) {
	dst, err := protocol.AppendText(dst, v)
	if err != nil {
		return dst, err
	}
	return append(dst, '\n'), nil
}
