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
		{"trailers", "2\r\nhi\r\n0\r\nSum:  1 \r\nother:\r\nsum: 2\r\n\r\n",
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
	setDate(t)
	lines := strings.Repeat("X: "+strings.Repeat("y", 100)+"\r\n", 200)
	tests := []struct {
		name, in string
		want     error
	}{
		{"no size", "\r\n", badChunk},
		{"extension without a size", ";a\r\n", badChunk},
		{"no number", "x\r\n", badChunk},
		{"blank before the size", " 1\r\n", badChunk},
		{"blank behind the size", "1 \r\n", badChunk},
		{"blank in the size", "1 1\r\n", badChunk},
		{"tab behind the size", "1\t\r\n", badChunk},
		{"negative", "-1\r\n", badChunk},
		{"plus", "+1\r\n", badChunk},
		{"prefix", "0x1\r\n", badChunk},
		{"underscore", "1_0\r\n", badChunk},
		{"nul behind the size", "1\x00\r\n", badChunk},
		{"17 digits", "00000000000000001\r\n", badChunk},
		{"17 digits that overflow to 1", "10000000000000001\r\n", badChunk},
		{"more than an int64", "8000000000000000\r\n", badChunk},
		{"all of a uint64", "ffffffffffffffff\r\n", badChunk},
		{"bare line feed", "1\n", badLineEnd},
		{"bare carriage return", "1\ra\r\n", badChunk},
		{"two carriage returns", "1\r\r\n", badChunk},
		{"data too long", "1\r\nab\r\n", badChunk},
		{"data too short", "2\r\na\r\n0\r\n\r\n", badChunk},
		{"bare line feed behind the data", "1\r\na\n0", badChunk},
		{"bare carriage return behind the data", "1\r\na\r0", badChunk},
		{"carriage return in an extension", "1;a\rb\r\n", badChunk},
		{"line feed in an extension", "1;a\nb\r\n", badLineEnd},
		{"endless size line", "1;" + strings.Repeat("x", maxSizeLineBytes), badChunk},
		{"announced beyond the limit", "100000\r\n", tooLarge},
		{"largest announced", "7fffffffffffffff\r\n", tooLarge},
		{"sum beyond the limit", "8000\r\n" + strings.Repeat("x", 0x8000) + "\r\n8000\r\n", tooLarge},
		{"bare line feed in the trailers", "0\r\na\n", badLineEnd},
		{"bare line feed at the end", "0\r\n\n", badLineEnd},
		{"trailer without a colon", "0\r\na\r\n\r\n", badTrailer},
		{"trailer without a name", "0\r\n: a\r\n\r\n", badTrailer},
		{"trailer with a blank before the colon", "0\r\na : b\r\n\r\n", badTrailer},
		{"folded trailer", "0\r\na: b\r\n c\r\n\r\n", badTrailer},
		{"bare carriage return in the trailers", "0\r\na: b\rc\r\n\r\n", badTrailer},
		{"nul in the trailers", "0\r\na: \x00\r\n\r\n", badTrailer},
		{"request where the trailers are", "0\r\nGET / HTTP/1.1\r\n\r\n", badTrailer},
		{"trailers beyond the limit of heads", "0\r\n" + lines, headTooBig},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConn()
			c.max = 64 << 10
			got, err := c.summaries([]byte(chunkedHead + tt.in))
			if err == nil || err.Error() != tt.want.Error() {
				t.Fatalf("requests %q, error %v, want %v", got, err, tt.want)
			}
			wantSent(t, c, refusal(tt.want))
		})
	}
}
