package wire

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// What is wrong with ext data, and with the body of who connects.
var (
	// ErrJSON is returned for bytes that are not the JSON which the command takes.
	ErrJSON = errors.New("wire: not the JSON of this command")
	// ErrUTF8 is returned for a uid, a group or a key that JSON cannot carry.
	ErrUTF8 = errors.New("wire: not UTF-8")
)

// reader reads the little JSON of this protocol as PHP's json_decode does, and
// nothing that PHP would refuse: encoding/json takes half surrogates and bytes that
// are not UTF-8 for U+FFFD, which would be another uid.
type reader struct {
	b []byte
	i int
}

func (r *reader) fail(want string) error {
	return fmt.Errorf("%w: %s expected at byte %d", ErrJSON, want, r.i)
}

// next returns the byte that comes after white space, 0 at the end.
func (r *reader) next() byte {
	for r.i < len(r.b) {
		switch c := r.b[r.i]; c {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return c
		}
	}
	return 0
}

// took takes c if it comes next.
func (r *reader) took(c byte) bool {
	if r.next() != c || r.i == len(r.b) {
		return false
	}
	r.i++
	return true
}

// null takes a null if it comes next.
func (r *reader) null() bool {
	if r.next() != 'n' || len(r.b)-r.i < 4 || string(r.b[r.i:r.i+4]) != "null" {
		return false
	}
	r.i += 4
	return true
}

// end refuses anything behind the value.
func (r *reader) end() error {
	if r.next(); r.i < len(r.b) {
		return r.fail("end")
	}
	return nil
}

// container calls element before each value of an object or a list, with its key:
// that of a list is the position, as in a PHP array.
func (r *reader) container(element func(key string) error) error {
	if r.took('[') {
		return r.elements(']', func(n int) error { return element(strconv.Itoa(n)) })
	}
	return r.object(element)
}

// object is container for an object, and for [], which is how PHP writes an empty
// one.
func (r *reader) object(element func(key string) error) error {
	if r.took('[') {
		return r.elements(']', func(int) error { return r.fail("object") })
	}
	if !r.took('{') {
		return r.fail("object")
	}
	return r.elements('}', func(int) error {
		key, err := r.text()
		if err != nil {
			return err
		}
		if !r.took(':') {
			return r.fail("colon")
		}
		return element(key)
	})
}

// elements calls one for each part up to end.
func (r *reader) elements(end byte, one func(n int) error) error {
	if r.took(end) {
		return nil
	}
	for n := 0; ; n++ {
		if err := one(n); err != nil {
			return err
		}
		if r.took(end) {
			return nil
		}
		if !r.took(',') {
			return r.fail("comma")
		}
	}
}

// scalar reads a string, or an integer as its digits.
func (r *reader) scalar() (string, error) {
	if r.next() == '"' {
		return r.text()
	}
	return r.integer()
}

// integer reads a number within 64 bits: PHP makes a float of a longer one.
func (r *reader) integer() (string, error) {
	r.next()
	start := r.i
	for r.i < len(r.b) && (r.b[r.i] == '-' || '0' <= r.b[r.i] && r.b[r.i] <= '9') {
		r.i++
	}
	digits := string(r.b[start:r.i])
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != digits {
		r.i = start
		return "", r.fail("string or integer")
	}
	return digits, nil
}

// text reads a string.
func (r *reader) text() (string, error) {
	if !r.took('"') {
		return "", r.fail("string")
	}
	start := r.i
	for r.i < len(r.b) && r.b[r.i] != '"' && r.b[r.i] != '\\' && r.b[r.i] >= ' ' {
		r.i++
	}
	got := r.b[start:r.i]
	if r.i < len(r.b) && r.b[r.i] == '\\' {
		var err error
		if got, err = r.escaped(append([]byte(nil), got...)); err != nil {
			return "", err
		}
	}
	if r.i == len(r.b) || r.b[r.i] != '"' {
		return "", r.fail("end of string")
	}
	if !utf8.Valid(got) {
		return "", fmt.Errorf("%w: string before byte %d", ErrUTF8, r.i)
	}
	r.i++
	return string(got), nil
}

// escaped goes on with a string from its first backslash.
func (r *reader) escaped(got []byte) ([]byte, error) {
	for r.i < len(r.b) && r.b[r.i] != '"' && r.b[r.i] >= ' ' {
		c := r.b[r.i]
		r.i++
		if c != '\\' {
			got = append(got, c)
			continue
		}
		if r.i == len(r.b) {
			break
		}
		c = r.b[r.i]
		r.i++
		switch c {
		case '"', '\\', '/':
			got = append(got, c)
		case 'b':
			got = append(got, '\b')
		case 'f':
			got = append(got, '\f')
		case 'n':
			got = append(got, '\n')
		case 'r':
			got = append(got, '\r')
		case 't':
			got = append(got, '\t')
		case 'u':
			char, err := r.unit()
			if err != nil {
				return nil, err
			}
			got = utf8.AppendRune(got, char)
		default:
			return nil, r.fail("escape")
		}
	}
	return got, nil
}

// unit reads what follows \u: one character, maybe in two halves.
func (r *reader) unit() (rune, error) {
	first, ok := r.hex()
	if !ok {
		return 0, r.fail("four hex digits")
	}
	if !utf16.IsSurrogate(first) {
		return first, nil
	}
	if len(r.b)-r.i < 2 || r.b[r.i] != '\\' || r.b[r.i+1] != 'u' {
		return 0, r.fail("second half of a character")
	}
	r.i += 2
	second, ok := r.hex()
	if !ok {
		return 0, r.fail("four hex digits")
	}
	char := utf16.DecodeRune(first, second)
	if char == utf8.RuneError {
		return 0, r.fail("second half of a character")
	}
	return char, nil
}

func (r *reader) hex() (rune, bool) {
	if len(r.b)-r.i < 4 {
		return 0, false
	}
	n := rune(0)
	for _, c := range r.b[r.i : r.i+4] {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	r.i += 4
	return n, true
}

// appendText appends s as PHP's json_encode writes it: slashes escaped, and nothing
// but ASCII. s must be UTF-8.
func appendText(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	unit := func(n rune) {
		dst = append(dst, '\\', 'u', digits[n>>12], digits[n>>8&15], digits[n>>4&15], digits[n&15])
	}
	dst = append(dst, '"')
	for _, char := range s {
		switch {
		case char == '"' || char == '\\' || char == '/':
			dst = append(dst, '\\', byte(char))
		case char == '\b':
			dst = append(dst, '\\', 'b')
		case char == '\f':
			dst = append(dst, '\\', 'f')
		case char == '\n':
			dst = append(dst, '\\', 'n')
		case char == '\r':
			dst = append(dst, '\\', 'r')
		case char == '\t':
			dst = append(dst, '\\', 't')
		case char < ' ':
			unit(char)
		case char < utf8.RuneSelf:
			dst = append(dst, byte(char))
		case char > 0xffff:
			high, low := utf16.EncodeRune(char)
			unit(high)
			unit(low)
		default:
			unit(char)
		}
	}
	return append(dst, '"')
}
