package websocket

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// FuzzCut demands the same messages, replies and end however the bytes are cut.
func FuzzCut(f *testing.F) {
	chat := join([]byte(request), masked(0x81, "hello"), masked(0x89, "p"))
	f.Add(chat, 7)
	f.Add(join([]byte(request), masked(0x01, "a"), masked(0x8a, ""), masked(0x80, "b"),
		closeFrame(1001, "bye")), 1)
	f.Add(join([]byte(request), masked(0x82, string(make([]byte, 300)))), 2)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), 3)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		whole, cut := &conn{max: 256}, &conn{max: 256}
		want, wantErr := whole.receive(in)
		got, err := cut.receive(slices.Collect(slices.Chunk(in, max(size, 1)))...)
		if !slices.Equal(got, want) {
			t.Errorf("cut by %d: messages %q; whole: %q", size, got, want)
		}
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("cut by %d: error %v; whole: %v", size, err, wantErr)
		}
		if !bytes.Equal(cut.sent, whole.sent) || cut.closed != whole.closed {
			t.Errorf("cut by %d: sent %q; whole: %q", size, cut.sent, whole.sent)
		}
	})
}

// FuzzEcho demands that what was masked and framed comes out as it was.
func FuzzEcho(f *testing.F) {
	f.Add("hello")
	f.Add(string(make([]byte, 70000)))
	f.Fuzz(func(t *testing.T, message string) {
		c := opened(1 << 20)
		got, err := c.receive(masked(0x82, message))
		if len(message) > 1<<20-14 && errors.Is(err, messageTooBig) {
			return
		}
		if err != nil || len(got) != 1 || got[0] != message {
			t.Errorf("received %d messages, %v, want the one sent", len(got), err)
		}
	})
}
