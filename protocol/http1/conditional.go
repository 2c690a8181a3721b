package http1

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// conditions are the headers of a request that decide what of a file is sent.
type conditions uint8

const (
	ifMatch conditions = 1 << iota
	ifUnmodifiedSince
	ifNoneMatch
	ifModifiedSince
	ifRange
	rangeOf
	acceptEncoding
)

// comparesTag are those that may compare an ETag.
const comparesTag = ifMatch | ifNoneMatch | ifRange

// reads says that a request only asks for something.
func (r *Request) reads() bool {
	return r.head.method == methodGet || r.head.method == methodHead
}

// conditions looks once through the head for all of them.
func (r *Request) conditions() (found conditions) {
	for lines := r.frame[r.head.headers : r.head.length-2]; len(lines) > 0; {
		var line []byte
		line, lines, _ = bytes.Cut(lines, crlf)
		switch lower(line[0]) {
		case 'i', 'r', 'a':
			found |= conditionOf(line[:tokenLength(line)])
		}
	}
	return found
}

func conditionOf(name []byte) conditions {
	switch len(name) {
	case len("range"):
		return named(name, "range", rangeOf)
	case len("if-match"):
		return named(name, "if-match", ifMatch) | named(name, "if-range", ifRange)
	case len("if-none-match"):
		return named(name, "if-none-match", ifNoneMatch)
	case len("accept-encoding"):
		return named(name, "accept-encoding", acceptEncoding)
	case len("if-modified-since"):
		return named(name, "if-modified-since", ifModifiedSince)
	case len("if-unmodified-since"):
		return named(name, "if-unmodified-since", ifUnmodifiedSince)
	}
	return 0
}

func named(name []byte, want string, c conditions) conditions {
	if fold(name, want) {
		return c
	}
	return 0
}

// validators are what a client compares its copy with.
type validators struct {
	etag    string
	changed time.Time // full seconds; zero: not known
}

// appendETag appends size and time of change, in hex like nginx's; it is a strong
// one, so the time is in nanoseconds.
func appendETag(dst []byte, size int64, changed time.Time) []byte {
	dst = append(dst, '"')
	dst = strconv.AppendUint(dst, uint64(changed.UnixNano()), 16)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, size, 16)
	return append(dst, '"')
}

// status is 304 or 412 when the conditions of r, which found has, ask for it, in
// the order of RFC 9110 section 13.2.2, else 0. r is a GET or HEAD.
func (v validators) status(r *Request, found conditions) int {
	switch {
	case found&ifMatch != 0:
		if !matches(r.Header("If-Match"), v.etag, strongMatch) {
			return http.StatusPreconditionFailed
		}
	case found&ifUnmodifiedSince != 0:
		if t, ok := v.since(r.Header("If-Unmodified-Since")); ok && v.changed.After(t) {
			return http.StatusPreconditionFailed
		}
	}
	switch {
	case found&ifNoneMatch != 0:
		if matches(r.Header("If-None-Match"), v.etag, weakMatch) {
			return http.StatusNotModified
		}
	case found&ifModifiedSince != 0:
		if t, ok := v.since(r.Header("If-Modified-Since")); ok && !v.changed.After(t) {
			return http.StatusNotModified
		}
	}
	return 0
}

// since reads a date; one that is none does not count.
func (v validators) since(value string) (time.Time, bool) {
	if v.changed.IsZero() {
		return time.Time{}, false
	}
	t, err := http.ParseTime(value)
	return t, err == nil
}

// rangeHolds says that the client's part is of what is sent now, section 13.1.5:
// If-Range with a strong tag, or the very date.
func (v validators) rangeHolds(value string) bool {
	if strings.HasPrefix(value, `"`) {
		return strongMatch(value, v.etag)
	}
	t, ok := v.since(value)
	return ok && t.Equal(v.changed)
}

// matches looks for etag in a list of them. "*" is any.
func matches(list, etag string, match func(a, b string) bool) bool {
	if list == "*" {
		return true
	}
	for list != "" {
		list = strings.TrimLeft(list, " \t,")
		weak := strings.HasPrefix(list, "W/")
		tag := strings.TrimPrefix(list, "W/")
		if !strings.HasPrefix(tag, `"`) {
			return false
		}
		end := strings.IndexByte(tag[1:], '"')
		if end < 0 {
			return false
		}
		end += 2
		if weak {
			end += len("W/")
		}
		if match(list[:end], etag) {
			return true
		}
		list = list[end:]
	}
	return false
}

// strongMatch and weakMatch are section 8.8.3.2.
func strongMatch(a, b string) bool { return a == b && strings.HasPrefix(a, `"`) }

func weakMatch(a, b string) bool {
	return b != "" && strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}
