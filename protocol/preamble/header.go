package preamble

import (
	"net/netip"
	"strings"
)

// The first bytes of a header. The space behind PROXY is not of the five bytes
// that the specification tells the versions apart by, but it must follow, and
// without it every protocol with a command PROXYLIST would be taken for one.
const (
	signature1 = "PROXY "
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"
)

// Header reads the header of the PROXY protocol, version 1 or 2, in which a
// load balancer says who the client is (haproxy doc/proxy-protocol.txt; users.md
// need 25). The zero value is ready. The header may be absent: bytes that cannot
// begin one end the preamble with nothing consumed. One that begins and is not
// exactly as specified is an error.
//
// Whoever may send a header may claim any address: give a Header only to
// connections of trusted networks, and see Looks for the others. A Header waits
// for at most 107 bytes of version 1 and 16 + 4096 of version 2.
type Header struct {
	// Source is the client, Destination where it connected to. Valid when
	// Present and not Local. An IPv4 address mapped into IPv6 is given as IPv4.
	Source, Destination netip.AddrPort
	// Present says that there was a header.
	Present bool
	// Local says that the addresses are those of the connection: a health check
	// of the balancer (LOCAL), or a client whose address is UNKNOWN,
	// unspecified or that of a Unix socket.
	Local bool
	// Authority is the host name that the client asked for, mostly in its TLS
	// handshake (PP2_TYPE_AUTHORITY); valid UTF-8 and not checked any further.
	// Empty when the header does not say; version 1 never does.
	Authority string
}

// Start returns nil: the peer speaks first.
func (h *Header) Start() []byte { return nil }

// Feed reads the header and is done with its last byte; see Preamble. The
// fields are set when it is done.
func (h *Header) Feed(buf []byte) (n int, reply []byte, done bool, err error) {
	switch {
	case begins(buf, signature1):
		n, err = h.version1(buf)
	case begins(buf, signature2):
		n, err = h.version2(buf)
	default:
		_, maybe := Looks(buf)
		return 0, nil, !maybe, nil
	}
	return n, nil, n > 0, err
}

// Looks says whether the first bytes of a connection begin like a PROXY header,
// for peers that are not trusted and must not have a say about their address.
// maybe: too few bytes to tell, which is so for nothing, for "P" and for a line
// end.
func Looks(buf []byte) (yes, maybe bool) {
	for _, signature := range []string{signature1, signature2} {
		yes = yes || begins(buf, signature)
		maybe = maybe || len(buf) < len(signature) && strings.HasPrefix(signature, string(buf))
	}
	return yes, maybe
}

func begins(buf []byte, signature string) bool {
	return len(buf) >= len(signature) && string(buf[:len(signature)]) == signature
}
