package http1

import "strings"

// Get is the value of name in the query, decoded, or def when it is not there.
// Of several values the last one counts, as in PHP, and as there, a dot or a
// blank in a name of the query is an underscore (trap T69).
func (r *Request) Get(name string, def ...string) string {
	value, found := "", false
	for rest, more := r.QueryString(), true; more; {
		var pair string
		pair, rest, more = strings.Cut(rest, "&")
		key, raw, _ := strings.Cut(pair, "=")
		if key == name || fieldName(key) == name {
			value, found = raw, key != ""
		}
	}
	return orDefault(unescape(value), found, def)
}

// fieldName decodes the name of a query field by PHP's rules.
func fieldName(key string) string {
	if !strings.ContainsAny(key, "%+. \x00") {
		return key
	}
	key, _, _ = strings.Cut(strings.TrimLeft(unescape(key), " "), "\x00")
	return strings.NewReplacer(".", "_", " ", "_").Replace(key)
}

// unescape decodes %XX and +. A percent sign that introduces nothing stands for
// itself.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			out.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			out.WriteByte(hexValue(s[i+1])<<4 | hexValue(s[i+2]))
			i += 2
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
