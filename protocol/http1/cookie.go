package http1

import "bytes"

// Cookie is the value of the cookie name, or def when there is none. It is not
// decoded (features.md 26.4, trap T70): what SetCookie of the answer encoded is
// for the app to decode. Of several cookies with that name the first counts,
// which browsers send for the longest path; one without "=" is none.
func (r *Request) Cookie(name string, def ...string) string {
	var value []byte
	found := false
	r.eachCookie(func(key, v []byte) bool {
		if found = string(key) == name; found {
			value = v
		}
		return !found
	})
	return orDefault(string(value), found, def)
}

// Cookies is a map of all cookies, made for the caller; see Cookie.
func (r *Request) Cookies() map[string]string {
	all := map[string]string{}
	r.eachCookie(func(key, value []byte) bool {
		if _, found := all[string(key)]; !found {
			all[string(key)] = string(value)
		}
		return true
	})
	return all
}

// eachCookie calls fn until it reports false. The bytes are those of the head.
func (r *Request) eachCookie(fn func(name, value []byte) bool) {
	if r.head.cookies == 0 {
		return
	}
	var line, pair []byte
	for lines := r.frame[r.head.cookies : r.head.length-2]; len(lines) > 0; {
		line, lines = cutHeader(lines, "cookie")
		for len(line) > 0 {
			pair, line, _ = bytes.Cut(line, []byte{';'})
			name, value, ok := bytes.Cut(pair, []byte{'='})
			name, value = trimmed(name, 0).of(name), trimmed(value, 0).of(value)
			if ok && len(name) > 0 && !fn(name, value) {
				return
			}
		}
	}
}
