package phpserialize

import "strconv"

// Key is a key of an Array: an int, or a string that is not the decimal form of one.
// Keys can be compared with ==. The zero Key is the int 0.
type Key struct {
	text   string
	num    int64
	isText bool
}

// IntKey is the key n.
func IntKey(n int64) Key { return Key{num: n} }

// KeyOf is the key that PHP makes of s: an int when s is a decimal int64 in its
// shortest form ("7", "-3", not "07", "-0" or "+1"), else the string (wire.md 5.3).
func KeyOf(s string) Key {
	if n, ok := canonicalInt(s); ok {
		return Key{num: n}
	}
	return Key{text: s, isText: true}
}

// IsInt says that the key is an int.
func (k Key) IsInt() bool { return !k.isText }

// Int is the int of an int key, and 0 for others.
func (k Key) Int() int64 { return k.num }

// String is the key as text: "7" for the int 7.
func (k Key) String() string {
	if k.isText {
		return k.text
	}
	return strconv.FormatInt(k.num, 10)
}

// canonicalInt is the int whose shortest decimal form is s.
func canonicalInt(s string) (int64, bool) {
	digits := s
	if len(s) > 1 && s[0] == '-' && s[1] != '0' {
		digits = s[1:]
	}
	if digits == "" || len(digits) > 19 || digits[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
