package phpserialize

import (
	"bytes"
	"math"
	"strconv"
)

// appendDigits appends a float as PHP does with serialize_precision -1, the default
// since 7.1: the fewest digits that mean it, plain from 1e-4 up to 1e17 (wire.md 5.2).
func appendDigits(dst []byte, f float64, exponentLetter byte) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NAN"...)
	case math.IsInf(f, 1):
		return append(dst, "INF"...)
	case math.IsInf(f, -1):
		return append(dst, "-INF"...)
	}
	if abs := math.Abs(f); abs == 0 || abs >= 1e-4 && abs < 1e17 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	var room [32]byte
	text := strconv.AppendFloat(room[:0], f, 'e', -1, 64)
	mantissa, exponent, _ := bytes.Cut(text, []byte{'e'})
	dst = append(dst, mantissa...)
	if !bytes.Contains(mantissa, []byte{'.'}) {
		dst = append(dst, ".0"...)
	}
	dst = append(dst, exponentLetter, exponent[0])
	return append(dst, bytes.TrimLeft(exponent[1:], "0")...)
}
