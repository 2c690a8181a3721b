package gateway

import (
	"encoding/binary"

	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/protocol"
)

// uplinkPackets is wire.Protocol for the end of a BusinessWorker: beside packets
// there may be answers to its own questions, of 2 and 4 bytes behind their length.
// No packet is that short, so that they cannot be taken for one.
type uplinkPackets struct{}

// The answers that a link expects, in PHP serialize.
const (
	answerOffline = "i:0;" // of IsOnline, for a client that is not there
	answerNobody  = "N;"   // of GetSessionByClientID, the same
)

// Input returns the length of the first packet or answer.
func (uplinkPackets) Input(buf []byte, c protocol.Conn) (int, error) {
	if len(buf) >= 4 {
		switch n := binary.BigEndian.Uint32(buf); n {
		case uint32(len(answerOffline)), uint32(len(answerNobody)):
			return 4 + int(n), nil
		}
	}
	return wire.Protocol.Input(buf, c)
}

// Decode returns the bytes as they are.
func (uplinkPackets) Decode(frame []byte, _ protocol.Conn) (any, error) { return frame, nil }

// DecodeBytes returns the bytes as they are.
func (uplinkPackets) DecodeBytes(frame []byte, _ protocol.Conn) ([]byte, error) {
	return frame, nil
}

// Encode appends what protocol.AppendText prints: packets are bytes.
func (uplinkPackets) Encode(dst []byte, v any, _ protocol.Conn) ([]byte, error) {
	return protocol.AppendText(dst, v)
}

// EncodeBytes appends p as it is.
func (uplinkPackets) EncodeBytes(dst, p []byte, _ protocol.Conn) ([]byte, error) {
	return append(dst, p...), nil
}

// Name is what connections shows.
func (uplinkPackets) Name() string { return linkProtocol }
