package load

import (
	"bytes"
	"testing"
)

func TestStreamOfRepliesMatchesHoweverItIsCut(t *testing.T) {
	for _, same := range []int{3, 7} {
		e := expect(Talk{Reply: []byte("abcdefg"), Same: same})
		stream := bytes.Repeat([]byte("abcdefg"), 5)
		for part := range 7 {
			for end := part; end < len(stream); end++ {
				if !e.matches(stream[part:end], part) {
					t.Fatalf("same %d: %q at %d refused", same, stream[part:end], part)
				}
			}
		}
	}
}

func TestWrongBytesAreFoundWhereRepliesAreTheSame(t *testing.T) {
	const reply = "abcdefg"
	for _, same := range []int{3, 7} {
		e := expect(Talk{Reply: []byte(reply), Same: same})
		for part := range 7 {
			for at := part; at < 21; at++ {
				stream := bytes.Repeat([]byte(reply), 3)
				stream[at] = '!'
				if got, want := e.matches(stream[part:], part), at%7 >= same; got != want {
					t.Errorf("same %d, part %d, wrong byte at %d: %v, want %v",
						same, part, at, got, want)
				}
			}
		}
	}
}
