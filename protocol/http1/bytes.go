package http1

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

const (
	digitBytes  = "0123456789"
	letterBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

var (
	// tokenBytes are those of RFC 9110 section 5.6.2: a header name has no others.
	tokenBytes = setOf("!#$%&'*+-.^_`|~" + digitBytes + letterBytes)
	// hostBytes are those of names and of addresses of IPv4. RFC 3986 has more,
	// but no name in the DNS has them, and "user@host" or "a,b" is a trap.
	hostBytes = setOf("-._~" + digitBytes + letterBytes)
)

func setOf(members string) (set [256]bool) {
	for i := range len(members) {
		set[members[i]] = true
	}
	return set
}

// tokenLength counts the token bytes at the beginning of b.
func tokenLength[T string | []byte](b T) int {
	n := 0
	for n < len(b) && tokenBytes[b[n]] {
		n++
	}
	return n
}

// trimmed is what lies behind from in line, without blanks around it.
func trimmed(line []byte, from int) span {
	to := len(line)
	for from < to && (line[from] == ' ' || line[from] == '\t') {
		from++
	}
	for to > from && (line[to-1] == ' ' || line[to-1] == '\t') {
		to--
	}
	return span{from, to}
}

// printable tells whether b, a header value, has no control bytes but tabs.
func printable(b []byte) bool { return textLength(b) == len(b) }

// textLength counts the bytes in front of the first control byte that is no tab.
func textLength(b []byte) int {
	n := 0
	for n < len(b) {
		if len(b)-n >= 8 {
			found := controls(binary.LittleEndian.Uint64(b[n:]))
			if found == 0 {
				n += 8
				continue
			}
			n += bits.TrailingZeros64(found) / 8
		}
		if c := b[n]; c < ' ' && c != '\t' || c == 0x7f {
			break
		}
		n++
	}
	return n
}

// controls looks at eight bytes at once for those below 0x20 or equal to 0x7f.
// The lowest bit that is set is in the first of them.
func controls(word uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	del := word ^ ones*0x7f
	return ((word-ones*' ')&^word | (del-ones)&^del) & tops
}

// visible tells whether b, a request target, has no blanks and no control
// bytes; UTF-8 is tolerated (features.md 25.6).
func visible(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

func digits[T string | []byte](b T) bool {
	for i := range len(b) {
		if c := b[i]; c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// hasToken looks for a word, in any case, in a list separated by commas.
func hasToken(list []byte, word string) bool {
	for rest, more := list, true; more; {
		list, rest, more = bytes.Cut(rest, []byte{','})
		if fold(trimmed(list, 0).of(list), word) {
			return true
		}
	}
	return false
}

// fold compares without regard to the case of ASCII letters.
func fold[T string | []byte](a T, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
