package jsonint

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/workerman-go/wm/protocol"
)

// headerBytes is the size of the length in front of the JSON.
const headerBytes = 4

var (
	errShort = fmt.Errorf("jsonint: length below that of the header: %w", protocol.ErrBad)
	errLong  = fmt.Errorf("jsonint: length above the maximum package size: %w", protocol.ErrBad)
	errHuge  = errors.New("jsonint: message above 4 GiB")
)

// Protocol is the length of the whole frame, header included (trap T57), as a
// 32-bit integer in network byte order, and JSON; every message is a T
// (features.md 24.3).
type Protocol[T any] struct{}

// Input returns the length that the header says, and 0 as long as the header is
// not complete. A length below 4 would cut frames inside the header, or never
// end (trap T46).
func (Protocol[T]) Input(buf []byte, c protocol.Conn) (int, error) {
	if len(buf) < headerBytes {
		return 0, nil
	}
	length := int64(binary.BigEndian.Uint32(buf))
	switch {
	case length < headerBytes:
		return 0, errShort
	case length > int64(c.MaxPackage()):
		return 0, errLong
	}
	return int(length), nil
}

// Decode parses what follows the header. Bad JSON closes the connection.
func (Protocol[T]) Decode(frame []byte, _ protocol.Conn) (any, error) {
	var v T
	if err := json.Unmarshal(frame[headerBytes:], &v); err != nil {
		return nil, fmt.Errorf("jsonint: %w: %w", protocol.ErrBad, err)
	}
	return v, nil
}

// Encode appends the length and v as JSON.
func (Protocol[T]) Encode(dst []byte, v any, _ protocol.Conn) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return dst, fmt.Errorf("jsonint: %w", err)
	}
	if len(body) > math.MaxUint32-headerBytes {
		return dst, errHuge
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(headerBytes+len(body)))
	return append(dst, body...), nil
}
