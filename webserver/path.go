package webserver

import (
	"strings"
	"unicode/utf8"
)

// target is where the path of a request leads, below any root.
type target struct {
	name   string // without a slash at its ends, and without ".", ".." and empty parts
	folder bool   // it ends with a slash
	hidden bool   // a part begins with a dot, and it is not /.well-known/
}

// isPHP says that name is a program and no page: PHP would run it (features.md
// 35.7). Nobody runs it here, and a client must not read it: the passwords of a
// config.php that has moved with the pages.
func isPHP(name string) bool {
	return len(name) >= 4 && strings.EqualFold(name[len(name)-4:], ".php")
}

// resolve decodes the path of a request once and cleans it. false is for what is no
// path: one that leads out of the root (features.md 35.11), percent signs that
// introduce nothing, NUL, a backslash, which is a separator to others, and what is
// not UTF-8, such as a dot in two bytes.
func resolve(path string) (target, bool) {
	if plain(path) {
		name, folder := strings.CutSuffix(path[1:], "/")
		return target{name: name, folder: folder || name == ""}, true
	}
	path, ok := decode(path)
	if !ok || strings.ContainsAny(path, "\x00\\") || !utf8.ValidString(path) {
		return target{}, false
	}
	return clean(path)
}

// plain says that there is nothing to decode and to clean, which is the rule.
func plain(path string) bool {
	previous := byte(0)
	for _, b := range []byte(path) {
		switch {
		case b <= ' ', b >= utf8.RuneSelf, b == '%', b == '\\':
			return false
		case previous == '/' && (b == '/' || b == '.'):
			return false
		}
		previous = b
	}
	return true
}

// decode replaces %XX, once: "%252e" is the three characters "%2e".
func decode(path string) (string, bool) {
	if !strings.Contains(path, "%") {
		return path, true
	}
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			out = append(out, path[i])
			continue
		}
		if i+2 >= len(path) {
			return "", false
		}
		high, low := digit(path[i+1]), digit(path[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	return string(out), true
}

// digit is the value of a hexadecimal digit, -1 of anything else.
func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// clean takes out ".", ".." and empty parts.
func clean(path string) (t target, ok bool) {
	parts := strings.Split(path[1:], "/")
	kept := parts[:0]
	for _, part := range parts {
		t.folder = true
		switch part {
		case "", ".":
		case "..":
			if len(kept) == 0 {
				return target{}, false
			}
			kept = kept[:len(kept)-1]
		default:
			t.folder = false
			kept = append(kept, part)
		}
	}
	for i, part := range kept {
		known := i == 0 && part == ".well-known"
		t.hidden = t.hidden || part[0] == '.' && !known
	}
	t.name = strings.Join(kept, "/")
	return t, true
}
