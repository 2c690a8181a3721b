package phpserialize

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// MarshalJSON is the Array as json_encode shows it with JSON_UNESCAPED_UNICODE.
func (a *Array) MarshalJSON() ([]byte, error) { return AppendJSON(nil, a) }

// AppendJSON appends v as json_encode shows it with JSON_UNESCAPED_UNICODE, which is
// what websocket clients get of an array (wire.md 2.3): a list is [], the empty Array
// too, and other Arrays {}; slashes are escaped, other characters as they are. Strings
// that are not UTF-8 (ErrUTF8), INF and NAN and PHP objects (ErrType) cannot be shown;
// dst then comes back as it was. What is not a value of the package comment goes through
// From.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	out, err := appendJSON(dst, v, 0)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func appendJSON(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return fmt.Append(dst, v), nil
	case int64:
		return fmt.Append(dst, v), nil
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return dst, fmt.Errorf("%w as JSON: %v", ErrType, v)
		}
		return appendDigits(dst, v, 'e'), nil
	case string:
		return appendJSONString(dst, v)
	case *Array:
		return appendJSONArray(dst, v, depth+1)
	case Opaque:
		return dst, fmt.Errorf("%w as JSON: the PHP object %s", ErrType, v.Class())
	}
	v, err := From(v)
	if err != nil {
		return dst, err
	}
	return appendJSON(dst, v, depth)
}

func appendJSONArray(dst []byte, a *Array, depth int) ([]byte, error) {
	if a == nil {
		return append(dst, "null"...), nil
	}
	if depth > Packets.Depth {
		return dst, ErrTooDeep
	}
	list := a.IsList()
	open, end := byte('{'), byte('}')
	if list {
		open, end = '[', ']'
	}
	dst = append(dst, open)
	first := true
	var err error
	for k, v := range a.All() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if !list {
			if dst, err = appendJSONString(dst, k.String()); err != nil {
				return dst, err
			}
			dst = append(dst, ':')
		}
		if dst, err = appendJSON(dst, v, depth); err != nil {
			return dst, err
		}
	}
	return append(dst, end), nil
}

// jsonEscapes are the letters behind a backslash.
var jsonEscapes = [utf8.RuneSelf]byte{
	'"': '"', '\\': '\\', '/': '/', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't',
}

const hexDigits = "0123456789abcdef"

func appendJSONString(dst []byte, s string) ([]byte, error) {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				return dst, ErrUTF8
			}
			if r == '\u2028' || r == '\u2029' { // end a line in old JavaScript
				dst = append(append(dst, s[done:i]...), `\u202`...)
				dst = append(dst, hexDigits[r&0xf])
				done = i + size
			}
			i += size
			continue
		}
		if c < ' ' || jsonEscapes[c] != 0 {
			dst = appendEscape(append(dst, s[done:i]...), c)
			done = i + 1
		}
		i++
	}
	return append(append(dst, s[done:]...), '"'), nil
}

func appendEscape(dst []byte, c byte) []byte {
	if letter := jsonEscapes[c]; letter != 0 {
		return append(dst, '\\', letter)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
