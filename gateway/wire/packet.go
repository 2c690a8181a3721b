package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// HeaderBytes is the length of a packet without ext data and body.
	HeaderBytes = 28
	// MaxPacketBytes is the longest packet that a PHP peer takes: it ends the
	// link for a longer one (wire.md 2.2).
	MaxPacketBytes = 10485760
)

// What is wrong with a packet. Nothing behind it can be read: the connection ends.
var (
	// ErrShort is returned for a length that has no room for the header.
	ErrShort = errors.New("wire: length below that of the header")
	// ErrLong is returned for a length above what the connection takes.
	ErrLong = errors.New("wire: packet above the maximum package size")
	// ErrExt is returned for ext data that does not fit.
	ErrExt = errors.New("wire: ext data longer than the packet, or shorter than an address")
)

// Packet is what travels. Parse leaves Ext and Body in the bytes it was given.
type Packet struct {
	Command      Command
	Flag         Flag
	LocalIP      uint32 // LanIP of the Gateway
	LocalPort    uint16 // its inner port
	ClientIP     uint32 // 0 for IPv6
	ClientPort   uint16
	ConnectionID uint32
	GatewayPort  uint16          // the port that clients connect to
	ClientIPv6   [addrBytes]byte // where Flag has IPv6; it travels in front of Ext
	Ext, Body    []byte
}

// Len is the number of bytes that Append appends.
func (p *Packet) Len() int { return HeaderBytes + p.extLen() + len(p.Body) }

// Append appends the packet as it goes over the wire. The sender looks at Len before:
// nothing here refuses more than MaxPacketBytes.
func (p *Packet) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(p.Len()))
	dst = append(dst, byte(p.Command))
	dst = binary.BigEndian.AppendUint32(dst, p.LocalIP)
	dst = binary.BigEndian.AppendUint16(dst, p.LocalPort)
	dst = binary.BigEndian.AppendUint32(dst, p.ClientIP)
	dst = binary.BigEndian.AppendUint16(dst, p.ClientPort)
	dst = binary.BigEndian.AppendUint32(dst, p.ConnectionID)
	dst = append(dst, byte(p.Flag))
	dst = binary.BigEndian.AppendUint16(dst, p.GatewayPort)
	dst = binary.BigEndian.AppendUint32(dst, uint32(p.extLen()))
	if p.Flag&IPv6 != 0 {
		dst = append(dst, p.ClientIPv6[:]...)
	}
	dst = append(dst, p.Ext...)
	return append(dst, p.Body...)
}

// Length returns the length in bytes of the packet at the beginning of buf, and 0 when
// that cannot be told yet. The errors are ErrShort, and ErrLong above maxBytes.
func Length(buf []byte, maxBytes int) (int, error) {
	if len(buf) < 4 {
		return 0, nil
	}
	n := int64(binary.BigEndian.Uint32(buf))
	switch {
	case n < HeaderBytes:
		return 0, fmt.Errorf("%w: %d bytes", ErrShort, n)
	case n > int64(maxBytes):
		return 0, fmt.Errorf("%w: %d bytes, at most %d", ErrLong, n, maxBytes)
	}
	return int(n), nil
}

// Parse reads one whole packet, as long as Length says. Its Ext and Body lie in frame:
// who keeps them copies. The errors are ErrShort and ErrExt.
func Parse(frame []byte) (Packet, error) {
	var p Packet
	if len(frame) < HeaderBytes {
		return p, ErrShort
	}
	p = Packet{
		Command:      Command(frame[4]),
		LocalIP:      binary.BigEndian.Uint32(frame[5:]),
		LocalPort:    binary.BigEndian.Uint16(frame[9:]),
		ClientIP:     binary.BigEndian.Uint32(frame[11:]),
		ClientPort:   binary.BigEndian.Uint16(frame[15:]),
		ConnectionID: binary.BigEndian.Uint32(frame[17:]),
		Flag:         Flag(frame[21]),
		GatewayPort:  binary.BigEndian.Uint16(frame[22:]),
	}
	ext := int64(binary.BigEndian.Uint32(frame[24:]))
	if ext > int64(len(frame)-HeaderBytes) {
		return p, fmt.Errorf("%w: %d bytes of %d", ErrExt, ext, len(frame)-HeaderBytes)
	}
	p.Ext = frame[HeaderBytes : HeaderBytes+ext]
	p.Body = frame[HeaderBytes+ext:]
	if p.Flag&IPv6 == 0 {
		return p, nil
	}
	if ext < addrBytes {
		return p, fmt.Errorf("%w: %d bytes with an IPv6 address", ErrExt, ext)
	}
	p.ClientIPv6 = [addrBytes]byte(p.Ext)
	p.Ext = p.Ext[addrBytes:]
	return p, nil
}

// AppendReply appends an answer: its length and a serialised value (wire.md 2.8).
func AppendReply(dst, value []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	return append(dst, value...)
}
