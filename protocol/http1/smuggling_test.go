package http1

import (
	"strings"
	"testing"
)

// TestSmugglingIsRefused has the requests whose end two programs see in
// different places, and those that two programs take for different hosts.
func TestSmugglingIsRefused(t *testing.T) {
	const chunked = "Transfer-Encoding: chunked"
	post := func(lines ...string) string {
		return "POST / HTTP/1.1\r\nHost: a\r\n" + strings.Join(lines, "\r\n") +
			"\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	}
	tests := []struct {
		name, in string
		want     error
	}{
		{"two equal lengths", post("Content-Length: 5", "Content-Length: 5"), badLength},
		{"two lengths", post("Content-Length: 5", "Content-Length: 0"), badLength},
		{"list of equal lengths", post("Content-Length: 5, 5"), badLength},
		{"list of lengths", post("Content-Length: 5,0"), badLength},
		{"length with a plus", post("Content-Length: +5"), badLength},
		{"length with a minus", post("Content-Length: -5"), badLength},
		{"length in hexadecimal", post("Content-Length: 0x5"), badLength},
		{"length with a blank", post("Content-Length: 5 0"), badLength},
		{"length with a point", post("Content-Length: 5.0"), badLength},
		{"empty length", post("Content-Length:"), badLength},
		{"length with a vertical tab", post("Content-Length: \v5"), badHeader},
		{"length with a nul", post("Content-Length: 5\x00"), badHeader},
		{"length with a blank before the colon", post("Content-Length : 5"), badHeader},
		{"folded length", post("Content-Length:", " 5"), badLength},
		{"folded length behind another header", post("X: y", " Content-Length: 5"), badHeader},

		{"length and encoding", post("Content-Length: 5", chunked), twoLengths},
		{"encoding and length", post(chunked, "Content-Length: 5"), twoLengths},
		{"length of 0 and encoding", post("Content-Length: 0", chunked), twoLengths},
		{"encoding with version 1.0",
			"POST / HTTP/1.0\r\n" + chunked + "\r\n\r\n0\r\n\r\n", twoLengths},
		{"two encodings", post(chunked, chunked), badEncoding},
		{"encodings in two lines", post(chunked, "Transfer-Encoding: identity"), badEncoding},
		{"encodings in two lines, chunked last", post("Transfer-Encoding: x", chunked), badEncoding},
		{"gzip, chunked", post("Transfer-Encoding: gzip, chunked"), badEncoding},
		{"chunked, identity", post("Transfer-Encoding: chunked, identity"), badEncoding},
		{"chunked, chunked", post("Transfer-Encoding: chunked, chunked"), badEncoding},
		{"identity", post("Transfer-Encoding: identity"), badEncoding},
		{"xchunked", post("Transfer-Encoding: xchunked"), badEncoding},
		{"chunkedx", post("Transfer-Encoding: chunkedx"), badEncoding},
		{"comma behind chunked", post("Transfer-Encoding: chunked,"), badEncoding},
		{"comma before chunked", post("Transfer-Encoding: ,chunked"), badEncoding},
		{"parameter of chunked", post("Transfer-Encoding: chunked;q=1"), badEncoding},
		{"quoted chunked", post(`Transfer-Encoding: "chunked"`), badEncoding},
		{"empty encoding", post("Transfer-Encoding:"), badEncoding},
		{"encoding beyond ASCII", post("Transfer-Encoding: \u212Achunked"), badEncoding},
		{"no-break space before chunked", post("Transfer-Encoding: \xa0chunked"), badEncoding},
		{"vertical tab before chunked", post("Transfer-Encoding: \vchunked"), badHeader},
		{"carriage return before chunked", post("Transfer-Encoding: \rchunked"), badHeader},
		{"nul behind chunked", post("Transfer-Encoding: chunked\x00"), badHeader},
		{"line feed before chunked", post("Transfer-Encoding:\n chunked"), badLineEnd},
		{"folded encoding", post("Transfer-Encoding:", " chunked"), badEncoding},
		{"encoding with a blank before the colon", post("Transfer-Encoding : chunked"), badHeader},
		{"encoding with a nul in its name", post("Transfer-Encoding\x00: chunked"), badHeader},
		{"encoding behind a bare line feed", post("X: y\nTransfer-Encoding: chunked"), badLineEnd},
		{"encoding behind a bare carriage return", post("X: y\rTransfer-Encoding: chunked"), badHeader},

		{"absolute target of another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", otherHost},
		{"absolute target of another port", "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", otherHost},
		{"port of another scheme", "GET http://a:443/ HTTP/1.1\r\nHost: a\r\n\r\n", otherHost},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantRefused(t, tt.in, tt.want) })
	}
}

// What looks like the length of a message and is none.
func TestOtherHeadersDoNotTellTheLength(t *testing.T) {
	next := "GET /next HTTP/1.0\r\n\r\n"
	tests := []struct{ name, lines, want string }{
		{"underscore", "Content_Length: 9\r\n", `body=""`},
		{"prefix", "X-Content-Length: 9\r\nX-Transfer-Encoding: chunked\r\n", `body=""`},
		{"zeros in front", "Content-Length: 000\r\n", `body=""`},
		{"blanks and tabs around", "Content-Length: \t 0 \t\r\n", `body=""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newConn().summaries([]byte(
				"POST / HTTP/1.1\r\nHost: a\r\n" + tt.lines + "\r\n" + next))
			if err != nil || len(got) != 2 || !strings.Contains(got[0], tt.want) {
				t.Errorf("requests %q, %v, want one with %s and the next", got, err, tt.want)
			}
		})
	}
}

// Trailers are read when host and length are known, and change neither.
func TestTrailersDecideNothing(t *testing.T) {
	got, err := newConn().summaries([]byte(chunkedHead + "2\r\nhi\r\n0\r\nContent-Length: 9\r\n" +
		"Transfer-Encoding: gzip\r\nHost: b\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n" +
		"GET /next HTTP/1.0\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	wantRequests(t, got, `POST / host=a body="hi" length=2 type=- sum=-`,
		`GET /next host= body="" length=- type=- sum=-`)
}
