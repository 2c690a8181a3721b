package preamble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// The bytes of RFC 1928 and, for the password, RFC 1929.
const (
	socksVersion    = 5
	passwordVersion = 1

	methodNone     = 0x00
	methodPassword = 0x02
	methodRefused  = 0xff

	socksConnect = 1

	typeIPv4 = 1
	typeName = 3
	typeIPv6 = 4

	maxSocksField = 255 // a byte counts it
)

// refusals are the codes of RFC 1928 section 6, as the author reads them.
var refusals = map[byte]string{
	1: "general failure",
	2: "connection not allowed by its rules",
	3: "network unreachable",
	4: "host unreachable",
	5: "connection refused",
	6: "time to live expired",
	7: "command not supported",
	8: "address type not supported",
}

var (
	errSocksHost    = errors.New("socks5 proxy: host of no or more than 255 bytes, or with a zone")
	errSocksUser    = errors.New("socks5 proxy: user or password of more than 255 bytes")
	errSocksAnswer  = errors.New("socks5 proxy: the answer is not SOCKS5")
	errSocksWants   = errors.New("socks5 proxy: wants a user and password")
	errSocksMethod  = errors.New("socks5 proxy: wants an authentication that was not offered")
	errSocksRefused = errors.New("socks5 proxy: user or password refused")
	errSocksAddress = errors.New("socks5 proxy: unknown type of address in the answer")
)

// SOCKS5 asks a SOCKS5 proxy for a connection to port of host (RFC 1928;
// features.md 19.15). An IP address is sent as such, every other host as a name
// that the proxy resolves. A user that is not empty is offered as user and
// password (RFC 1929) beside no authentication, and the proxy chooses. What the
// fields cannot hold is told by Err. It never waits for more than 262 bytes. Its
// errors are sentences for OnError: "socks5 proxy: host unreachable".
func SOCKS5(host string, port uint16, user, password string) Preamble {
	request, err := socksRequest(host, port)
	if err != nil {
		return unaskable{err}
	}
	if len(user) > maxSocksField || len(password) > maxSocksField {
		return unaskable{errSocksUser}
	}
	s := &socksClient{request: request, step: (*socksClient).method}
	if user != "" {
		s.login = append(s.login, passwordVersion, byte(len(user)))
		s.login = append(append(s.login, user...), byte(len(password)))
		s.login = append(s.login, password...)
	}
	return s
}

// socksRequest is the CONNECT request of RFC 1928 section 4.
func socksRequest(host string, port uint16) ([]byte, error) {
	request := []byte{socksVersion, socksConnect, 0}
	ip, err := netip.ParseAddr(host)
	ip = ip.Unmap()
	switch {
	case len(host) == 0 || len(host) > maxSocksField || ip.Zone() != "":
		return nil, errSocksHost
	case err != nil:
		request = append(append(request, typeName, byte(len(host))), host...)
	case ip.Is4():
		request = append(append(request, typeIPv4), ip.AsSlice()...)
	default:
		request = append(append(request, typeIPv6), ip.AsSlice()...)
	}
	return binary.BigEndian.AppendUint16(request, port), nil
}

// socksClient is this side of one negotiation.
type socksClient struct {
	login   []byte // user and password as they go over the wire; nil for none
	request []byte
	// step reads the answer that is due and sets the next step, nil at the end.
	// It returns 0 while the answer is not complete.
	step func(s *socksClient, buf []byte) (n int, reply []byte, err error)
}

// Start offers the ways to authenticate (RFC 1928 section 3).
func (s *socksClient) Start() []byte {
	if s.login == nil {
		return []byte{socksVersion, 1, methodNone}
	}
	return []byte{socksVersion, 2, methodNone, methodPassword}
}

// Feed takes one answer after the other; see Preamble.
func (s *socksClient) Feed(buf []byte) (n int, reply []byte, done bool, err error) {
	for s.step != nil && n < len(buf) {
		used, more, err := s.step(s, buf[n:])
		if err != nil {
			return 0, nil, false, err
		}
		if used == 0 {
			break
		}
		n += used
		reply = append(reply, more...)
	}
	return n, reply, s.step == nil, nil
}

// method reads which of the offered ways the proxy has chosen.
func (s *socksClient) method(buf []byte) (n int, reply []byte, err error) {
	if buf[0] != socksVersion {
		return 0, nil, errSocksAnswer
	}
	if len(buf) < 2 {
		return 0, nil, nil
	}
	switch chosen := buf[1]; {
	case chosen == methodNone:
		s.step = (*socksClient).answer
		return 2, s.request, nil
	case chosen == methodPassword && s.login != nil:
		s.step = (*socksClient).verdict
		return 2, s.login, nil
	case chosen == methodRefused && s.login == nil:
		return 0, nil, errSocksWants
	}
	return 0, nil, errSocksMethod
}

// verdict reads what became of the user and password (RFC 1929 section 2).
func (s *socksClient) verdict(buf []byte) (n int, reply []byte, err error) {
	if buf[0] != passwordVersion {
		return 0, nil, errSocksAnswer
	}
	if len(buf) < 2 {
		return 0, nil, nil
	}
	if buf[1] != 0 {
		return 0, nil, errSocksRefused
	}
	s.step = (*socksClient).answer
	return 2, s.request, nil
}

// answer reads the reply to the request (RFC 1928 section 6). The code is judged
// before the address has come: proxies that refuse may leave it out. The address
// is that of the proxy's own socket, of no use here.
func (s *socksClient) answer(buf []byte) (n int, reply []byte, err error) {
	if buf[0] != socksVersion {
		return 0, nil, errSocksAnswer
	}
	if len(buf) >= 2 && buf[1] != 0 {
		return 0, nil, refusal(buf[1])
	}
	if len(buf) < 5 { // up to the first byte of the address
		return 0, nil, nil
	}
	length := 4 + 2 // what stands before the address, and the port
	switch buf[3] {
	case typeIPv4:
		length += 4
	case typeIPv6:
		length += 16
	case typeName:
		length += 1 + int(buf[4])
	default:
		return 0, nil, errSocksAddress
	}
	if len(buf) < length {
		return 0, nil, nil
	}
	s.step = nil
	return length, nil, nil
}

func refusal(code byte) error {
	if why, known := refusals[code]; known {
		return errors.New("socks5 proxy: " + why)
	}
	return fmt.Errorf("socks5 proxy: refused with code %d", code)
}
