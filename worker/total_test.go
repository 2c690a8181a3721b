package worker_test

import (
	"testing"

	"github.com/workerman-go/wm/worker"
)

func TestOnlyMessagesCountAsRequests(t *testing.T) {
	w := upgraded(newEvents())
	s := start(t, w)
	c := s.dial().upgrade()
	for _, step := range []struct {
		name, send, expect string
		want               int64
	}{
		{"handshake", "", "", 0},
		{"ping", "\x89\x81\x00\x00\x00\x00p", "\x8a\x01p", 0},
		{"pong", "\x8a\x80\x00\x00\x00\x00", "", 0},
		{"message", "\x81\x81\x00\x00\x00\x00a", "\x81\x01a", 1},
		{"fragments", "\x01\x81\x00\x00\x00\x00a\x00\x81\x00\x00\x00\x00b\x80\x81\x00\x00\x00\x00c",
			"\x81\x03abc", 2},
		{"close", "\x88\x80\x00\x00\x00\x00", "\x88\x02\x03\xe8", 2},
	} {
		c.send(step.send)
		c.expect(step.expect)
		s.do(func() {
			if got := worker.Stats().TotalRequest; got != step.want {
				t.Errorf("behind the %s: %d, want %d", step.name, got, step.want)
			}
		})
	}
}
