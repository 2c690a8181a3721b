package websocket

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// compressing is an accepted connection that agreed to offer.
func compressing(t *testing.T, o Options, offer string) *conn {
	t.Helper()
	o.Compress = true
	c := &conn{p: with(o), max: 1 << 20}
	c.mustReceive(t, offering("Sec-WebSocket-Extensions: "+offer))
	c.sent = nil
	if c.state.(*session).extension == nil {
		t.Fatalf("did not agree to %s", offer)
	}
	return c
}

// noise does not compress, quarters by far not as well as chat does.
func noise(n int) string { return letters(n, 94) }

func quarters(n int) string { return letters(n, 4) }

func letters(n, kinds int) string {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('!' + r.IntN(kinds))
	}
	return string(b)
}

func chat(n int) string {
	return strings.Repeat(`{"type":"say","content":"hello, é"}`, n/36+1)[:n/36*36]
}

// The samples of RFC 7692 section 7.2.3.
func TestSamplesOfTheRFC(t *testing.T) {
	tests := []struct {
		name   string
		frames []byte
		want   []string
	}{
		{"one block", masked(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"), []string{"Hello"}},
		{"two fragments", join(masked(0x41, "\xf2\x48\xcd"), masked(0x80, "\xc9\xc9\x07\x00")),
			[]string{"Hello"}},
		{"shared window", join(masked(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"),
			masked(0xc1, "\xf2\x00\x11\x00\x00")), []string{"Hello", "Hello"}},
		{"stored block", masked(0xc1, "\x00\x05\x00\xfa\xffHello\x00"), []string{"Hello"}},
		{"last block", masked(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), []string{"Hello"}},
		{"two blocks", masked(0xc1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
			[]string{"Hello"}},
		{"empty", masked(0xc1, "\x00"), []string{""}},
		{"ping between", join(masked(0x41, "\xf2\x48\xcd"), masked(0x89, ""),
			masked(0x00, "\xc9\xc9"), masked(0x80, "\x07\x00")), []string{"Hello"}},
		{"plain between", join(masked(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"), masked(0x81, "plain"),
			masked(0xc1, "\xf2\x00\x11\x00\x00")), []string{"Hello", "plain", "Hello"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := compressing(t, Options{ContextTakeover: true}, "permessage-deflate")
			wantMessages(t, c.mustReceive(t, tt.frames), tt.want...)
		})
	}
}

func TestCompressedFrameRefused(t *testing.T) {
	const protocolCode, payloadCode = "\x88\x02\x03\xea", "\x88\x02\x03\xef"
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"reserved bit on a continuation", join(masked(0x41, "\xf2\x48"), masked(0xc0, "\xcd")),
			protocolCode},
		{"reserved bit on a ping", masked(0xc9, ""), protocolCode},
		{"reserved bit on a close", masked(0xc8, ""), protocolCode},
		{"second reserved bit", masked(0xa1, "a"), protocolCode},
		{"third reserved bit", masked(0xd1, "a"), protocolCode},
		{"no block", masked(0xc1, "\xff\xff\xff"), payloadCode},
		{"cut off", masked(0xc1, "\xf2\x48\xcd"), payloadCode},
		{"a second stream", masked(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00"),
			payloadCode},
		{"no text inside", masked(0xc1, "\x00\x01\x00\xfe\xff\xff\x00"), payloadCode},
		{"too far back", masked(0xc1, "\xf2\x00\x11\x00\x00"), payloadCode},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := compressing(t, Options{}, "permessage-deflate")
			if messages, err := c.receive(tt.in); err == nil {
				t.Errorf("messages %q, want an error", messages)
			}
			wantSent(t, c, tt.want)
		})
	}
}

func TestCompressionComesBack(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		for level := 0; level <= 9; level++ {
			t.Run(fmt.Sprintf("takeover %t, level %d", takeover, level), func(t *testing.T) {
				p := with(Options{Compress: true, ContextTakeover: takeover, Level: level})
				c, s := pair(t, p, p)
				for _, want := range []string{"short", chat(600), chat(60000), noise(700), chat(600),
					noise(5000), chat(600), "", chat(100000)} {
					s.send(t, want)
					if got := c.mustReceive(t, s.flush()); len(got) != 1 || got[0] != want {
						t.Fatalf("client: %d messages, want %.40q of %d", len(got), want, len(want))
					}
					c.send(t, want)
					if got := s.mustReceive(t, c.flush()); len(got) != 1 || got[0] != want {
						t.Fatalf("server: %d messages, want %.40q of %d", len(got), want, len(want))
					}
				}
			})
		}
	}
}

func TestCompressesWhatIsWorthIt(t *testing.T) {
	tests := []struct {
		name    string
		o       Options
		message string
		want    bool
	}{
		{"small", Options{}, chat(511), false},
		{"large", Options{}, chat(600), true},
		{"above MinSize", Options{MinSize: 36}, chat(360), true},
		{"small with takeover", Options{ContextTakeover: true}, chat(120), false},
		{"large with takeover", Options{ContextTakeover: true}, chat(160), true},
		{"noise", Options{}, noise(600), false},
		{"does not get smaller", Options{MinSize: 1}, "abcdef", false},
		{"noise with takeover", Options{ContextTakeover: true}, noise(600), true},
		{"empty", Options{MinSize: -1}, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := compressing(t, tt.o, "permessage-deflate")
			c.send(t, tt.message)
			first, payload, rest := unframe(t, c.sent)
			if got := first&bitRSV1 != 0; got != tt.want || len(rest) != 0 {
				t.Errorf("compressed %t, %d bytes behind, want %t", got, len(rest), tt.want)
			}
			if !tt.want && payload != tt.message {
				t.Errorf("payload %q, want the message", payload)
			}
			if tt.want && len(payload) > len(tt.message)+6 {
				t.Errorf("%d bytes of %d", len(payload), len(tt.message))
			}
		})
	}
}

func TestContextTakeoverMakesTheSecondSmaller(t *testing.T) {
	message := noise(1000)
	for _, takeover := range []bool{false, true} {
		c := compressing(t, Options{ContextTakeover: takeover}, "permessage-deflate")
		c.send(t, message)
		first := len(c.flush())
		c.send(t, message)
		if second := len(c.flush()); (second < first/10) != takeover {
			t.Errorf("takeover %t: %d bytes, then %d", takeover, first, second)
		}
	}
}

// What lies further back than the window must not be referred to.
func TestWindowIsNotExceeded(t *testing.T) {
	for bits := minBits; bits < maxBits; bits++ {
		for distance, reached := range map[int]bool{1<<bits - 64: true, 1<<bits + 1: false} {
			offer := fmt.Sprintf("permessage-deflate; server_max_window_bits=%d", bits)
			size := func(message string) int {
				c := compressing(t, Options{MinSize: 1}, offer)
				c.send(t, message)
				if c.sent[0]&bitRSV1 == 0 {
					t.Fatalf("%d bits: not compressed", bits)
				}
				return len(c.sent)
			}
			once := quarters(distance)
			extra := size(once+once[:128]) - size(once)
			if got := extra < 25; got != reached {
				t.Errorf("%d bits: %d bytes more for 128 that lie %d back", bits, extra, distance)
			}
		}
	}
}

func TestInflatedSizeIsBounded(t *testing.T) {
	sender := compressing(t, Options{}, "permessage-deflate")
	sender.send(t, strings.Repeat("x", 1<<16))
	_, bomb, _ := unframe(t, sender.sent)
	for limit, ok := range map[int]bool{1 << 16: true, 1<<16 - 1: false, 1 << 10: false} {
		c := compressing(t, Options{}, "permessage-deflate")
		c.max = limit
		messages, err := c.receive(masked(0xc1, bomb))
		if (err == nil) != ok {
			t.Errorf("limit %d: error %v, want none: %t", limit, err, ok)
		}
		if ok && len(messages[0]) != 1<<16 {
			t.Errorf("limit %d: %d bytes", limit, len(messages[0]))
		}
		if !ok {
			wantSent(t, c, "\x88\x02\x03\xf1")
			if !errors.Is(err, messageTooBig) {
				t.Errorf("limit %d: error %v, want %v", limit, err, messageTooBig)
			}
		}
	}
}

func TestBombIsNotUnpacked(t *testing.T) {
	sender := compressing(t, Options{}, "permessage-deflate")
	sender.send(t, strings.Repeat("x", 16<<20))
	_, bomb, _ := unframe(t, sender.sent)
	x := compressing(t, Options{}, "permessage-deflate").state.(*session).extension
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, reject := inflate(x, []byte(bomb), 1<<20); reject != messageTooBig {
		t.Fatal(reject)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes allocated for a limit of 1 MiB", n)
	}
}

func TestBroadcastClasses(t *testing.T) {
	p := with(Options{Compress: true})
	accept := func(offer string) *conn {
		c := &conn{p: p, max: 1 << 20}
		c.mustReceive(t, offering("Sec-WebSocket-Extensions: "+offer))
		c.sent = nil
		return c
	}
	none, a, b := accept("x"), accept("permessage-deflate"),
		accept("permessage-deflate; client_max_window_bits=9; server_max_window_bits=15")
	small := accept("permessage-deflate; server_max_window_bits=9")
	if p.Class(none) == 0 || p.Class(a) == 0 || p.Class(a) == p.Class(none) {
		t.Errorf("plain %d, compressed %d, want two classes", p.Class(none), p.Class(a))
	}
	if p.Class(a) != p.Class(b) {
		t.Errorf("classes %d and %d for the same bytes", p.Class(a), p.Class(b))
	}
	if p.Class(small) == p.Class(a) || p.Class(small) == 0 {
		t.Errorf("class %d for a smaller window, %d for the largest", p.Class(small), p.Class(a))
	}
	for range 3 { // whatever was sent before
		a.send(t, chat(600))
	}
	a.sent = nil
	a.send(t, chat(1200))
	b.send(t, chat(1200))
	if string(a.sent) != string(b.sent) {
		t.Error("one class, and not the same bytes")
	}
	alone := compressing(t, Options{ContextTakeover: true}, "permessage-deflate")
	if alone.p.Class(alone) != 0 {
		t.Error("shares bytes that refer to what it sent before")
	}
}

// Without context takeover a compressed connection owns no more than a plain one.
func TestConnectionsShareWhatWasAgreed(t *testing.T) {
	p := with(Options{Compress: true})
	var first *extension
	for range 2 {
		c := &conn{p: p, max: 1 << 20}
		c.mustReceive(t, offering("Sec-WebSocket-Extensions: permessage-deflate"))
		x := c.state.(*session).extension
		if first == nil {
			first = x
		}
		if x != first {
			t.Error("two connections with the same terms have two extensions")
		}
	}
}

func TestWindowSlides(t *testing.T) {
	w := &window{size: 8}
	for _, step := range []struct{ add, want string }{
		{"abc", "abc"}, {"", "abc"}, {"defgh", "abcdefgh"}, {"ij", "cdefghij"},
		{"0123456789", "23456789"}, {"x", "3456789x"}, {"01234567", "01234567"},
	} {
		if w.slide([]byte(step.add)); string(w.bytes) != step.want {
			t.Errorf("behind %q: %q, want %q", step.add, w.bytes, step.want)
		}
		if cap(w.bytes) > w.size {
			t.Errorf("%d bytes for a window of %d", cap(w.bytes), w.size)
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	for name, size := range map[string]int{"600B": 600, "4KB": 4 << 10} {
		for _, takeover := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/takeover=%t", name, takeover), func(b *testing.B) {
				x := benchExtension(takeover)
				message := []byte(quarters(size))
				var out []byte
				b.ReportAllocs()
				for b.Loop() {
					out = x.appendCompressed(out[:0], false, opText, message)
				}
			})
		}
	}
}

func BenchmarkInflate(b *testing.B) {
	for name, size := range map[string]int{"600B": 600, "4KB": 4 << 10} {
		for _, takeover := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/takeover=%t", name, takeover), func(b *testing.B) {
				x := benchExtension(takeover)
				payload := benchExtension(false).compress(nil, []byte(quarters(size)))
				b.ReportAllocs()
				for b.Loop() {
					_, _ = inflate(x, payload, 1<<20)
				}
			})
		}
	}
}

// benchExtension has full windows, if any.
func benchExtension(takeover bool) *extension {
	way := way{takeover: takeover, bits: maxBits}
	x := newDeflate(Options{MinSize: 1}).extension(way, way)
	x.sent.slide([]byte(quarters(1 << maxBits)))
	x.received.slide([]byte(quarters(1 << maxBits)))
	return x
}
