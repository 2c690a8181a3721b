package wire

import (
	"fmt"

	"github.com/workerman-go/wm/protocol"
)

// Protocol cuts the bytes of a link into packets: messages are whole packets, for
// Parse, and what is sent is what Append has made.
var Protocol protocol.Protocol = packets{}

// packets implements protocol.Protocol and protocol.Bytes.
type packets struct{}

// Input returns the length of the first packet.
func (packets) Input(buf []byte, c protocol.Conn) (int, error) {
	n, err := Length(buf, c.MaxPackage())
	if err != nil {
		return 0, fmt.Errorf("%w: %w", err, protocol.ErrBad)
	}
	return n, nil
}

// Decode returns the packet as it is.
func (packets) Decode(frame []byte, _ protocol.Conn) (any, error) { return frame, nil }

// DecodeBytes returns the packet as it is.
func (packets) DecodeBytes(frame []byte, _ protocol.Conn) ([]byte, error) { return frame, nil }

// Encode appends what protocol.AppendText prints: a packet is bytes.
func (packets) Encode(dst []byte, v any, _ protocol.Conn) ([]byte, error) {
	return protocol.AppendText(dst, v)
}

// EncodeBytes appends p as it is.
func (packets) EncodeBytes(dst, p []byte, _ protocol.Conn) ([]byte, error) {
	return append(dst, p...), nil
}
