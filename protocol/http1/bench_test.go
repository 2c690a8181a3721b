package http1

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol"
)

const (
	smallGet = "GET / HTTP/1.1\r\nHost: 127.0.0.1:2345\r\n\r\n"

	browserGet = "GET /index.html?room=1 HTTP/1.1\r\nHost: www.example.com\r\n" +
		"Connection: keep-alive\r\nCache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
		"Chrome/120.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n" +
		"Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9,de;q=0.8\r\n" +
		"Cookie: visitor=0123456789abcdef0123456789; theme=dark\r\n\r\n"
)

// exchangeOnce returns one round: a request, what the author reads, an answer.
func exchangeOnce(wire string, answer any, read func(r *Request)) func() {
	c, p := newConn(), http1{}
	in := []byte(wire)
	out := make([]byte, 0, 4<<10)
	return func() {
		n, _ := p.Input(in, c)
		v, _ := p.Decode(in[:n], c)
		read(v.(*Request))
		out, _ = p.Encode(out[:0], answer, c)
		p.Sent(c)
	}
}

func readNothing(*Request) {}

func readPath(r *Request) { _ = r.Path() }

func TestExchangeDoesNotAllocate(t *testing.T) {
	tests := []struct {
		name, wire string
		answer     any
	}{
		{"small get", smallGet, "hello world"},
		{"browser", browserGet, "hello world"},
		{"response", smallGet, NewResponse(200, map[string]string{"X-A": "b"}, "hello")},
		{"chunked", chunkedHead + "0\r\n\r\n", "hello"},
	}
	for _, tt := range tests {
		if n := testing.AllocsPerRun(100, exchangeOnce(tt.wire, tt.answer, readPath)); n != 0 {
			t.Errorf("%s: %v allocations, want 0", tt.name, n)
		}
	}
}

func TestEncodeBytesDoesNotAllocate(t *testing.T) {
	c, body := newConn(), []byte("hello")
	out := make([]byte, 0, 4<<10)
	n := testing.AllocsPerRun(100, func() {
		out, _ = Protocol.(protocol.BytesEncoder).EncodeBytes(out[:0], body, c)
		http1{}.Sent(c)
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	if !strings.HasSuffix(string(out), "\r\nContent-Length: 5\r\n\r\nhello") {
		t.Errorf("answer %q", out)
	}
}

func BenchmarkExchange(b *testing.B) {
	benchmarks := []struct {
		name, wire string
		answer     any
		read       func(r *Request)
	}{
		{"SmallGet", smallGet, "hello world", readNothing},
		{"SmallGetPath", smallGet, "hello world", readPath},
		{"BrowserGet", browserGet, "hello world", readPath},
		{"Response", smallGet, NewResponse(200, map[string]string{"X-A": "b"}, "hello"), readNothing},
		{"Post4KB", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\n\r\n" +
			strings.Repeat("x", 4096), "ok", readNothing},
	}
	for _, bb := range benchmarks {
		b.Run(bb.name, func(b *testing.B) {
			round := exchangeOnce(bb.wire, bb.answer, bb.read)
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.wire)))
			for b.Loop() {
				round()
			}
		})
	}
}

func BenchmarkHeader(b *testing.B) {
	r := decoded(b, browserGet)
	b.ReportAllocs()
	for b.Loop() {
		_ = r.Header("cookie")
	}
}

func BenchmarkFile(b *testing.B) {
	for _, size := range []int{100, 4 << 10, maxInline} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			r := File(written(b, "a.html", strings.Repeat("x", size)))
			round := exchangeOnce(browserGet, r, readNothing)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				round()
			}
		})
	}
}

func BenchmarkFileOfPath(b *testing.B) {
	name := written(b, "a.bin", strings.Repeat("x", 4<<10))
	c, p, in, out := newConn(), http1{}, []byte(smallGet), make([]byte, 0, 8<<10)
	b.ReportAllocs()
	for b.Loop() {
		n, _ := p.Input(in, c)
		_, _ = p.Decode(in[:n], c)
		out, _ = p.Encode(out[:0], File(name), c)
		p.Sent(c)
	}
}

func BenchmarkGzip(b *testing.B) {
	var text strings.Builder
	for n := range 20_000 {
		fmt.Fprintf(&text, "<li class=\"row\">word %d of %x</li>\n", n, n*n)
	}
	p := []byte(text.String())
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		b.ReportMetric(float64(len(packed(p)))/float64(len(p)), "ratio")
	}
}

// BenchmarkFileSession is what a request costs that changes its session. TMPDIR
// says on which disk.
func BenchmarkFileSession(b *testing.B) {
	f, ctx, id := NewFileSessions(b.TempDir()), b.Context(), newSessionID()
	data := []byte(strings.Repeat("x", 200))
	b.ReportAllocs()
	for b.Loop() {
		unlock, err := f.Lock(ctx, id)
		if err == nil {
			_, err = f.Read(ctx, id)
		}
		if err == nil {
			err = f.Write(ctx, id, data, time.Hour)
		}
		if err != nil {
			b.Fatal(err)
		}
		unlock()
	}
}
