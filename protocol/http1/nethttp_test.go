package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

// What this package and net/http both accept has to mean the same to both: a
// proxy in front, or behind, may be the other.

// The parts of the corpus, which has all their combinations.
var (
	corpusLines = []string{
		"GET / HTTP/1.1", "POST /a?b=c&d HTTP/1.1", "HEAD //a//b HTTP/1.1", "PUT /%2e%2e/%00 HTTP/1.1",
		"GET /é HTTP/1.1", "GET /a#b HTTP/1.1", "GET /a;b=c:80@d HTTP/1.1", "GET /http://c/ HTTP/1.1",
		"GET http://a/x?y HTTP/1.1", "GET HTTP://a HTTP/1.1", "GET http://a?b HTTP/1.1",
		"GET https://a:443/ HTTP/1.1", "GET http://a:80/ HTTP/1.1", "GET http://b/ HTTP/1.1",
		"GET http://u@a/ HTTP/1.1", "GET http://a@b/ HTTP/1.1", "GET http:a HTTP/1.1",
		"GET / HTTP/1.0", "GET http://a/ HTTP/1.0", "POST / HTTP/1.9", "GET / HTTP/2.0", "GET / HTTP/0.9",
		"GET / HTTP/1.01", "GET / HTTP/1.1 ", "GET  / HTTP/1.1", " GET / HTTP/1.1", "get / HTTP/1.1",
		"OPTIONS * HTTP/1.1", "OPTIONS a:80 HTTP/1.1", "GET\t/ HTTP/1.1", "GET /a b HTTP/1.1", "",
	}
	corpusHeads = []string{
		"", "Host: a", "Host: a:80", "host:\ta \t", "Host: A", "Host: [::1]:80", "Host: a\nHost: a",
		"Host: a\nHost: b", "Host: u@a", "Host: a, b", "Host : a", "Host:", "Host: a/b", "Host: [a]",
		"Host: a\nX: 1\nx: 2\nX:\t3 ", "Host: a\nX:", "Host: a\nX: é\xff", "Host: a\nX: \x00",
		"Host: a\nX: a\x7f", "Host: a\n: b", "Host: a\nX", "Host: a\n X: b", "Host: a\nX: a\n b",
		"Host: a\nConnection: close", "Host: a\nConnection: a, CLOSE\nConnection: keep-alive",
		"Host: a\nConnection: closed", "Host: a\nConnection: keep-alive", "Host: a\nConnection: \"close\"",
		"Host: a\nContent-Length: 5", "Host: a\nContent-Length: 005", "Host: a\nContent-Length: +5",
		"Host: a\nContent-Length: 5, 5", "Host: a\nContent-Length: 5\nContent-Length: 5",
		"Host: a\nContent-Length: 5\nContent-Length: 6", "Host: a\nContent-Length : 5",
		"Host: a\nContent-Length: 0x5", "Host: a\nContent-Length:", "Host: a\nContent-Length: 5 5",
		"Host: a\nContent-Length: 18446744073709551621", "Host: a\nContent_Length: 5",
		"Host: a\nTransfer-Encoding: chunked", "Host: a\nTransfer-Encoding:\tCHUNKED\t",
		"Host: a\nTransfer-Encoding: chunked\nContent-Length: 5", "Host: a\nTransfer-Encoding : chunked",
		"Host: a\nTransfer-Encoding: gzip, chunked", "Host: a\nTransfer-Encoding: chunked, identity",
		"Host: a\nTransfer-Encoding: identity", "Host: a\nTransfer-Encoding: xchunked",
		"Host: a\nTransfer-Encoding: \vchunked", "Host: a\nTransfer-Encoding:", "Host: a\nX: a\rb",
		"Host: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked",
		"Host: a\nTransfer-Encoding: chunked\nTransfer-Encoding: identity",
		"Host: a\nTransfer-Encoding: chunked\nTrailer: Sum", "Host: a\nTE: trailers\nTrailer: X",
		"Host: a\nTransfer-Encoding: chunked\nTrailer: Content-Length",
		"Host: a\nExpect: 100-continue", "Host: a\nPragma: no-cache", "Host: a\nCookie: a=b\nCookie: c=d",
	}
	corpusBodies = []string{
		"", "hello", "5\r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n", "0\r\n\r\n", "00\r\n\r\n", "0x0\r\n\r\n",
		"5;a=b\r\nhello\r\n0;c\r\nSum: 1\r\nsum: 2\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
		"+5\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX0\r\n\r\n", "0\r\nContent-Length: 9\r\nHost: b\r\n\r\n",
		"0\r\nX\r\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\nX: a\r\n b\r\n\r\n", "0\r\nX: a\rb\r\n\r\n",
		"0000000000000005\r\nhello\r\n0\r\n\r\n", "00000000000000005\r\nhello\r\n0\r\n\r\n",
		"ffffffffffffffff\r\nhello", "10000000000000005\r\nhello\r\n0\r\n\r\n", "5;\rx\r\nhello\r\n0\r\n\r\n",
	}
)

// corpus calls fn with all combinations, each with another request behind it.
func corpus(fn func(in []byte)) {
	for _, line := range corpusLines {
		for _, head := range corpusHeads {
			for _, body := range corpusBodies {
				in := line + "\r\n"
				for header := range strings.SplitSeq(head, "\n") {
					if header != "" {
						in += header + "\r\n"
					}
				}
				fn([]byte(in + "\r\n" + body + "GET /next HTTP/1.0\r\n\r\n"))
			}
		}
	}
}

func TestAgainstNetHTTP(t *testing.T) {
	all, both := 0, 0
	corpus(func(in []byte) {
		all++
		if sameMeaning(t, in) {
			both++
		}
	})
	if both < all/20 {
		t.Errorf("both accept %d of %d requests, which tells too little", both, all)
	}
	t.Logf("both accept %d of %d requests", both, all)
}

// The fuzz property of FuzzCut, for a part of the corpus.
func TestCorpusByteByByte(t *testing.T) {
	n := 0
	corpus(func(in []byte) {
		if n++; n%17 != 0 {
			return
		}
		want, wantErr := newConn().summaries(in)
		got, err := newConn().summaries(slices.Collect(slices.Chunk(in, 1))...)
		if !slices.Equal(got, want) || !sameError(err, wantErr) {
			t.Errorf("%q\nbyte by byte: %q, %v; whole: %q, %v", in, got, err, want, wantErr)
		}
	})
}

func FuzzAgainstNetHTTP(f *testing.F) {
	seeds := 0
	corpus(func(in []byte) {
		if seeds++; seeds%401 == 0 {
			f.Add(in)
		}
	})
	f.Add([]byte("GET http://b:81/x HTTP/1.1\r\nHost: B:81\r\nX: 1\r\nx: 2\r\n\r\n"))
	f.Add([]byte(chunkedHead + "2\r\nhi\r\n0\r\nSum: 1\r\n\r\nGET / HTTP/1.0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) { sameMeaning(t, in) })
}

// sameMeaning compares the first request of in; it is false when one of the two
// refuses it.
func sameMeaning(t *testing.T, in []byte) bool {
	t.Helper()
	reader := bufio.NewReader(bytes.NewReader(in))
	theirs, err := http.ReadRequest(reader)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(theirs.Body)
	if err != nil {
		return false
	}
	rest, _ := io.ReadAll(reader)
	c, accepted := newConn(), false
	_, _ = c.step(bytes.Clone(in), func(ours *Request) {
		accepted = true
		for name, d := range differences(ours, theirs, c.state.(*exchange).due&closes != 0) {
			if d[0] != d[1] {
				t.Errorf("%q\n%s: %q, net/http: %q", in, name, d[0], d[1])
			}
		}
		if n := len(in) - len(rest); !bytes.Equal(ours.RawBody(), body) || len(ours.frame) != n {
			t.Errorf("%q\nbody %q, %d bytes in all; net/http: %q, %d",
				in, ours.RawBody(), len(ours.frame), body, n)
		}
	})
	return accepted
}

// differences has for each property what it is here and in net/http.
func differences(ours *Request, theirs *http.Request, closing bool) map[string][2]string {
	d := map[string][2]string{
		"method": {ours.Method(), theirs.Method},
		"host":   {ours.Host(), theirs.Host},
		"target": {ours.URI(), originForm(theirs.RequestURI)},
		"minor":  {string(ours.head.minor + '0'), string(rune(theirs.ProtoMinor + '0'))},
		"close":  {yes(closing), yes(theirs.Close)},
	}
	known := []string{"Host", "Transfer-Encoding", "Trailer", "Content-Length"}
	if theirs.Header.Get("Pragma") != "" { // net/http adds one for it
		known = append(known, "Cache-Control")
	}
	names := map[string]bool{}
	for name := range theirs.Header {
		names[name] = true
	}
	head := string(ours.frame[ours.head.headers : ours.head.length-2])
	for line := range strings.Lines(head) {
		name, _, _ := strings.Cut(line, ":")
		names[textproto.CanonicalMIMEHeaderKey(name)] = true
	}
	for name := range names {
		if !slices.Contains(known, name) {
			d["header "+name] = [2]string{ours.Header(name), strings.Join(theirs.Header[name], ",")}
		}
	}
	for name, values := range theirs.Trailer {
		last := ""
		if len(values) > 0 {
			last = values[len(values)-1]
		}
		d["trailer "+name] = [2]string{ours.Trailer(name), last}
	}
	return d
}

func yes(b bool) string { return map[bool]string{true: "yes", false: "no"}[b] }

// originForm is a target without the scheme and the host it may have.
func originForm(target string) string {
	if strings.HasPrefix(target, "/") {
		return target
	}
	_, rest, _ := strings.Cut(target, "://")
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		return "/" + strings.TrimPrefix(rest[i:], "/")
	}
	return "/"
}
