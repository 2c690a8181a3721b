package phpserialize

import (
	"strconv"
	"strings"
)

// scalar reads what is neither an array, an object nor a reference.
func (d *decoder) scalar(kind byte) (any, error) {
	switch kind {
	case 'N':
		return nil, d.expect("N;")
	case 'b':
		return d.boolean()
	case 'i':
		return boxed(d.integer())
	case 'd':
		return boxed(d.float())
	case 's', 'S':
		return boxed(d.text(kind))
	}
	return nil, d.fail(ErrSyntax)
}

// boxed keeps a failed value nil.
func boxed[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// expect reads exactly text.
func (d *decoder) expect(text string) error {
	if !strings.HasPrefix(d.data[d.pos:], text) {
		return d.fail(ErrSyntax)
	}
	d.pos += len(text)
	return nil
}

// until reads what comes before the next end, and the end.
func (d *decoder) until(end byte) (string, error) {
	n := strings.IndexByte(d.data[d.pos:], end)
	if n < 0 {
		return "", d.fail(ErrSyntax)
	}
	text := d.data[d.pos : d.pos+n]
	d.pos += n + 1
	return text, nil
}

func (d *decoder) boolean() (any, error) {
	if err := d.expect("b:1;"); err == nil {
		return true, nil
	}
	return false, d.expect("b:0;")
}

// integer reads i:<n>; with any sign and zeros in front, as PHP does, but nothing
// beyond an int64, which PHP would bend.
func (d *decoder) integer() (int64, error) {
	if err := d.expect("i:"); err != nil {
		return 0, err
	}
	at := d.pos
	text, err := d.until(';')
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64) // base 10: no underscores, no prefixes
	if err != nil {
		d.pos = at
		return 0, d.fail(ErrSyntax)
	}
	return n, nil
}

// float reads d:<f>; in every form that PHP reads.
func (d *decoder) float() (float64, error) {
	if err := d.expect("d:"); err != nil {
		return 0, err
	}
	at := d.pos
	text, err := d.until(';')
	if err != nil {
		return 0, err
	}
	if text != "NAN" && text != "INF" && text != "-INF" && !plainFloat(text) {
		d.pos = at
		return 0, d.fail(ErrSyntax)
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range: an infinity, as in PHP
	return f, nil
}

// plainFloat says that text is a decimal float without underscores, hex or names.
func plainFloat(text string) bool {
	mantissa, exponent, has := cutExponent(text)
	mantissa = unsigned(mantissa)
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return false
	}
	exponent = unsigned(exponent)
	return !has || exponent != "" && allDigits(exponent)
}

func cutExponent(text string) (mantissa, exponent string, has bool) {
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		return text[:i], text[i+1:], true
	}
	return text, "", false
}

func unsigned(text string) string {
	if text != "" && (text[0] == '-' || text[0] == '+') {
		return text[1:]
	}
	return text
}

func allDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// length reads a number without a sign, and what must follow.
func (d *decoder) length(then string) (int, error) {
	n := 0
	start := d.pos
	for d.pos < len(d.data) && d.data[d.pos] >= '0' && d.data[d.pos] <= '9' {
		if n = n*10 + int(d.data[d.pos]-'0'); n > len(d.data) {
			return 0, d.fail(ErrSyntax)
		}
		d.pos++
	}
	if d.pos == start {
		return 0, d.fail(ErrSyntax)
	}
	return n, d.expect(then)
}

// quoted reads <n>:"<n bytes>" behind a letter and a colon.
func (d *decoder) quoted() (string, error) {
	n, err := d.length(`:"`)
	if err != nil {
		return "", err
	}
	if n > len(d.data)-d.pos {
		return "", d.fail(ErrSyntax)
	}
	text := d.data[d.pos : d.pos+n]
	d.pos += n
	return text, d.expect(`"`)
}

// text reads s:<n>:"…"; or S:<n>:"…"; in which \41 is one character.
func (d *decoder) text(kind byte) (string, error) {
	d.pos++
	if err := d.expect(":"); err != nil {
		return "", err
	}
	if kind == 'S' {
		return d.escaped()
	}
	text, err := d.quoted()
	if err != nil {
		return "", err
	}
	return text, d.expect(";")
}

func (d *decoder) escaped() (string, error) {
	n, err := d.length(`:"`)
	if err != nil {
		return "", err
	}
	if n > len(d.data)-d.pos {
		return "", d.fail(ErrSyntax)
	}
	text := make([]byte, 0, n)
	for range n {
		rest := d.data[d.pos:]
		if rest == "" || rest[0] == '\\' && len(rest) < 3 {
			return "", d.fail(ErrSyntax)
		}
		c, size := rest[0], 1
		if c == '\\' {
			code, err := strconv.ParseUint(rest[1:3], 16, 8)
			if err != nil {
				return "", d.fail(ErrSyntax)
			}
			c, size = byte(code), 3
		}
		text = append(text, c)
		d.pos += size
	}
	return string(text), d.expect(`";`)
}
