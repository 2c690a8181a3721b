package worker

import (
	"net/netip"
	"strconv"

	"github.com/workerman-go/wm/protocol"
)

// accessTime is the time in a line of the combined format.
const accessTime = "02/Jan/2006:15:04:05 -0700"

// appendAccess appends a line of the combined format:
//
//	192.0.2.1 - - [31/Jan/2025:12:00:00 +0100] "GET / HTTP/1.1" 200 5 "-" "curl/8"
func appendAccess(dst []byte, ip netip.Addr, stamp []byte, a protocol.Answer) []byte {
	if ip.IsValid() {
		dst = ip.AppendTo(dst)
	} else {
		dst = append(dst, '-')
	}
	dst = append(dst, " - - ["...)
	dst = append(dst, stamp...)
	dst = append(dst, "] "...)
	dst = append(appendQuoted(dst, a.Request), ' ')
	if a.Status < 100 { // the connection was cut off instead
		dst = append(dst, "000"...)
	} else {
		dst = strconv.AppendInt(dst, int64(a.Status), 10)
	}
	dst = append(dst, ' ')
	if a.Bytes < 0 {
		dst = append(dst, '-')
	} else {
		dst = strconv.AppendInt(dst, a.Bytes, 10)
	}
	dst = append(appendQuoted(append(dst, ' '), a.Referer), ' ')
	return append(appendQuoted(dst, a.Agent), '\n')
}

// appendQuoted appends what a client said as nginx does: nothing of it can end
// the quotes or the line, and a reader can tell what it was.
func appendQuoted(dst, said []byte) []byte {
	const digits = "0123456789ABCDEF"
	dst = append(dst, '"')
	if len(said) == 0 {
		dst = append(dst, '-')
	}
	for _, b := range said {
		if b < ' ' || b > '~' || b == '"' || b == '\\' {
			dst = append(dst, '\\', 'x', digits[b>>4], digits[b&15])
		} else {
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}
