package wire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
)

// ClientID names a client of the cluster: the Gateway process that has it and the
// number of its connection there (wire.md 2.16).
type ClientID struct {
	IP         uint32 // LanIP of the Gateway
	Port       uint16 // its inner port
	Connection uint32
}

const clientIDBytes = 10

// String returns the 20 hex digits that apps and browsers see.
func (id ClientID) String() string {
	var b [clientIDBytes]byte
	binary.BigEndian.PutUint32(b[:], id.IP)
	binary.BigEndian.PutUint16(b[4:], id.Port)
	binary.BigEndian.PutUint32(b[6:], id.Connection)
	return hex.EncodeToString(b[:])
}

// Address returns the inner address of the Gateway, "127.0.0.1:2900".
func (id ClientID) Address() string {
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], id.IP)
	return netip.AddrPortFrom(netip.AddrFrom4(ip), id.Port).String()
}

// ParseClientID reads what String returns, in either case.
func ParseClientID(s string) (ClientID, error) {
	var b [clientIDBytes]byte
	if len(s) != hex.EncodedLen(clientIDBytes) {
		return ClientID{}, fmt.Errorf("wire: client id %q has not 20 digits", s)
	}
	if _, err := hex.Decode(b[:], []byte(s)); err != nil {
		return ClientID{}, fmt.Errorf("wire: client id %q: %w", s, err)
	}
	return ClientID{
		IP:         binary.BigEndian.Uint32(b[:]),
		Port:       binary.BigEndian.Uint16(b[4:]),
		Connection: binary.BigEndian.Uint32(b[6:]),
	}, nil
}
