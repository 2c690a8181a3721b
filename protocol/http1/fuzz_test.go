package http1

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// FuzzCut demands the same requests and the same end however the bytes are cut.
func FuzzCut(f *testing.F) {
	f.Add([]byte("GET /a?b=c HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"), 1)
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"+
		"GET / HTTP/1.0\r\n\r\n"), 3)
	f.Add([]byte(chunkedHead+"5;x\r\nhello\r\n0\r\nSum: 1\r\n\r\n"+"GET http://b HTTP/1.1\r\n"), 2)
	f.Add([]byte("PUT / HTTP/1.1\r\nConnection: close\r\nHost: [::1]:1\r\n\r\nrest"), 7)
	f.Add([]byte("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\nGET"), 1)
	f.Add([]byte("GET / HTTP/1.1\nHost: a\n\n"), 2)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		for _, limit := range []int{120, 64 << 10} {
			whole, cut := &conn{max: limit}, &conn{max: limit}
			want, wantErr := whole.summaries(in)
			got, err := cut.summaries(slices.Collect(slices.Chunk(in, max(size, 1)))...)
			if !slices.Equal(got, want) {
				t.Errorf("cut by %d: requests %q; whole: %q", size, got, want)
			}
			if !sameError(err, wantErr) {
				t.Errorf("cut by %d: error %v; whole: %v", size, err, wantErr)
			}
		}
	})
}

func sameError(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// TestCutNearTheBounds is the fuzz property where a fuzzer seldom comes: around
// the largest heads, size lines and trailers.
func TestCutNearTheBounds(t *testing.T) {
	pad := func(n int) string { return strings.Repeat("x", n) }
	head := "GET / HTTP/1.1\r\nHost: a\r\nX: "
	var inputs []string
	for n := -4; n <= 4; n++ {
		size := maxHeadBytes - len(head) + n
		inputs = append(inputs,
			head+pad(size)+"\r\n\r\n",
			head+pad(size)+"\n\n",
			head+pad(size-6)+"\r\nY: z\r\n\r\n",
			head+pad(size)+"\r\n\rx\r\n",
			chunkedHead+"1;"+pad(maxSizeLineBytes+n-4)+"\r\na\r\n0\r\n\r\n",
			chunkedHead+"1\r\na\r\n0\r\nX: "+pad(maxHeadBytes+n-5)+"\r\n\r\n")
	}
	for _, in := range inputs {
		want, wantErr := newConn().summaries([]byte(in))
		for at := max(len(in)-24, 0); at < len(in); at++ {
			pieces := [][]byte{[]byte(in[:at])}
			for _, b := range []byte(in[at:]) {
				pieces = append(pieces, []byte{b})
			}
			got, err := newConn().summaries(pieces...)
			if !sameError(err, wantErr) || !slices.Equal(got, want) {
				t.Fatalf("...%q cut at %d: %d requests, %v; whole: %d, %v",
					in[len(in)-24:], at, len(got), err, len(want), wantErr)
			}
		}
	}
}

// FuzzEncode demands that no header of the author changes where a message ends.
func FuzzEncode(f *testing.F) {
	f.Add("X-A", "b", "body", 200)
	f.Add("Transfer-Encoding", "chunked", "5\r\n", 404)
	f.Add("X\r\nY", "a\r\n\r\n", "", 304)
	f.Fuzz(func(t *testing.T, name, value, body string, status int) {
		c := newConn()
		r := NewResponse(status, nil, body)
		r.Header = map[string][]string{name: {value}}
		out, err := http1{}.Encode(nil, r, c)
		if err != nil {
			return
		}
		head, rest, _ := bytes.Cut(out, []byte("\r\n\r\n"))
		want := body
		if status != 0 && bodiless(status) {
			want = ""
		}
		if string(rest) != want {
			t.Errorf("behind the head %q, want the body %q", rest, want)
		}
		if n := bytes.Count(head, []byte("\n")); n > 5 {
			t.Errorf("%d lines in %q", n, head)
		}
	})
}
