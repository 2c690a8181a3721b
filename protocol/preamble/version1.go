package preamble

import (
	"bytes"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// maxLineBytes is the longest line of version 1, line end included.
const maxLineBytes = 107

var (
	errLine    = errors.New("proxy header: line of more than 107 bytes")
	errLineEnd = errors.New("proxy header: line does not end in CR LF")
	errFields  = errors.New("proxy header: line is not PROXY TCP4|TCP6|UNKNOWN and four fields")
	errAddress = errors.New("proxy header: bad address")
	errPort    = errors.New("proxy header: bad port")
)

// version1 reads "PROXY TCP4 source destination port port\r\n" (section 2.1) and
// returns its length; 0 while the line end has not come.
func (h *Header) version1(buf []byte) (int, error) {
	end := bytes.IndexByte(buf[:min(len(buf), maxLineBytes)], '\n')
	if end < 0 && len(buf) < maxLineBytes {
		return 0, nil
	}
	if end < 0 {
		return 0, errLine
	}
	// A line that says UNKNOWN may hold anything, but must not swallow a line
	// of the protocol.
	line, complete := strings.CutSuffix(string(buf[:end]), "\r")
	if !complete {
		return 0, errLineEnd
	}
	parsed, err := parseLine(strings.TrimPrefix(line, signature1))
	if err != nil {
		return 0, err
	}
	*h = parsed
	return end + 1, nil
}

// parseLine reads what stands between "PROXY " and the line end.
func parseLine(line string) (Header, error) {
	family, rest, more := strings.Cut(line, " ")
	if family == "UNKNOWN" {
		return Header{Present: true, Local: true}, nil
	}
	fields := strings.Split(rest, " ")
	if !more || len(fields) != 4 || family != "TCP4" && family != "TCP6" {
		return Header{}, errFields
	}
	source, err := parseEnd(family, fields[0], fields[2])
	if err != nil {
		return Header{}, err
	}
	destination, err := parseEnd(family, fields[1], fields[3])
	if err != nil {
		return Header{}, err
	}
	return Header{Source: source, Destination: destination, Present: true}, nil
}

// parseEnd reads the address and port of one end. TCP6 may have a dotted tail:
// haproxy writes ::ffff:192.0.2.1 when the two ends are of different families.
func parseEnd(family, address, port string) (netip.AddrPort, error) {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Is4() != (family == "TCP4") || ip.Zone() != "" {
		return netip.AddrPort{}, errAddress
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || len(port) > 1 && port[0] == '0' {
		return netip.AddrPort{}, errPort
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)), nil
}
