package http1

import (
	"math"
	"strings"
)

// verdict is what a Range header comes to.
type verdict uint8

const (
	rangeIgnored verdict = iota // the whole is sent
	rangeMet                    // 206
	rangeUnmet                  // 416
)

// byteRange reads the Range header of a request for something of size bytes,
// RFC 9110 section 14.1.2: one range, from a position on or from the end. Several
// are answered with the whole, as is what makes no sense; section 14.2 allows
// both. The whole of something empty is sent for any range that begins with it:
// 206 cannot say that there is nothing, and a client that always asks for a range
// has done nothing wrong.
func byteRange(value string, size int64) (offset, length int64, v verdict) {
	unit, set, found := strings.Cut(value, "=")
	if !found || !fold(strings.TrimSpace(unit), "bytes") {
		return 0, 0, rangeIgnored
	}
	first, last, found := strings.Cut(strings.Trim(set, " \t"), "-")
	switch {
	case !found:
		return 0, 0, rangeIgnored
	case first == "":
		return suffixRange(last, size)
	case !digits(first), last != "" && !digits(last):
		return 0, 0, rangeIgnored
	}
	offset, end := decimal(first), int64(math.MaxInt64)
	if last != "" {
		end = decimal(last)
	}
	switch {
	case end < offset, offset == 0 && size == 0:
		return 0, 0, rangeIgnored
	case offset >= size:
		return 0, 0, rangeUnmet
	}
	return offset, min(end, size-1) - offset + 1, rangeMet
}

// suffixRange is the last so many bytes.
func suffixRange(count string, size int64) (offset, length int64, v verdict) {
	if !digits(count) {
		return 0, 0, rangeIgnored
	}
	switch length = min(decimal(count), size); {
	case length > 0:
		return size - length, length, rangeMet
	case decimal(count) > 0:
		return 0, 0, rangeIgnored
	}
	return 0, 0, rangeUnmet
}

// decimal is a number of any length, bounded.
func decimal(s string) int64 {
	n := int64(0)
	for i := range len(s) {
		n = min(n*10+int64(s[i]-'0'), math.MaxInt64/16)
	}
	return n
}
