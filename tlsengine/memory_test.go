package tlsengine

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// crowd makes idle server Engines that once received a record of this size.
func crowd(t testing.TB, count int, version uint16, record int) []*pair {
	server, client := configs(version)
	tokens := NewTokens(1)
	all := make([]*pair, count)
	message := bytes.Repeat([]byte("x"), record)
	for i := range all {
		p := &pair{t: t, woken: make(chan bool, 4), cut: 64 << 10}
		wake := func() { p.woken <- true }
		p.server, p.client = Server(server, tokens, wake), Client(client, tokens, wake)
		p.shake()
		p.send(p.client, p.server, message)
		p.send(p.server, p.client, message)
		p.client.Close()
		p.client, p.woken = nil, nil
		all[i] = p
	}
	return all
}

// heap is the memory of live objects and stacks.
func heap() int64 {
	for range 3 { // the pools let go in the second
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func TestIdleEngineIsSmall(t *testing.T) {
	const count, limit = 200, 10_000
	crowd(t, 10, 0, 100) // what is made once
	for _, v := range versions {
		before := heap()
		all := crowd(t, count, v.id, 1<<10)
		each := (heap() - before) / count
		runtime.KeepAlive(all)
		t.Logf("%s: %d bytes", v.name, each)
		if each > limit {
			t.Errorf("%s: an idle Engine takes %d bytes, want at most %d", v.name, each, limit)
		}
		for _, p := range all {
			if p.server.in.head != nil || p.server.out.head != nil {
				t.Fatalf("%s: an idle Engine holds buffers", v.name)
			}
		}
	}
}

// roundTrip echoes message once.
func (p *pair) roundTrip(message, buffer []byte) {
	p.client.Write(message)
	p.carry(p.client, p.server)
	n, _ := p.server.Read(buffer)
	p.server.Write(buffer[:n])
	p.carry(p.server, p.client)
	p.client.Read(buffer)
}

func TestEchoAllocatesOnlyWhatCryptoTLSDoes(t *testing.T) {
	if raceEnabled {
		t.Skip("pools drop at random under the race detector")
	}
	p := established(t, tls.VersionTLS13)
	message, buffer := make([]byte, 1024), make([]byte, 4096)
	// For each record crypto/tls makes one reader, two in an echo.
	if got := testing.AllocsPerRun(100, func() { p.roundTrip(message, buffer) }); got > 2 {
		t.Errorf("%v allocations in an echo, want 2", got)
	}
}

func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{32, 1024, 16 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			p := established(b, tls.VersionTLS13)
			message, buffer := make([]byte, size), make([]byte, 32<<10)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				p.roundTrip(message, buffer)
			}
		})
	}
}

// BenchmarkRead is what the loop pays for 64 KiB of one read.
func BenchmarkRead(b *testing.B) {
	for _, size := range []int{1024, 16 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			p := established(b, tls.VersionTLS13)
			message, buffer := make([]byte, size), make([]byte, 64<<10)
			b.ReportAllocs()
			b.SetBytes(64 << 10)
			for b.Loop() {
				b.StopTimer()
				for range (64 << 10) / size {
					p.client.Write(message)
				}
				p.carry(p.client, p.server)
				b.StartTimer()
				for p.server.Buffered() {
					p.server.Read(buffer)
				}
			}
		})
	}
}

func BenchmarkHandshake(b *testing.B) {
	server, client := configs(0)
	tokens := NewTokens(1)
	b.ReportAllocs()
	for b.Loop() {
		newPair(b, server, client, tokens).shake().close()
	}
}

// BenchmarkIdle reports the private memory of idle connections.
func BenchmarkIdle(b *testing.B) {
	const count = 3000
	for b.Loop() {
		crowd(b, 10, 0, 100)
		before, private := heap(), rssAnon(b)
		all := crowd(b, count, 0, 1024)
		b.ReportMetric(float64(heap()-before)/count, "heap-B/conn")
		b.ReportMetric(float64(rssAnon(b)-private)/count, "private-B/conn")
		runtime.KeepAlive(all)
	}
}

// rssAnon is the private memory of this process, after returning what is free.
func rssAnon(t testing.TB) (n int64) {
	t.Helper()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	_, line, _ := strings.Cut(string(status), "RssAnon:")
	_, err = fmt.Sscan(line, &n)
	must(t, err)
	return n << 10
}
