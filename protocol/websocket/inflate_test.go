package websocket

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// inflate returns the message that p is the compressed form of.
func inflate(x *extension, p []byte, limit int) ([]byte, *protocol.Reject) {
	u := x.unpack(p)
	defer x.putBack(u)
	for {
		done, reject := u.slice(limit, false)
		switch {
		case reject != nil:
			return nil, reject
		case done:
			x.received.slide(u.out)
			if cap(u.out) > maxKept {
				return u.out, nil
			}
			return bytes.Clone(u.out), nil
		}
	}
}

// bomb is a masked frame that inflates to n times x.
func bomb(t *testing.T, first byte, n int) []byte {
	t.Helper()
	x := compressing(t, Options{}, "permessage-deflate").state.(*session).extension
	return masked(first, string(x.compress(nil, []byte(strings.Repeat("x", n)))))
}

// sliced is what came of a frame that was given to Decode until it was done.
type sliced struct {
	calls   int
	largest int // bytes inflated by one call
	message []byte
	err     error
	reader  *unpacker
}

// slices gives a frame to c, each time in memory of its own.
func (c *conn) slices(frame []byte) (r sliced) {
	for before := 0; ; r.calls++ {
		frame = bytes.Clone(frame)
		r.message, r.err = c.p.DecodeBytes(frame, c)
		if !errors.Is(r.err, protocol.Again) {
			r.largest = max(r.largest, len(r.message)-before)
			r.calls++
			return r
		}
		r.reader = c.state.(*session).fragments.unpacker
		r.largest = max(r.largest, len(r.reader.out)-before)
		before = len(r.reader.out)
	}
}

// returned says that a reader is with the others again.
func (u *unpacker) returned() bool { return u.in.Size() == 0 }

func TestInflatesInSlices(t *testing.T) {
	const size = 9 << 20
	for _, kind := range []byte{0xc1, 0xc2} {
		c := compressing(t, Options{}, "permessage-deflate")
		c.max = 10 << 20
		r := c.slices(bomb(t, kind, size))
		if r.err != nil || string(r.message) != strings.Repeat("x", size) {
			t.Fatalf("%d bytes, %v", len(r.message), r.err)
		}
		if r.calls < size/maxSlice || r.largest > maxSlice {
			t.Errorf("%d calls, up to %d bytes in one", r.calls, r.largest)
		}
		if !c.p.Quiet(c) || !r.reader.returned() {
			t.Error("something of the message is left")
		}
	}
}

func TestSlicesAreBounded(t *testing.T) {
	c := compressing(t, Options{}, "permessage-deflate")
	r := c.slices(bomb(t, 0xc2, 9<<20)) // the limit is 1 MiB
	if !errors.Is(r.err, messageTooBig) {
		t.Fatal(r.err)
	}
	if r.calls > 1<<20/maxSlice+1 {
		t.Errorf("%d calls for 1 MiB", r.calls)
	}
	if !r.reader.returned() {
		t.Error("the reader was not given back")
	}
}

func TestTextIsCheckedSliceBySlice(t *testing.T) {
	x := compressing(t, Options{}, "permessage-deflate").state.(*session).extension
	compress := func(s string) []byte { return masked(0xc1, string(x.compress(nil, []byte(s)))) }
	whole := "x" + strings.Repeat("é", 3*maxSlice/2) // a character is cut by each slice
	c := compressing(t, Options{}, "permessage-deflate")
	if r := c.slices(compress(whole)); r.err != nil || string(r.message) != whole {
		t.Errorf("%d bytes, %v, want the text", len(r.message), r.err)
	}
	if r := c.slices(compress("\xff" + whole)); r.calls != 1 || !errors.Is(r.err, invalidText) {
		t.Errorf("%d calls, %v, want a refusal at the first", r.calls, r.err)
	}
	c = compressing(t, Options{}, "permessage-deflate")
	r := c.slices(compress(whole + "\xc3"))
	if !errors.Is(r.err, invalidText) || !r.reader.returned() {
		t.Errorf("a character cut off at the end: %v", r.err)
	}
}

func TestSlicesOfFragmentsAndContext(t *testing.T) {
	p := with(Options{Compress: true, ContextTakeover: true})
	c, s := pair(t, p, p)
	for _, want := range []string{chat(700000), "small", chat(700000)} {
		c.send(t, want)
		first, payload, _ := unframe(t, c.flush())
		half := len(payload) / 2
		got := s.mustReceive(t, masked(first&^bitFin, payload[:half]), masked(0x89, "p"),
			masked(0x80, payload[half:]))
		wantMessages(t, got, want)
	}
}

// Binary is that of the message delivered last, not of the one under way.
func TestMessageUnderWay(t *testing.T) {
	c := compressing(t, Options{}, "permessage-deflate")
	c.mustReceive(t, masked(0x81, "text"))
	if _, err := c.p.DecodeBytes(bomb(t, 0xc2, 1<<20-100), c); !errors.Is(err, protocol.Again) {
		t.Fatal(err)
	}
	if Binary(c) || c.p.Quiet(c) {
		t.Errorf("binary %t, quiet %t during the message", Binary(c), c.p.Quiet(c))
	}
	reader := c.state.(*session).fragments.unpacker
	if reader.returned() {
		t.Error("the reader was given back too early")
	}
	c.p.OnClose(c)
	c.p.OnClose(c)
	if !reader.returned() {
		t.Error("the reader was not given back")
	}
}

func TestOnCloseBeforeTheHandshake(t *testing.T) {
	c := &conn{p: with(Options{Compress: true}), max: 1 << 20}
	c.p.OnClose(c)
	c.mustReceive(t, []byte(request))
	c.p.OnClose(c)
}

// Blocks without content cost time and give nothing.
func TestInputOfASliceIsBounded(t *testing.T) {
	const empty = "\x00\x00\x00\xff\xff"
	x := compressing(t, Options{}, "permessage-deflate").state.(*session).extension
	u := x.unpack([]byte(strings.Repeat(empty, 1<<20)))
	before := u.in.Len()
	if _, reject := u.slice(1<<20, false); reject != invalidData {
		t.Errorf("%v, want a refusal", reject)
	}
	if n := before - u.in.Len(); n > len(empty)*maxIdle {
		t.Errorf("%d bytes read", n)
	}
	x.putBack(u)

	content := []byte(noise(1 << 20))
	u = x.unpack(x.compress(nil, content))
	for done, calls := false, 0; !done; calls++ {
		var reject *protocol.Reject
		before := u.in.Len()
		if done, reject = u.slice(1<<20, false); reject != nil || calls > 1<<20/maxInput {
			t.Fatalf("%v after %d calls", reject, calls)
		}
		if n := before - u.in.Len(); n > 2*maxInput {
			t.Errorf("%d bytes read by one call", n)
		}
	}
	if !bytes.Equal(u.out, content) {
		t.Error("another message came out")
	}
	x.putBack(u)
}
