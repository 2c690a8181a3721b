package http1

import "strings"

// Get is the value of name in the query, decoded, or def when it is not there.
// Of several values the last one counts, as in PHP, and as there, a dot or a
// blank in a name of the query is an underscore (trap T69). A name with brackets
// reaches into arrays: Get("a[b]"); see Query for all of them.
func (r *Request) Get(name string, def ...string) string {
	query := r.QueryString()
	if hasBracket(query) || strings.IndexByte(name, '[') >= 0 {
		return r.Query().Get(name, def...)
	}
	value, found, vars := "", false, 0
	for more := name != ""; more && vars < MaxInputVars; {
		var pair string
		if pair, query, more = strings.Cut(query, "&"); pair == "" {
			continue
		}
		vars++
		key, raw, _ := strings.Cut(pair, "=")
		if key == name || fieldName(key) == name {
			value, found = raw, true
		}
	}
	return orDefault(unescape(value), found, def)
}

// Query is the whole query; nothing is decoded twice when it is called again.
// It may be kept.
func (r *Request) Query() Values {
	m := r.parsed()
	if m.query == nil {
		m.query = parseValues(r.QueryString())
	}
	return m.query
}

// EachQuery calls fn for each variable of the query, in the order in which they were
// sent, which Query has lost: keys are the name and what stands in its brackets, an
// empty one being the next number. What Query ignores is left out. keys may be kept.
func (r *Request) EachQuery(fn func(keys []string, value string)) {
	fillTable(newTable(), r.QueryString(), func(base string, indexes []string, value string) {
		fn(append([]string{base}, indexes...), value)
	})
}

// hasBracket tells whether a name of the query may have one.
func hasBracket(query string) bool {
	return strings.IndexByte(query, '[') >= 0 ||
		strings.Contains(query, "%5b") || strings.Contains(query, "%5B")
}

// parseValues reads a query or a form that looks like one.
func parseValues(s string) Values {
	t := newTable()
	fillTable(t, s, nil)
	return t.values
}

// fillTable is parseValues into t; each, unless it is nil, is called for what came in.
func fillTable(t *table, s string, each func(base string, indexes []string, value string)) {
	vars := 0
	for more := true; more && vars < MaxInputVars; {
		var pair string
		// Millions of signs without a variable are passed over in one go.
		if pair, s, more = strings.Cut(strings.TrimLeft(s, "&"), "&"); pair == "" {
			continue
		}
		vars++
		key, raw, _ := strings.Cut(pair, "=")
		base, indexes, ok := splitName(unescape(key))
		if !ok {
			continue
		}
		value := unescape(raw)
		if t.set(base, indexes, value) && each != nil {
			each(base, indexes, value)
		}
	}
}

// fieldName decodes the name of a query field without brackets by PHP's rules.
func fieldName(key string) string {
	if !strings.ContainsAny(key, "%+. \x00") {
		return key
	}
	name, _, _ := splitName(unescape(key))
	return name
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
