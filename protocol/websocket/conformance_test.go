package websocket

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
)

// The cases of the Autobahn test suite that are not in the other tables, by its
// numbers. Each one runs whole and cut into single bytes.
func inPieces(t *testing.T, in []byte, run func(t *testing.T, pieces ...[]byte)) {
	t.Helper()
	t.Run("whole", func(t *testing.T) { run(t, in) })
	t.Run("cut", func(t *testing.T) { run(t, slices.Collect(slices.Chunk(in, 1))...) })
}

// Sections 3 and 4: reserved bits and opcodes.
func TestReservedFirstBytesAreRefused(t *testing.T) {
	for first := range 256 {
		op, rsv := opcode(first&bitsOpcode), first&bitsRSV
		known := op == opText || op == opBinary || op == opContinuation || op >= opClose && op <= opPong
		fin := first&bitFin != 0
		want := known && rsv == 0 && op != opContinuation && (fin || op&bitControl == 0)
		c := opened(1 << 20)
		_, err := c.receive(masked(byte(first), ""))
		if got := err == nil; got != want {
			t.Errorf("first byte %#x: error %v, want none: %t", first, err, want)
		}
	}
}

// Section 5: what may follow what.
func TestSequencesOfFrames(t *testing.T) {
	tests := []struct {
		number string
		in     []byte
		ok     bool
		want   []string
	}{
		{"5.1", join(masked(0x09, "a"), masked(0x80, "b")), false, nil},
		{"5.2", join(masked(0x0a, "a"), masked(0x80, "b")), false, nil},
		{"5.3", join(masked(0x01, "a"), masked(0x80, "b")), true, []string{"ab"}},
		{"5.6", join(masked(0x01, "a"), masked(0x89, "p"), masked(0x80, "b")), true, []string{"ab"}},
		{"5.9", join(masked(0x80, "a"), masked(0x81, "b")), false, nil},
		{"5.11", join(masked(0x80, "a"), masked(0x01, "b")), false, nil},
		{"5.12", join(masked(0x00, "a"), masked(0x81, "b")), false, nil},
		{"5.15", join(masked(0x01, "a"), masked(0x80, "b"), masked(0x00, "c"), masked(0x81, "d")),
			false, []string{"ab"}},
		{"5.16", join(masked(0x00, "a"), masked(0x01, "b"), masked(0x80, "c")), false, nil},
		{"5.18", join(masked(0x01, "a"), masked(0x01, "b")), false, nil},
		{"5.19", join(masked(0x01, "a"), masked(0x00, "b"), masked(0x89, "p"), masked(0x00, "c"),
			masked(0x00, "d"), masked(0x89, "p"), masked(0x80, "e")), true, []string{"abcde"}},
	}
	for _, tt := range tests {
		t.Run(tt.number, func(t *testing.T) {
			inPieces(t, tt.in, func(t *testing.T, pieces ...[]byte) {
				got, err := opened(1 << 20).receive(pieces...)
				if (err == nil) != tt.ok {
					t.Errorf("error %v, want none: %t", err, tt.ok)
				}
				wantMessages(t, got, tt.want...)
			})
		})
	}
}

// Section 6: the first and last characters of each length and their neighbours.
func TestTextIsUTF8(t *testing.T) {
	tests := []struct {
		text string
		ok   bool
	}{
		{"κόσμε", true}, {"\x00", true}, {"\x7f", true}, {"\u0080", true}, {"\u07ff", true},
		{"\u0800", true}, {"\ud7ff", true}, {"\ue000", true}, {"\ufffd", true}, {"\ufffe", true},
		{"\uffff", true}, {"\U00010000", true}, {"\U0001fffe", true}, {"\U0010ffff", true},
		{"\xf4\x90\x80\x80", false}, {"\xf8\x88\x80\x80\x80", false},
		{"\xfc\x84\x80\x80\x80\x80", false}, {"\x80", false}, {"\xbf\x80", false}, {"\xc0 ", false},
		{"\xe0 ", false}, {"\xf0 ", false}, {"\xfe", false}, {"\xff", false}, {"\xc0\xaf", false},
		{"\xe0\x80\xaf", false}, {"\xf0\x80\x80\xaf", false}, {"\xc1\xbf", false},
		{"\xe0\x9f\xbf", false}, {"\xf0\x8f\xbf\xbf", false}, {"\xc0\x80", false},
		{"\xed\xa0\x80", false}, {"\xed\xbf\xbf", false}, {"\xed\xa0\x80\xed\xb0\x80", false},
		{"\xce\xba\xe1\xbd", false}, {"κόσμε\xed\xa0\x80edited", false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q", tt.text), func(t *testing.T) {
			frames := masked(0x01, "")
			for i := range len(tt.text) {
				frames = append(frames, masked(0x00, tt.text[i:i+1])...)
			}
			frames = append(frames, masked(0x80, "")...)
			for _, in := range [][]byte{masked(0x81, tt.text), frames} {
				got, err := opened(1 << 20).receive(in)
				if (err == nil) != tt.ok || tt.ok && (len(got) != 1 || got[0] != tt.text) {
					t.Errorf("messages %q, error %v, want none: %t", got, err, tt.ok)
				}
			}
		})
	}
}

// Section 7: the codes that may travel.
func TestCloseCodes(t *testing.T) {
	valid := []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000,
		3999, 4000, 4999}
	invalid := []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}
	for _, code := range slices.Concat(valid, invalid) {
		want := slices.Contains(valid, code)
		c := opened(1 << 20)
		_, err := c.receive(closeFrame(uint16(code), "why"))
		if got := err == nil; got != want {
			t.Errorf("code %d: error %v, want none: %t", code, err, want)
		}
		answer := uint16(code)
		if !want {
			answer = codeProtocol
		}
		wantSent(t, c, "\x88\x02"+string(binary.BigEndian.AppendUint16(nil, answer)))
	}
}

// Section 9: large messages, in one frame and in many.
func TestLargeMessages(t *testing.T) {
	large := chat(1 << 20)
	for _, size := range []int{64, 1 << 10, 64 << 10, 1 << 20} {
		var frames []byte
		first := byte(0x01)
		for part := range slices.Chunk([]byte(large), size) {
			frames = append(frames, masked(first, string(part))...)
			first = 0x00
		}
		frames = append(frames, masked(0x80, "")...)
		got := opened(2<<20).mustReceive(t, slices.Collect(slices.Chunk(frames, 32<<10))...)
		if len(got) != 1 || got[0] != large {
			t.Errorf("fragments of %d bytes: %d messages, want the one sent", size, len(got))
		}
	}
}

// Sections 12 and 13: compressed messages in fragments of every kind.
func TestCompressedFragments(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		o := Options{ContextTakeover: takeover, MinSize: 1}
		sender, c := compressing(t, o, "permessage-deflate"), compressing(t, o, "permessage-deflate")
		for _, want := range []string{chat(72), noise(2000), chat(9000), chat(9000)} {
			sender.send(t, want)
			first, payload, _ := unframe(t, sender.flush())
			in := masked(first&^bitFin, "")
			for part := range slices.Chunk([]byte(payload), 7) {
				in = append(in, masked(0x00, string(part))...)
				in = append(in, masked(0x89, "")...)
			}
			in = append(in, masked(0x80, "")...)
			got := c.mustReceive(t, in)
			if len(got) != 1 || got[0] != want {
				t.Errorf("takeover %t: %d messages, want %.40q", takeover, len(got), want)
			}
		}
	}
}
