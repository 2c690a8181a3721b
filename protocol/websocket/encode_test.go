package websocket

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unsafe"
)

func TestEncode(t *testing.T) {
	medium, long := strings.Repeat("m", 126), strings.Repeat("l", 1<<16)
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"string", "hello", "\x81\x05hello"},
		{"bytes", []byte("hello"), "\x81\x05hello"},
		{"empty", "", "\x81\x00"},
		{"125 bytes", medium[:125], "\x81\x7d" + medium[:125]},
		{"126 bytes", medium, "\x81\x7e\x00\x7e" + medium},
		{"65535 bytes", long[:1<<16-1], "\x81\x7e\xff\xff" + long[:1<<16-1]},
		{"65536 bytes", long, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + long},
		{"number", 1.5, "\x81\x031.5"},
		{"json", map[string]string{"type": "é"}, "\x81\x0d" + `{"type":"é"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Protocol.Encode([]byte("before"), tt.v, opened(1<<20))
			if err != nil || string(got) != "before"+tt.want {
				t.Errorf("Encode = %.40q, %v, want %.40q", got, err, "before"+tt.want)
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	got, err := Protocol.Encode([]byte("kept"), fmt.Errorf("boom"), opened(1<<20))
	if err == nil || string(got) != "kept" {
		t.Errorf("Encode of an error = %q, %v, want to be refused", got, err)
	}
}

func TestEncodeBinary(t *testing.T) {
	c := opened(1 << 20)
	got, err := plain.EncodeBinary([]byte("before"), []byte("\xff\x00"), c)
	if err != nil || string(got) != "before\x82\x02\xff\x00" {
		t.Errorf("EncodeBinary = %q, %v", got, err)
	}
	early := &conn{max: 1 << 20}
	if got, err := plain.EncodeBinary(nil, []byte("e"), early); err != nil || len(got) != 0 {
		t.Errorf("before the handshake: %q, %v, want nothing yet", got, err)
	}
	early.mustReceive(t, []byte(request))
	wantSent(t, early, switching+"\x82\x01e")
}

func TestEchoDoesNotAllocate(t *testing.T) {
	for _, size := range []int{32, 4 << 10} {
		if n := testing.AllocsPerRun(100, echo(size)); n != 0 {
			t.Errorf("%d bytes: %v allocations per message, want 0", size, n)
		}
		if n := testing.AllocsPerRun(100, echoOfClient(size)); n != 0 {
			t.Errorf("%d bytes, dialled: %v allocations per message, want 0", size, n)
		}
	}
}

// echo returns one round of a message of size bytes.
func echo(size int) func() {
	p, c := plain, opened(1<<20)
	in := masked(0x81, strings.Repeat("x", size))
	work := bytes.Clone(in)
	out := make([]byte, 0, len(in))
	return func() {
		copy(work, in) // unmasking changed it
		n, _ := p.Input(work, c)
		m, _ := p.DecodeBytes(work[:n], c)
		out, _ = p.EncodeBytes(out[:0], m, c)
	}
}

// echoOfClient is echo on a dialled connection.
func echoOfClient(size int) func() {
	p, c := plain, dialled(1<<20)
	in := bare(0x81, strings.Repeat("x", size))
	out := make([]byte, 0, len(in)+maskBytes)
	return func() {
		n, _ := p.Input(in, c)
		m, _ := p.DecodeBytes(in[:n], c)
		out, _ = p.EncodeBytes(out[:0], m, c)
	}
}

// Idle connections are many: what each of them keeps is 24 bytes.
func TestSessionIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(session{}); n > 24 {
		t.Errorf("a session has %d bytes", n)
	}
}

func BenchmarkEcho(b *testing.B) {
	for name, size := range map[string]int{"32B": 32, "4KB": 4 << 10} {
		b.Run(name, func(b *testing.B) {
			round := echo(size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				round()
			}
		})
	}
}

func BenchmarkEchoOfClient(b *testing.B) {
	b.ReportAllocs()
	round := echoOfClient(32)
	for b.Loop() {
		round()
	}
}

func BenchmarkHandshake(b *testing.B) {
	b.ReportAllocs()
	c := &conn{max: 1 << 20}
	for b.Loop() {
		c.state, c.sent, c.events = nil, c.sent[:0], c.events[:0]
		_, _, _ = c.step([]byte(request))
	}
}
