package websocket

import (
	"errors"
	"testing"
	"unicode/utf8"
)

// Text is refused with the fragment that makes it hopeless, RFC 6455 section 8.1.
func TestTextFailsEarly(t *testing.T) {
	tests := []struct {
		name   string
		frames []byte
		ok     bool
	}{
		{"whole characters", masked(0x01, "aé"), true},
		{"half a character", masked(0x01, "a\xc3"), true},
		{"three quarters", masked(0x01, "\xf0\x9f\x98"), true},
		{"character in four fragments",
			join(masked(0x01, "\xf0"), masked(0x00, "\x9f"), masked(0x00, "\x98")), true},
		{"no beginning", masked(0x01, "\x80"), false},
		{"no text", masked(0x01, "a\xff"), false},
		{"no text in the middle", masked(0x01, "a\xc3("), false},
		{"half a surrogate", masked(0x01, "\xed\xa0"), false},
		{"longer than it need be", masked(0x01, "\xe0\x80"), false},
		{"above the last character", masked(0x01, "\xf4\x90"), false},
		{"wrong second half", join(masked(0x01, "a\xc3"), masked(0x00, "a")), false},
		{"wrong last quarter",
			join(masked(0x01, "\xf0\x9f"), masked(0x00, "\x98"), masked(0x00, "a")), false},
		{"binary", masked(0x02, "\xff"), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := opened(1 << 20)
			_, err := c.receive(tt.frames)
			if ok := err == nil; ok != tt.ok {
				t.Errorf("error %v, want none: %t", err, tt.ok)
			}
			if !tt.ok {
				wantSent(t, c, "\x88\x02\x03\xef")
			}
		})
	}
}

func TestValidPrefixAgreesWithTheWhole(t *testing.T) {
	const text = "aé€😀z"
	for cut := range len(text) {
		n, ok := validPrefix([]byte(text[:cut]))
		if !ok || n > cut || cut-n >= utf8.UTFMax || !utf8.ValidString(text[:n]) {
			t.Errorf("cut at %d: %d, %t", cut, n, ok)
		}
	}
}

func TestControlFramesBetweenFragments(t *testing.T) {
	c := opened(1 << 20)
	messages := c.mustReceive(t, join(masked(0x01, "ab"), masked(0x89, "p"), masked(0x00, ""),
		masked(0x8a, "q"), masked(0x00, "cd"), masked(0x89, "r"), masked(0x80, "ef"),
		masked(0x81, "next")))
	wantMessages(t, messages, "abcdef", "next")
	wantSent(t, c, "\x8a\x01p\x8a\x01r")
}

func TestCloseBetweenFragments(t *testing.T) {
	c := opened(1 << 20)
	messages := c.mustReceive(t, join(masked(0x01, "ab"), closeFrame(1000, ""), masked(0x80, "cd")))
	wantMessages(t, messages)
	wantSent(t, c, "\x88\x02\x03\xe8")
}

func TestFragmentsAreForgottenWithTheMessage(t *testing.T) {
	c := opened(1 << 20)
	c.mustReceive(t, join(masked(0x02, "ab"), masked(0x80, "cd")))
	if s := c.state.(*session); s.fragments != nil {
		t.Errorf("%d bytes kept", s.fragments.size())
	}
	if _, err := c.receive(masked(0x80, "ef")); !errors.Is(err, protocolError) {
		t.Errorf("a continuation of nothing: %v", err)
	}
}
