// Package frame is the protocol of counted messages: four bytes of length,
// most significant first and counting themselves, and then the message, which
// may hold any bytes.
//
//	worker.New("frame://0.0.0.0:2349")
package frame

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/workerman-go/wm/protocol"
)

// Protocol reads and writes counted messages (features.md 32.5). It is what
// frame:// means; give it to SetProtocol to switch a connection to it.
var Protocol protocol.Protocol = frame{}

const headerBytes = 4

var (
	errShort = fmt.Errorf("frame: length below that of its own header: %w", protocol.ErrBad)
	errLong  = fmt.Errorf("frame: length above the maximum package size: %w", protocol.ErrBad)
	errHuge  = fmt.Errorf("frame: message too long for a length of %d bytes", headerBytes)
)

// frame implements protocol.Protocol, protocol.Bytes and protocol.Sharer.
type frame struct{}

// Input reads the length. One that does not even count itself is refused: it
// would stall the connection or cut later frames apart (trap T46).
func (frame) Input(buf []byte, c protocol.Conn) (int, error) {
	if len(buf) < headerBytes {
		return 0, nil
	}
	length := int64(binary.BigEndian.Uint32(buf))
	if length < headerBytes {
		return 0, errShort
	}
	if length > int64(c.MaxPackage()) {
		return 0, errLong
	}
	return int(length), nil
}

// Decode returns the message as bytes; see DecodeBytes.
func (p frame) Decode(frame []byte, c protocol.Conn) (any, error) {
	return p.DecodeBytes(frame, c)
}

// DecodeBytes returns what follows the length.
func (frame) DecodeBytes(frame []byte, _ protocol.Conn) ([]byte, error) {
	return frame[headerBytes:], nil
}

// Encode appends the length and v as protocol.AppendText prints it.
func (frame) Encode(dst []byte, v any, _ protocol.Conn) ([]byte, error) {
	start := len(dst)
	out, err := protocol.AppendText(append(dst, make([]byte, headerBytes)...), v)
	if err != nil {
		return dst, err
	}
	length := len(out) - start
	if length > math.MaxUint32 {
		return dst, errHuge
	}
	binary.BigEndian.PutUint32(out[start:], uint32(length))
	return out, nil
}

// EncodeBytes appends the length and p.
func (frame) EncodeBytes(dst, p []byte, _ protocol.Conn) ([]byte, error) {
	if len(p) > math.MaxUint32-headerBytes {
		return dst, errHuge
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(p)+headerBytes))
	return append(dst, p...), nil
}

// Class is the same for all: the bytes depend on the message alone.
func (frame) Class(protocol.Conn) int { return 1 }
