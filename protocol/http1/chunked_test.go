package http1

import (
	"strings"
	"testing"
)

const chunkedHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"

func TestChunkedBodies(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "0\r\n\r\n", `body="" length=0 type=- sum=-`},
		{"one", "5\r\nhello\r\n0\r\n\r\n", `body="hello" length=5 type=- sum=-`},
		{"several", "5\r\nhello\r\n1\r\n \r\n005\r\nworld\r\n000\r\n\r\n",
			`body="hello world" length=11 type=- sum=-`},
		{"hexadecimal", "A\r\n0123456789\r\n0\r\n\r\n", `body="0123456789" length=10 type=- sum=-`},
		{"extension", "2;a=\"b\"\r\nhi\r\n0;x\r\n\r\n", `body="hi" length=2 type=- sum=-`},
		{"line ends in the data", "4\r\n\r\n\r\n\r\n0\r\n\r\n",
			`body="\r\n\r\n" length=4 type=- sum=-`},
		{"trailers", "2\r\nhi\r\n0\r\nSum:  1 \r\nno colon\r\nsum: 2\r\n\r\n",
			`body="hi" length=2 type=- sum=2`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			next := "GET /next HTTP/1.0\r\n\r\n"
			got, err := newConn().summaries([]byte(chunkedHead + tt.in + next))
			if err != nil {
				t.Fatal(err)
			}
			wantRequests(t, got, "POST / host=a "+tt.want,
				`GET /next host= body="" length=- type=- sum=-`)
		})
	}
}

func TestChunkedBodyHidesItsEncoding(t *testing.T) {
	r := decoded(t, chunkedHead+"2\r\nhi\r\n0\r\n\r\n")
	if got := r.Header("transfer-encoding", "none"); got != "none" {
		t.Errorf("transfer-encoding %q, want none", got)
	}
}

func TestChunkedRefused(t *testing.T) {
	const (
		bad   = "400 Bad Request"
		large = "413 Payload Too Large"
		big   = "431 Request Header Fields Too Large"
	)
	lines := strings.Repeat("X: "+strings.Repeat("y", 100)+"\r\n", 200)
	tests := []struct{ name, in, status string }{
		{"no size", "\r\n", bad},
		{"no number", "x\r\n", bad},
		{"blank before the size", " 1\r\n", bad},
		{"blank behind the size", "1 \r\n", bad},
		{"negative", "-1\r\n", bad},
		{"prefix", "0x1\r\n", bad},
		{"17 digits", "00000000000000001\r\n", bad},
		{"more than an int64", "8000000000000000\r\n", bad},
		{"bare line feed", "1\n", bad},
		{"data too long", "1\r\nab\r\n", bad},
		{"bare line feed behind the data", "1\r\na\n0", bad},
		{"carriage return in an extension", "1;a\rb\r\n", bad},
		{"endless size line", "1;" + strings.Repeat("x", maxSizeLineBytes), bad},
		{"announced beyond the limit", "100000\r\n", large},
		{"largest announced", "7fffffffffffffff\r\n", large},
		{"sum beyond the limit", "8000\r\n" + strings.Repeat("x", 0x8000) + "\r\n8000\r\n", large},
		{"bare line feed in the trailers", "0\r\na\n", bad},
		{"trailers beyond the limit of heads", "0\r\n" + lines, big},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConn()
			c.max = 64 << 10
			if got, err := c.summaries([]byte(chunkedHead + tt.in)); err == nil {
				t.Fatalf("requests %q, want an error", got)
			}
			wantSent(t, c, "HTTP/1.1 "+tt.status+"\r\nConnection: close\r\n\r\n")
		})
	}
}
