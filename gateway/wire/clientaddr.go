package wire

import (
	"encoding/binary"
	"net/netip"
)

// addrBytes stand in front of the ext data where the IPv6 flag is set.
const addrBytes = 16

// ClientAddr returns the address of the client: 0.0.0.0 where a PHP Gateway could
// not say it, because it is IPv6.
func (p *Packet) ClientAddr() netip.Addr {
	if p.Flag&IPv6 != 0 {
		return netip.AddrFrom16(p.ClientIPv6)
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], p.ClientIP)
	return netip.AddrFrom4(b)
}

// SetClientAddr puts the address of a client in. wm says whether the peer is wm:
// another one is told of IPv4 alone, and of IPv6 that it is 0.0.0.0. An IPv4 address
// within IPv6 is IPv4.
func (p *Packet) SetClientAddr(a netip.Addr, wm bool) {
	p.ClientIP, p.ClientIPv6 = 0, [addrBytes]byte{}
	p.Flag &^= IPv6
	switch a = a.Unmap(); {
	case a.Is4():
		b := a.As4()
		p.ClientIP = binary.BigEndian.Uint32(b[:])
	case a.Is6() && wm:
		p.ClientIPv6 = a.As16()
		p.Flag |= IPv6
	}
}

// extLen is the length of the ext data as it goes over the wire.
func (p *Packet) extLen() int {
	if p.Flag&IPv6 != 0 {
		return addrBytes + len(p.Ext)
	}
	return len(p.Ext)
}
