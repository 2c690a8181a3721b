package preamble

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"unicode/utf8"
)

const (
	fixedBytes = 16 // signature, version and command, family and transport, length
	// maxBlockBytes bounds the addresses and TLVs behind them. Their length may
	// say 65535; what senders write stays well below 4 KiB.
	maxBlockBytes = 4 << 10
	tlvBytes      = 3 // type and length
)

// The values of section 2.2 that are looked at.
const (
	commandLocal = 0
	commandProxy = 1

	familyUnspec = 0
	familyInet   = 1
	familyInet6  = 2
	familyUnix   = 3

	transportUnspec = 0
	transportDgram  = 2

	typeAuthority = 0x02
	typeCRC32C    = 0x03
)

// addressBytes is what the addresses and ports of a family take.
var addressBytes = [...]int{familyUnspec: 0, familyInet: 12, familyInet6: 36, familyUnix: 216}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errVersion   = errors.New("proxy header: version other than 2 behind the signature")
	errCommand   = errors.New("proxy header: unknown command")
	errBlock     = errors.New("proxy header: more than 4096 bytes of addresses and TLVs")
	errFamily    = errors.New("proxy header: unknown address family or transport")
	errShort     = errors.New("proxy header: length below that of the addresses")
	errTLV       = errors.New("proxy header: TLV beyond the end")
	errAuthority = errors.New("proxy header: host name is not UTF-8")
	errChecksum  = errors.New("proxy header: checksum differs")
)

// version2 reads the binary header (section 2.2) and returns its length; 0 while
// it has not come as a whole.
func (h *Header) version2(buf []byte) (int, error) {
	if len(buf) < fixedBytes {
		return 0, nil
	}
	length := fixedBytes + int(binary.BigEndian.Uint16(buf[fixedBytes-2:]))
	if err := checkFixed(buf, length); err != nil {
		return 0, err
	}
	if len(buf) < length {
		return 0, nil
	}
	parsed, err := parseBlock(buf[:length])
	if err != nil {
		return 0, err
	}
	*h = parsed
	return length, nil
}

// checkFixed judges the first 16 bytes, before anything is waited for.
func checkFixed(buf []byte, length int) error {
	version, command := buf[12]>>4, buf[12]&0xf
	family, transport := buf[13]>>4, buf[13]&0xf
	switch {
	case version != 2:
		return errVersion
	case command > commandProxy:
		return errCommand
	case length > fixedBytes+maxBlockBytes:
		return errBlock
	case command == commandLocal: // everything behind it is to be discarded
		return nil
	case family > familyUnix || transport > transportDgram:
		return errFamily
	case length < fixedBytes+addressBytes[family]:
		return errShort
	}
	return nil
}

// parseBlock reads a complete header that checkFixed has let pass.
func parseBlock(header []byte) (Header, error) {
	if header[12]&0xf == commandLocal {
		return Header{Present: true, Local: true}, nil
	}
	family, transport := header[13]>>4, header[13]&0xf
	parsed := Header{Present: true}
	addresses := header[fixedBytes:]
	switch {
	case transport == transportUnspec || family == familyUnspec || family == familyUnix:
		parsed.Local = true
	case family == familyInet:
		parsed.Source, parsed.Destination = readEnds(addresses, 4)
	case family == familyInet6:
		parsed.Source, parsed.Destination = readEnds(addresses, 16)
	}
	return parsed, parsed.readTLVs(header, fixedBytes+addressBytes[family])
}

// readEnds reads two addresses of size bytes and then their two ports.
func readEnds(b []byte, size int) (source, destination netip.AddrPort) {
	from, _ := netip.AddrFromSlice(b[:size])
	to, _ := netip.AddrFromSlice(b[size : 2*size])
	ports := b[2*size:]
	return netip.AddrPortFrom(from.Unmap(), binary.BigEndian.Uint16(ports)),
		netip.AddrPortFrom(to.Unmap(), binary.BigEndian.Uint16(ports[2:]))
}

// readTLVs reads what follows the addresses at offset at. Types that say nothing
// to a server are skipped.
func (h *Header) readTLVs(header []byte, at int) error {
	for at < len(header) {
		if len(header)-at < tlvBytes {
			return errTLV
		}
		kind := header[at]
		value := at + tlvBytes
		at = value + int(binary.BigEndian.Uint16(header[value-2:]))
		if at > len(header) {
			return errTLV
		}
		switch kind {
		case typeAuthority:
			if !utf8.Valid(header[value:at]) {
				return errAuthority
			}
			h.Authority = string(header[value:at])
		case typeCRC32C:
			if !checksumHolds(header, value, at) {
				return errChecksum
			}
		}
	}
	return nil
}

// checksumHolds computes the CRC32C of the header as if the checksum in it, from
// value to end, were zero (section 2.2.3).
func checksumHolds(header []byte, value, end int) bool {
	if end-value != crc32.Size {
		return false
	}
	sum := crc32.Update(0, castagnoli, header[:value])
	sum = crc32.Update(sum, castagnoli, make([]byte, crc32.Size))
	sum = crc32.Update(sum, castagnoli, header[end:])
	return sum == binary.BigEndian.Uint32(header[value:])
}
