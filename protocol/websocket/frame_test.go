package websocket

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

func TestReceivesMessages(t *testing.T) {
	long, huge := strings.Repeat("m", 126), strings.Repeat("h", 1<<16)
	tests := []struct {
		name string
		in   []byte
		want []string
	}{
		{"text", masked(0x81, "hello"), []string{"hello"}},
		{"binary", masked(0x82, "\xff\x00"), []string{"\xff\x00"}},
		{"empty", masked(0x81, ""), []string{""}},
		{"125 bytes", masked(0x81, long[:125]), []string{long[:125]}},
		{"126 bytes", masked(0x81, long), []string{long}},
		{"65535 bytes", masked(0x81, huge[:1<<16-1]), []string{huge[:1<<16-1]}},
		{"65536 bytes", masked(0x81, huge), []string{huge}},
		{"zero key", []byte("\x81\x82\x00\x00\x00\x00hi"), []string{"hi"}},
		{"two", join(masked(0x81, "a"), masked(0x81, "b")), []string{"a", "b"}},
		{"fragments", join(masked(0x01, "a"), masked(0x00, "b"), masked(0x80, "c")),
			[]string{"abc"}},
		{"empty fragments", join(masked(0x01, ""), masked(0x00, ""), masked(0x80, "")),
			[]string{""}},
		{"character cut in fragments", join(masked(0x01, "\xc3"), masked(0x80, "\xa9")),
			[]string{"é"}},
		{"ping between fragments",
			join(masked(0x01, "abc"), masked(0x89, "pp"), masked(0x80, "def")), []string{"abcdef"}},
		{"pong", join(masked(0x8a, "late"), masked(0x81, "a")), []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := opened(1 << 20).receive(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			wantMessages(t, got, tt.want...)
		})
	}
}

// The sample of wire.md 6.4, and its echo.
func TestSample(t *testing.T) {
	in, err := hex.DecodeString("818537fa213d5f9f4d5158")
	if err != nil {
		t.Fatal(err)
	}
	c := opened(1 << 20)
	messages, err := c.receive(in)
	if err != nil {
		t.Fatal(err)
	}
	wantMessages(t, messages, "hello")
	out, err := Protocol.Encode(nil, messages[0], c)
	if got := hex.EncodeToString(out); err != nil || got != "810568656c6c6f" {
		t.Errorf("echo %s, %v, want 810568656c6c6f", got, err)
	}
}

func TestBinaryIsThatOfTheMessage(t *testing.T) {
	c := opened(1 << 20)
	steps := []struct {
		frame []byte
		want  bool
	}{
		{masked(0x82, "b"), true},
		{masked(0x81, "t"), false},
		{join(masked(0x02, "b"), masked(0x80, "b")), true},
		{join(masked(0x01, "t"), masked(0x80, "t")), false},
	}
	for i, step := range steps {
		if _, err := c.receive(step.frame); err != nil {
			t.Fatal(err)
		}
		if got := Binary(c); got != step.want {
			t.Errorf("message %d: binary %t, want %t", i, got, step.want)
		}
	}
	if Binary(&conn{}) {
		t.Error("binary before the handshake")
	}
}

func TestPingIsAnswered(t *testing.T) {
	long := strings.Repeat("p", 125)
	c := opened(1 << 20)
	_, err := c.receive(join(masked(0x89, ""), masked(0x89, "pp"), masked(0x89, long)))
	if err != nil {
		t.Fatal(err)
	}
	wantSent(t, c, "\x8a\x00"+"\x8a\x02pp"+"\x8a\x7d"+long)
}

func TestPingToAFullBufferIsForgiven(t *testing.T) {
	c := opened(1 << 20)
	c.full = true
	messages, err := c.receive(join(masked(0x89, "p"), masked(0x81, "a")))
	if err != nil {
		t.Fatal(err)
	}
	wantMessages(t, messages, "a")
}

func TestFrameRefused(t *testing.T) {
	const (
		protocolCode = "\x88\x02\x03\xea"
		payloadCode  = "\x88\x02\x03\xef"
		sizeCode     = "\x88\x02\x03\xf1"
	)
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"unmasked", []byte("\x81\x02hi"), protocolCode},
		{"reserved bit 1", masked(0xc1, "a"), protocolCode},
		{"reserved bit 3", masked(0x91, "a"), protocolCode},
		{"unknown opcode", masked(0x83, "a"), protocolCode},
		{"unknown control opcode", masked(0x8b, "a"), protocolCode},
		{"continuation of nothing", masked(0x80, "a"), protocolCode},
		{"message in a message", join(masked(0x01, "a"), masked(0x81, "b")), protocolCode},
		{"fragmented ping", masked(0x09, "a"), protocolCode},
		{"long ping", masked(0x89, strings.Repeat("p", 126)), protocolCode},
		{"negative length", []byte("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00"), protocolCode},
		{"close of one byte", masked(0x88, "\x03"), protocolCode},
		{"close code for inside use", closeFrame(1005, ""), protocolCode},
		{"close code of nobody", closeFrame(2999, ""), protocolCode},
		{"close reason no text", closeFrame(1000, "\xff"), payloadCode},
		{"text no text", masked(0x81, "\xc3"), payloadCode},
		{"fragments no text", join(masked(0x01, "a\xc3"), masked(0x80, "a")), payloadCode},
		{"too long", []byte("\x81\xfe\x01\x00"), sizeCode},
		{"much too long", []byte("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"), sizeCode},
		{"fragments too long", join(masked(0x01, strings.Repeat("a", 90)),
			masked(0x80, strings.Repeat("b", 90))), sizeCode},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := opened(128)
			messages, err := c.receive(tt.in)
			if !errors.Is(err, protocol.ErrBad) {
				t.Fatalf("messages %q, error %v, want a bad packet", messages, err)
			}
			wantSent(t, c, tt.want)
		})
	}
}

// RFC 6455 section 5.2: the minimal number of bytes must be used, by either side.
func TestLengthLongerThanItNeedBe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		length string
		bad    bool
	}{
		{"125 in 16 bits", "\x7e\x00\x7d", true},
		{"126 in 16 bits", "\x7e\x00\x7e", false},
		{"0 in 64 bits", "\x7f\x00\x00\x00\x00\x00\x00\x00\x00", true},
		{"65535 in 64 bits", "\x7f\x00\x00\x00\x00\x00\x00\xff\xff", true},
		{"65536 in 64 bits", "\x7f\x00\x00\x00\x00\x00\x01\x00\x00", false},
	} {
		for _, c := range []*conn{opened(1 << 20), dialled(1 << 20)} {
			in := []byte("\x82" + tt.length)
			if !c.dialled {
				in[1] |= bitMask
			}
			n, err := Protocol.Input(in, c)
			if tt.bad != errors.Is(err, protocolError) && !c.dialled ||
				tt.bad != errors.Is(err, protocol.ErrBad) || tt.bad != (n == 0) {
				t.Errorf("%s, dialled %t: %d, %v", tt.name, c.dialled, n, err)
			}
		}
	}
}

func TestXorIsItsOwnInverse(t *testing.T) {
	want := strings.Repeat("0123456789", 10)
	for size := range len(want) {
		p := []byte(want[:size])
		xor(p, 0x3d21fa37)
		for i, b := range []byte(want[:size]) {
			if key := "\x37\xfa\x21\x3d"; p[i] != b^key[i%4] {
				t.Fatalf("%d bytes: byte %d is %#x, want %#x", size, i, p[i], b^key[i%4])
			}
		}
	}
}
