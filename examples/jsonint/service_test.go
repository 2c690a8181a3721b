package jsonint

import (
	"testing"

	"github.com/workerman-go/wm/examples/servicetest"
)

func TestService(t *testing.T) {
	s := servicetest.Start(t, "127.0.0.1:1235")
	const message = `{"type":"message","content":"hello all"}`
	other := s.Dial()
	other.Write([]byte("\x00\x00\x00\x06{}")) // its own echo says that it is in the room
	servicetest.WantReply(t, other, "\x00\x00\x00\x1c"+`{"type":"","content":""}`)
	s.WantClient(message+"\n", "hello", "all")
	servicetest.WantReply(t, other, "\x00\x00\x00\x2c"+message)

	for _, lie := range []string{"\x00\x00\x00\x00", "\x00\x00\x00\x03abc", "\xff\xff\xff\xff"} {
		bad := s.Dial()
		bad.Write([]byte(lie))
		servicetest.WantClosed(t, bad)
	}
}
