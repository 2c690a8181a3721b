package protocol

import (
	"bytes"
	"math"
	"strconv"
)

// phpDigits is PHP's ini setting "precision", which the text of a float obeys.
const phpDigits = 14

// appendFloat prints f as PHP's echo does: at most 14 significant digits, and
// an exponent below 1e-4 and from 1e14 on. A float32, which PHP does not have,
// gets the fewest digits that mean it.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NAN"...)
	case math.IsInf(f, 1):
		return append(dst, "INF"...)
	case math.IsInf(f, -1):
		return append(dst, "-INF"...)
	}
	if math.Signbit(f) {
		dst = append(dst, '-')
		f = -f
	}
	digits, exponent := decimal(f, bits)
	if exponent < -4 || exponent >= phpDigits {
		return appendScientific(dst, digits, exponent)
	}
	return appendPlain(dst, digits, exponent)
}

// decimal returns the significant digits of f, which is not negative, and the
// power of ten of the first of them.
func decimal(f float64, bits int) (digits []byte, exponent int) {
	precision := phpDigits - 1
	if bits == 32 {
		precision = -1
	}
	text := strconv.AppendFloat(nil, f, 'e', precision, bits)
	mantissa, power, _ := bytes.Cut(text, []byte{'e'})
	exponent, _ = strconv.Atoi(string(power))
	digits = append(mantissa[:1], bytes.TrimPrefix(mantissa[1:], []byte{'.'})...)
	return append(digits[:1], bytes.TrimRight(digits[1:], "0")...), exponent
}

// appendScientific prints 1.0E+25: always a digit after the point and a sign.
func appendScientific(dst, digits []byte, exponent int) []byte {
	dst = append(dst, digits[0], '.')
	if len(digits) == 1 {
		dst = append(dst, '0')
	}
	dst = append(dst, digits[1:]...)
	dst = append(dst, 'E')
	if exponent > 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(exponent), 10)
}

// appendPlain prints digits with the point where exponent puts it.
func appendPlain(dst, digits []byte, exponent int) []byte {
	if exponent < 0 {
		dst = append(dst, "0."...)
		dst = append(dst, "0000"[:-exponent-1]...)
		return append(dst, digits...)
	}
	for i := 0; i <= exponent; i++ {
		if i < len(digits) {
			dst = append(dst, digits[i])
		} else {
			dst = append(dst, '0')
		}
	}
	if len(digits) > exponent+1 {
		dst = append(dst, '.')
		dst = append(dst, digits[exponent+1:]...)
	}
	return dst
}
