package websocket

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"testing"
)

// fuzzed are the protocols that bytes are cut for.
var fuzzed = []*websocket{plain, with(Options{Compress: true, MinSize: 1}),
	with(Options{Compress: true, MinSize: 1, ContextTakeover: true})}

const deflateLine = "Sec-WebSocket-Extensions: permessage-deflate\r\n"

// FuzzCut demands the same messages, events, replies and end however the bytes
// that a client sends are cut.
func FuzzCut(f *testing.F) {
	hello := "\xf2\x48\xcd\xc9\xc9\x07\x00"
	compressed := offering(deflateLine[:len(deflateLine)-2])
	f.Add(join([]byte(request), masked(0x81, "hello"), masked(0x89, "p")), 7, byte(0))
	f.Add(join([]byte(request), masked(0x01, "a"), masked(0x8a, ""), masked(0x80, "b"),
		closeFrame(1001, "bye")), 1, byte(1))
	f.Add(join([]byte(request), masked(0x82, string(make([]byte, 300)))), 2, byte(0))
	f.Add(join(compressed, masked(0xc1, hello), masked(0xc1, "\xf2\x00\x11\x00\x00")), 3, byte(2))
	f.Add(join(compressed, masked(0x41, hello[:3]), masked(0x80, hello[3:])), 4, byte(1))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), 3, byte(0))
	f.Fuzz(func(t *testing.T, in []byte, size int, which byte) {
		p := fuzzed[int(which)%len(fuzzed)]
		sameCut(t, in, size, func() *conn { return &conn{p: p, max: 256} })
	})
}

// FuzzCutOfServer is FuzzCut for the bytes that a server sends.
func FuzzCutOfServer(f *testing.F) {
	agreed := []byte(answered(deflateLine))
	f.Add(join([]byte(switching), bare(0x81, "hello"), bare(0x89, "p")), 7, byte(0))
	f.Add(join([]byte(switching), bare(0x01, "a"), bare(0x80, "\xff"), bare(0x88, "")), 1, byte(0))
	f.Add(join(agreed, bare(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"),
		bare(0xc1, "\xf2\x00\x11\x00\x00")), 5, byte(2))
	f.Add([]byte("HTTP/1.1 403 Forbidden\r\n\r\n"), 3, byte(1))
	f.Fuzz(func(t *testing.T, in []byte, size int, which byte) {
		p := fuzzed[int(which)%len(fuzzed)]
		sameCut(t, in, size, func() *conn {
			c := dialling(p, &Request{Host: "h", Subprotocols: []string{"v1"}})
			c.max = 256
			return c
		})
	})
}

func sameCut(t *testing.T, in []byte, size int, connect func() *conn) {
	t.Helper()
	whole, cut := connect(), connect()
	want, wantErr := whole.receive(in)
	got, err := cut.receive(slices.Collect(slices.Chunk(in, max(size, 1)))...)
	if !slices.Equal(got, want) {
		t.Errorf("cut by %d: messages %q; whole: %q", size, got, want)
	}
	if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Errorf("cut by %d: error %v; whole: %v", size, err, wantErr)
	}
	if !reflect.DeepEqual(cut.events, whole.events) {
		t.Errorf("cut by %d: events %v; whole: %v", size, cut.events, whole.events)
	}
	if cut.closed != whole.closed || !slices.Equal(unmasked(cut.sent), unmasked(whole.sent)) {
		t.Errorf("cut by %d: sent %q; whole: %q", size, cut.sent, whole.sent)
	}
	for _, m := range got {
		if len(m) > whole.max {
			t.Errorf("a message of %d bytes, the limit is %d", len(m), whole.max)
		}
	}
	if s, open := cut.state.(*session); open && s.fragments.size() > whole.max {
		t.Errorf("%d bytes kept, the limit is %d", s.fragments.size(), whole.max)
	}
}

// unmasked makes what clients send comparable: their keys are random.
func unmasked(sent []byte) (frames []string) {
	s := session{dialled: false}
	for len(sent) > 0 {
		n, err := s.input(sent, 1<<20)
		if err != nil || n == 0 || n > len(sent) {
			return append(frames, string(sent)) // a handshake, or a server's
		}
		frames = append(frames, string(sent[0])+string(unmask(bytes.Clone(sent[:n]))))
		sent = sent[n:]
	}
	return frames
}

// FuzzRequest demands an answer that net/http understands to whatever ends
// with a blank line.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(request), "chat")
	f.Add(offering("Sec-WebSocket-Protocol: chat, v2\r\n"+deflateLine+"X: y"), "v2")
	f.Add([]byte("GET  HTTP/1.1\r\n:\r\n\r\n"), "")
	f.Fuzz(func(t *testing.T, in []byte, subprotocol string) {
		c := &conn{p: with(Options{Compress: true, Subprotocols: []string{subprotocol}}), max: 1 << 20}
		_, err := c.receive(append(in, "\r\n\r\n"...))
		if len(c.sent) == 0 {
			t.Fatalf("no answer, error %v", err)
		}
		reply, replyErr := http.ReadResponse(bufio.NewReader(bytes.NewReader(c.sent)), nil)
		if replyErr != nil {
			t.Fatalf("answer %q: %v", c.sent, replyErr)
		}
		_ = reply.Body.Close()
		if (reply.StatusCode == http.StatusSwitchingProtocols) != c.p.Opened(c) {
			t.Errorf("status %d, opened %t", reply.StatusCode, c.p.Opened(c))
		}
	})
}

// FuzzReply demands that only the right proof opens a dialled connection.
func FuzzReply(f *testing.F) {
	f.Add([]byte(switching))
	f.Add([]byte(answered(deflateLine + "Sec-WebSocket-Protocol: v1\r\n")))
	f.Fuzz(func(t *testing.T, in []byte) {
		c := dialling(fuzzed[1], &Request{Subprotocols: []string{"v1"}})
		_, _ = c.receive(in)
		if c.p.Opened(c) && !bytes.Contains(in, []byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) {
			t.Errorf("opened by %q", in)
		}
		if o, ok := c.state.(*opening); ok && o.searched > maxHeadBytes+len(blankLine) {
			t.Errorf("waits for the end of %d bytes", o.searched)
		}
	})
}

// FuzzOffer demands that a client understands what a server answers to it.
func FuzzOffer(f *testing.F) {
	f.Add("permessage-deflate; client_max_window_bits")
	f.Add(`x; y="z", permessage-deflate; server_max_window_bits="8"; server_no_context_takeover`)
	f.Fuzz(func(t *testing.T, offers string) {
		d := fuzzed[2].deflate
		answer, x := d.accept(offers, true)
		if (answer == "") != (x == nil) {
			t.Fatalf("answer %q, extension %v", answer, x)
		}
		if x == nil {
			return
		}
		theirs, err := d.agreed(answer, true)
		if err != nil {
			t.Fatalf("answer %q to %q: %v", answer, offers, err)
		}
		if (x.sent == nil) != (theirs.received == nil) || (x.received == nil) != (theirs.sent == nil) ||
			x.sent != nil && x.sent.size != theirs.received.size {
			t.Errorf("answer %q: %+v and %+v", answer, x, theirs)
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

// FuzzDeflate demands that what one end compresses is what the other gets, three
// times over one context.
func FuzzDeflate(f *testing.F) {
	f.Add([]byte("hello"), byte(15), byte(1), true)
	f.Add([]byte(chat(600)), byte(8), byte(6), false)
	f.Add(bytes.Repeat([]byte(noise(64)), 600), byte(9), byte(9), true)
	var levels [10]*deflate // kept, because their writers are large
	for level := range levels {
		levels[level] = newDeflate(Options{Level: level, MinSize: 1})
	}
	f.Fuzz(func(t *testing.T, message []byte, bits, level byte, takeover bool) {
		d := levels[int(level)%len(levels)]
		both := way{takeover: takeover, bits: minBits + int(bits)%(maxBits-minBits+1)}
		sender, receiver := d.extension(both, both), d.extension(both, both)
		for _, m := range [][]byte{message, message[len(message)/3:], message} {
			frame := sender.appendCompressed([]byte("before"), false, opBinary, m)
			s := &session{extension: receiver, dialled: true}
			c := &conn{max: len(m) + 64, state: s}
			n, err := s.input(frame[len("before"):], c.max)
			if err != nil || n != len(frame)-len("before") {
				t.Fatalf("frame of %d bytes, %v, want %d", n, err, len(frame)-len("before"))
			}
			got, err := s.decode(frame[len("before"):], c)
			if err != nil || !bytes.Equal(got, m) {
				t.Fatalf("%d bytes, %v, want %d", len(got), err, len(m))
			}
		}
	})
}

// FuzzInflate demands that a message means the same to a reader that was used
// before as to a new one, and that nothing is longer than allowed.
func FuzzInflate(f *testing.F) {
	f.Add([]byte("\xf2\x48\xcd\xc9\xc9\x07\x00"))
	f.Add([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"))
	f.Add([]byte("\x00\x05\x00\xfa\xffHello\x00"))
	f.Add([]byte{})
	x := fuzzed[1].deflate.extension(way{bits: maxBits}, way{bits: maxBits})
	f.Fuzz(func(t *testing.T, in []byte) {
		const limit = 4096
		got, reject := inflate(x, in, limit)
		if len(got) > limit {
			t.Errorf("%d bytes, the limit is %d", len(got), limit)
		}
		r := flate.NewReader(io.MultiReader(bytes.NewReader(in), bytes.NewReader([]byte(messageEnd))))
		want, err := io.ReadAll(io.LimitReader(r, limit+1))
		switch {
		case reject == nil && (err != nil || !bytes.Equal(got, want)):
			t.Errorf("%q, the new reader has %q, %v", got, want, err)
		case reject == messageTooBig && len(want) <= limit:
			t.Errorf("too big, the new reader has %d bytes", len(want))
		}
	})
}
