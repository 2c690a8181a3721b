package websocket

import (
	"unicode/utf8"

	"github.com/workerman-go/wm/protocol"
)

// fragments are the parts of a message that have come so far.
type fragments struct {
	bytes []byte
	valid int // so many of them are known to be whole characters of UTF-8

	// unpacker has all of a compressed message and goes on inflating it; it
	// is nil as long as parts are missing.
	unpacker *unpacker
}

// inflating says that the message is being inflated, slice by slice.
func (f *fragments) inflating() bool { return f != nil && f.unpacker != nil }

// size is 0 for a message that has not begun.
func (f *fragments) size() int {
	if f == nil {
		return 0
	}
	return len(f.bytes)
}

// collect keeps one more part. Text that cannot become valid is refused before
// the rest of it comes, RFC 6455 section 8.1.
func (s *session) collect(payload []byte) error {
	if s.fragments == nil {
		s.fragments = &fragments{}
	}
	f := s.fragments
	f.bytes = append(f.bytes, payload...)
	if s.kind == opText && !s.compressed {
		n, ok := validPrefix(f.bytes[f.valid:])
		if !ok {
			return s.refuse(invalidText)
		}
		f.valid += n
	}
	return protocol.Skip
}

// validPrefix returns how much of p is whole characters; ok says that the rest
// may be the beginning of one.
func validPrefix(p []byte) (n int, ok bool) {
	n = len(p)
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		at := len(p) - i
		if utf8.RuneStart(p[at]) {
			if !utf8.FullRune(p[at:]) {
				n = at
			}
			break
		}
	}
	return n, utf8.Valid(p[:n])
}
