package http1

import (
	"net/url"
	"strings"
	"unicode"
)

// disposition is what the Content-Disposition of a part says.
type disposition struct {
	name   string
	path   string // the filename
	isFile bool   // there is a filename, if an empty one
}

// readDisposition reads the header as PHP does, which knows what clients really
// send: nothing in it is a fault, the last of two names counts, and what has no
// meaning here is passed over. Escaped are the quote and the backslash alone,
// because browsers do not escape the backslashes of paths. A value without
// quotes goes on to the next semicolon; filename* of RFC 5987, which PHP does not
// know, comes before filename.
func readDisposition(header string) (d disposition) {
	lastQuote := strings.LastIndexByte(header, '"')
	extended := false
	for at := 0; at < len(header); at++ {
		n := strings.IndexAny(header[at:], ";=")
		if n < 0 {
			break
		}
		key := strings.TrimSpace(header[at : at+n])
		if at += n; header[at] == ';' {
			continue
		}
		var value string
		value, at = dispositionValue(header, at+1, lastQuote)
		switch {
		case fold(key, "name"):
			d.name = value
		case fold(key, "filename"):
			if d.isFile = true; !extended {
				d.path = value
			}
		case fold(key, "filename*"):
			decoded, ok := decodeExtended(value)
			if ok || !d.isFile {
				d.path = decoded
			}
			d.isFile, extended = true, extended || ok
		}
	}
	return d
}

// dispositionValue reads the value at s[at:] and returns where the next semicolon is,
// or the end. The last quote of s is never escaped: a name such as C:\dir\ ends there.
func dispositionValue(s string, at, lastQuote int) (value string, end int) {
	at = len(s) - len(strings.TrimLeftFunc(s[at:], unicode.IsSpace))
	if at == len(s) || s[at] != '"' {
		end = semicolon(s, at)
		return strings.TrimSpace(s[at:end]), end
	}
	b := make([]byte, 0, 64)
	for at++; at < len(s) && s[at] != '"'; at++ {
		if s[at] == '\\' && at+1 < len(s) &&
			(s[at+1] == '\\' || s[at+1] == '"' && at+1 != lastQuote) {
			at++
		}
		b = append(b, s[at])
	}
	return string(b), semicolon(s, at)
}

func semicolon(s string, at int) int {
	if n := strings.IndexByte(s[at:], ';'); n >= 0 {
		return at + n
	}
	return len(s)
}

// decodeExtended decodes charset'language'text of RFC 5987 in UTF-8. Anything else
// stays what it is.
func decodeExtended(value string) (text string, ok bool) {
	charset, rest, _ := strings.Cut(value, "'")
	_, coded, found := strings.Cut(rest, "'")
	if !found || !fold(charset, "utf-8") && !fold(charset, "us-ascii") {
		return value, false
	}
	if text, err := url.PathUnescape(coded); err == nil {
		return text, true
	}
	return value, false
}
