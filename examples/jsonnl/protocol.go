package jsonnl

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/workerman-go/wm/protocol"
)

var errLong = fmt.Errorf("jsonnl: line above the maximum package size: %w", protocol.ErrBad)

// Protocol is JSON with a line feed behind it; every message is a T
// (features.md 24.1).
type Protocol[T any] struct{}

// Input returns the length of the first line, line feed included, or 0 as long
// as it has not ended. It keeps how far it has searched, so that a long line in
// many pieces is searched once.
func (Protocol[T]) Input(buf []byte, c protocol.Conn) (int, error) {
	searched, _ := c.State().(int)
	at := bytes.IndexByte(buf[searched:], '\n')
	length := searched + at + 1
	switch {
	case at < 0 && len(buf) < c.MaxPackage():
		c.SetState(len(buf))
		return 0, nil
	case at < 0 || length > c.MaxPackage():
		return 0, errLong
	}
	c.SetState(0)
	return length, nil
}

// Decode parses the line. Bad JSON closes the connection.
func (Protocol[T]) Decode(frame []byte, _ protocol.Conn) (any, error) {
	var v T
	if err := json.Unmarshal(frame, &v); err != nil {
		return nil, fmt.Errorf("jsonnl: %w: %w", protocol.ErrBad, err)
	}
	return v, nil
}

// Encode appends v as JSON, which has no line feed inside, and a line feed.
func (Protocol[T]) Encode(dst []byte, v any, _ protocol.Conn) ([]byte, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return dst, fmt.Errorf("jsonnl: %w", err)
	}
	return append(append(dst, line...), '\n'), nil
}
