package websocket

import (
	"encoding/binary"
	"math"

	"github.com/workerman-go/wm/protocol"
)

// Encode appends v as protocol.AppendText prints it, in one text frame. Before
// the handshake the frame is held back until the connection is open.
func (p websocket) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	switch v := v.(type) {
	case []byte:
		return p.EncodeBytes(dst, v, c)
	case string:
		if _, open := c.State().(*session); open {
			return append(appendHeader(dst, opText, len(v)), v...), nil
		}
	}
	payload, err := protocol.AppendText(nil, v)
	if err != nil {
		return dst, err
	}
	return p.EncodeBytes(dst, payload, c)
}

// EncodeBytes appends p in one text frame.
func (websocket) EncodeBytes(dst, p []byte, c protocol.Conn) ([]byte, error) {
	if _, open := c.State().(*session); open {
		return append(appendHeader(dst, opText, len(p)), p...), nil
	}
	frame := append(appendHeader(nil, opText, len(p)), p...)
	return dst, openingOf(c).hold(frame, c.MaxPackage())
}

// appendHeader begins a frame of length bytes that is a whole message. Servers
// do not mask.
func appendHeader(dst []byte, op opcode, length int) []byte {
	first := bitFin | byte(op)
	switch {
	case length <= maxControl:
		return append(dst, first, byte(length))
	case length <= math.MaxUint16:
		dst = append(dst, first, length16)
		return binary.BigEndian.AppendUint16(dst, uint16(length))
	}
	dst = append(dst, first, length64)
	return binary.BigEndian.AppendUint64(dst, uint64(length))
}
