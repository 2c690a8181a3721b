package websocket

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/workerman-go/wm/protocol"
)

// Encode appends v as protocol.AppendText prints it, in one text frame. Before
// the handshake the frame is held back until the connection is open.
func (p *websocket) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	if v, ok := v.([]byte); ok {
		return p.EncodeBytes(dst, v, c)
	}
	payload, err := protocol.AppendText(nil, v)
	if err != nil {
		return dst, err
	}
	return p.EncodeBytes(dst, payload, c)
}

// EncodeBytes appends p in one text frame.
func (*websocket) EncodeBytes(dst, p []byte, c protocol.Conn) ([]byte, error) {
	if s, open := c.State().(*session); open && s.plain() { // the hot path
		return append(appendHeader(dst, bitFin|byte(opText), 0, len(p)), p...), nil
	}
	return appendMessage(dst, opText, p, c)
}

// EncodeBinary appends p in one binary frame.
func (*websocket) EncodeBinary(dst, p []byte, c protocol.Conn) ([]byte, error) {
	return appendMessage(dst, opBinary, p, c)
}

// plain says that messages go out as they are: not masked and not compressed.
func (s *session) plain() bool { return !s.dialled && s.extension == nil }

// appendMessage appends p in one frame. What is sent before the handshake is
// not compressed: nothing is agreed yet.
func appendMessage(dst []byte, op opcode, p []byte, c protocol.Conn) ([]byte, error) {
	s, open := c.State().(*session)
	if !open {
		o := openingOf(c) // who limits what is sent counts Held
		o.early = appendFrame(o.early, c.Dialled(), bitFin|byte(op), p)
		return dst, nil
	}
	if x := s.extension; x != nil && len(p) >= x.minSize {
		return x.appendCompressed(dst, s.dialled, op, p), nil
	}
	return appendFrame(dst, s.dialled, bitFin|byte(op), p), nil
}

// appendFrame appends one whole frame; first holds FIN, RSV and the opcode.
func appendFrame(dst []byte, masks bool, first byte, p []byte) []byte {
	if !masks {
		return append(appendHeader(dst, first, 0, len(p)), p...)
	}
	dst = appendHeader(dst, first, bitMask, len(p))
	key := maskKey()
	dst = binary.LittleEndian.AppendUint32(dst, key)
	dst = append(dst, p...)
	xor(dst[len(dst)-len(p):], key)
	return dst
}

// maskKey is new for every frame and cannot be foretold, RFC 6455 section 10.3:
// the generator is ChaCha8, seeded by the system.
func maskKey() uint32 { return rand.Uint32() }

// appendHeader begins a frame of length bytes; mask is bitMask or 0.
func appendHeader(dst []byte, first, mask byte, length int) []byte {
	switch {
	case length <= maxControl:
		return append(dst, first, mask|byte(length))
	case length <= math.MaxUint16:
		dst = append(dst, first, mask|length16)
		return binary.BigEndian.AppendUint16(dst, uint16(length))
	}
	dst = append(dst, first, mask|length64)
	return binary.BigEndian.AppendUint64(dst, uint64(length))
}
