package phpserialize

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// FromJSON reads what json_decode(…, true) reads: objects and lists become Arrays in
// their order, an int that is too large a float64, and of equal keys the last value
// counts at the first place. Depth and number of values are those of Packets. The strings
// share memory with one copy of data. The errors are ErrJSON, ErrUTF8, ErrTooDeep and
// ErrTooMany.
func FromJSON[T ~string | ~[]byte](data T) (any, error) { return decodeJSON(string(data), 0) }

// decodeJSON reads a value that will lie at some depth.
func decodeJSON(data string, depth int) (any, error) {
	if !utf8.ValidString(data) {
		return nil, ErrUTF8
	}
	d := jsonDecoder{data: data, depth: depth}
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	if d.peek(); d.pos < len(data) {
		return nil, d.fail()
	}
	return v, nil
}

type jsonDecoder struct {
	data   string
	pos    int
	depth  int
	values int
}

func (d *jsonDecoder) fail() error { return fmt.Errorf("%w, at byte %d", ErrJSON, d.pos) }

// peek returns the first byte behind blanks, 0 at the end.
func (d *jsonDecoder) peek() byte {
	for ; d.pos < len(d.data); d.pos++ {
		if c := d.data[d.pos]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

// take skips blanks and then c, if it is there.
func (d *jsonDecoder) take(c byte) bool {
	if d.peek() != c || d.pos == len(d.data) {
		return false
	}
	d.pos++
	return true
}

func (d *jsonDecoder) value() (any, error) {
	if d.values++; d.values > Packets.Values {
		return nil, ErrTooMany
	}
	switch c := d.peek(); c {
	case '{', '[':
		return d.array(c)
	case '"':
		return boxed(d.text())
	case 't':
		return true, d.word("true")
	case 'f':
		return false, d.word("false")
	case 'n':
		return nil, d.word("null")
	}
	return d.number()
}

// word reads one of the names of JSON.
func (d *jsonDecoder) word(name string) error {
	if !strings.HasPrefix(d.data[d.pos:], name) {
		return d.fail()
	}
	d.pos += len(name)
	return nil
}

// array reads a list or an object.
func (d *jsonDecoder) array(open byte) (any, error) {
	d.pos++
	if d.depth++; d.depth > Packets.Depth {
		return nil, ErrTooDeep
	}
	end := open + 2 // the codes of both pairs of brackets are this far apart
	a := &Array{}
	for first := true; !d.take(end); first = false {
		if !first && !d.take(',') {
			return nil, d.fail()
		}
		k := IntKey(int64(len(a.vals)))
		if open == '{' {
			var err error
			if k, err = d.key(); err != nil {
				return nil, err
			}
		}
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		a.put(k, v)
	}
	d.depth--
	return a, nil
}

// key reads the name of a member and the colon.
func (d *jsonDecoder) key() (Key, error) {
	if d.peek() != '"' {
		return Key{}, d.fail()
	}
	name, err := d.text()
	if err == nil && !d.take(':') {
		err = d.fail()
	}
	return KeyOf(name), err
}

// number reads a number; -0 is the int 0, as in PHP.
func (d *jsonDecoder) number() (any, error) {
	start := d.pos
	for d.pos < len(d.data) && strings.IndexByte("+-.eE0123456789", d.data[d.pos]) >= 0 {
		d.pos++
	}
	text := d.data[start:d.pos]
	if !jsonNumber(text) {
		d.pos = start
		return nil, d.fail()
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range: an infinity, as in PHP
	return f, nil
}

// jsonNumber says that text is a number as JSON has them: no plus sign in front, no
// zeros, and digits on both sides of the point.
func jsonNumber(text string) bool {
	mantissa, _, _ := cutExponent(text)
	whole, fraction, point := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	if whole == "" || len(whole) > 1 && whole[0] == '0' || point && fraction == "" {
		return false
	}
	return !strings.HasPrefix(mantissa, "+") && allDigits(whole) && plainFloat(text)
}

// text reads a string.
func (d *jsonDecoder) text() (string, error) {
	d.pos++
	start := d.pos
	for ; d.pos < len(d.data); d.pos++ {
		switch c := d.data[d.pos]; {
		case c == '"':
			d.pos++
			return d.data[start : d.pos-1], nil
		case c == '\\':
			return d.escapedText(start)
		case c < ' ':
			return "", d.fail()
		}
	}
	return "", d.fail()
}

// escapedText reads on from the first backslash.
func (d *jsonDecoder) escapedText(start int) (string, error) {
	text := []byte(d.data[start:d.pos])
	for d.pos < len(d.data) {
		c := d.data[d.pos]
		if c < ' ' {
			break
		}
		d.pos++
		switch c {
		case '"':
			return string(text), nil
		case '\\':
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			text = utf8.AppendRune(text, r)
		default:
			text = append(text, c)
		}
	}
	return "", d.fail()
}

// escape reads what follows a backslash.
func (d *jsonDecoder) escape() (rune, error) {
	if d.pos == len(d.data) {
		return 0, d.fail()
	}
	c := d.data[d.pos]
	d.pos++
	if c == 'u' {
		return d.unicode()
	}
	for char, letter := range jsonEscapes {
		if letter == c && c != 0 {
			return rune(char), nil
		}
	}
	return 0, d.fail()
}

// unicode reads four hex digits, eight and \u for what UTF-16 has in two pieces.
func (d *jsonDecoder) unicode() (rune, error) {
	r, err := d.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if !strings.HasPrefix(d.data[d.pos:], `\u`) {
		return 0, d.fail()
	}
	d.pos += len(`\u`)
	low, err := d.hex()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, d.fail()
	}
	return r, nil
}

func (d *jsonDecoder) hex() (rune, error) {
	if len(d.data)-d.pos < 4 {
		return 0, d.fail()
	}
	code, err := strconv.ParseUint(d.data[d.pos:d.pos+4], 16, 16)
	if err != nil {
		return 0, d.fail()
	}
	d.pos += 4
	return rune(code), nil
}
