package http1

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

const hostLine = "Host: a\r\n"

func TestAcceptedRequests(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"head", "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n", `HEAD /a host=a body=""`},
		{"put", "PUT /a HTTP/1.1\r\nHost: a\r\n\r\n", `PUT /a host=a body=""`},
		{"get", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", `GET / host=a body=""`},
		{"options", "OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n", `OPTIONS /a host=a body=""`},
		{"delete", "DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n", `DELETE /a host=a body=""`},
		{"patch", "PATCH /a HTTP/1.1\r\nHost: a\r\n\r\n", `PATCH /a host=a body=""`},
		{"post without a length", "POST /a HTTP/1.1\r\nHost: a\r\n\r\n", `POST /a host=a body=""`},
		{"version 1.9", "GET / HTTP/1.9\r\nHost: a\r\n\r\n", `GET / host=a body=""`},
		{"version 1.0 without host", "GET / HTTP/1.0\r\n\r\n", `GET / host= body=""`},
		{"utf-8 in the target", "GET /é?x HTTP/1.1\r\nHost: a\r\n\r\n", `GET /é?x host=a body=""`},
		{"host with port", "GET / HTTP/1.1\r\nHost: a.b:80\r\n\r\n", `GET / host=a.b:80 body=""`},
		{"address as host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", `GET / host=[::1]:80 body=""`},
		{"blanks around the host", "GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n", `GET / host=a body=""`},
		{"body with get", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
			`GET / host=a body="hi"`},
		{"body", "POST / HTTP/1.1\r\ncontent-length:  2 \r\nhost:a\r\n\r\nhi",
			`POST / host=a body="hi"`},
		{"absolute target", "GET http://b:81/x?y HTTP/1.1\r\nHost: B:81\r\n\r\n",
			`GET /x?y host=b:81 body=""`},
		{"absolute target without a path", "GET HTTPS://b HTTP/1.1\r\nHost: b:443\r\n\r\n",
			`GET / host=b body=""`},
		{"absolute target with a query only", "GET http://b:80?y HTTP/1.1\r\nHost: b\r\n\r\n",
			`GET /?y host=b:80 body=""`},
		{"absolute target of version 1.0", "GET http://b/x HTTP/1.0\r\n\r\n",
			`GET /x host=b body=""`},
		{"empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", `GET / host=a body=""`},
		{"no blank behind the colons", "GET / HTTP/1.1\r\nHost:a\r\nX:y\r\n\r\n",
			`GET / host=a body=""`},
		{"name with an underscore as host", "GET / HTTP/1.1\r\nHost: a_b.c\r\n\r\n",
			`GET / host=a_b.c body=""`},
		{"bytes beyond ASCII in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \xff\r\n\r\n",
			`GET / host=a body=""`},
		{"empty value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n", `GET / host=a body=""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newConn().summaries([]byte(tt.in))
			if err != nil || len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
				t.Errorf("requests %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestBadRequests(t *testing.T) {
	line := func(lines ...string) string {
		return "POST / HTTP/1.1\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	tests := []struct {
		name, in string
		want     error
	}{
		{"lower-case method", "get / HTTP/1.1\r\n", badStart},
		{"unknown method", "TRACE / HTTP/1.1\r\n", badMethod},
		{"unknown method that is long", "PROPFIND / HTTP/1.1\r\n", badStart},
		{"no method", " / HTTP/1.1\r\n", badStart},
		{"no target", "GET HTTP/1.1\r\n", badLine},
		{"empty target", "GET  HTTP/1.1\r\n", badLine},
		{"target without slash", "GET a HTTP/1.1\r\n", badTarget},
		{"asterisk", "OPTIONS * HTTP/1.1\r\n", badTarget},
		{"authority", "OPTIONS a:80 HTTP/1.1\r\n", badTarget},
		{"blank in the target", "GET /a b HTTP/1.1\r\n", badTarget},
		{"control in the target", "GET /\x01 HTTP/1.1\r\n", badTarget},
		{"nul in the target", "GET /\x00 HTTP/1.1\r\n", badTarget},
		{"del in the target", "GET /\x7f HTTP/1.1\r\n", badTarget},
		{"absolute target without host", "GET http:///x HTTP/1.1\r\n", badTarget},
		{"absolute target with a user", "GET http://u@a/x HTTP/1.1\r\n", badTarget},
		{"absolute target with a fragment", "GET http://a#x HTTP/1.1\r\n", badTarget},
		{"absolute target of another scheme", "GET ftp://a/x HTTP/1.1\r\n", badTarget},
		{"lower-case version", "GET / http/1.1\r\n", badVersion},
		{"version 2", "GET / HTTP/2.0\r\n", badVersion},
		{"preface of version 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", badVersion},
		{"version 1.10", "GET / HTTP/1.10\r\n", badVersion},
		{"version that is no number", "GET / HTTP/1.x\r\n", badVersion},
		{"no version", "GET /\r\n", badLine},
		{"blank behind the version", "GET / HTTP/1.1 \r\n", badVersion},
		{"tab between the words", "GET\t/\tHTTP/1.1\r\n", badStart},
		{"bare line feed", "GET / HTTP/1.1\n", badLineEnd},
		{"bare carriage return", "GET / HTTP/1.1\rHost: a\r\n", badVersion},
		{"line feed first", "\nGET / HTTP/1.1\r\n", badStart},
		{"carriage return first", "\rGET / HTTP/1.1\r\n", badStart},
		{"two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n", badStart},
		{"tls", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", badStart},
		{"no host", "GET / HTTP/1.1\r\n\r\n", noHost},
		{"absolute target and no host", "GET http://a/ HTTP/1.1\r\n\r\n", noHost},
		{"two hosts", line("Host: a", "Host: a"), manyHosts},
		{"two hosts with 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", manyHosts},
		{"empty host", line("Host: "), badHost},
		{"host without a name", line("Host: :80"), badHost},
		{"host with path", line("Host: a/b"), badHost},
		{"host with a backslash", line("Host: a\\b"), badHost},
		{"host with a query", line("Host: a?b"), badHost},
		{"host with a user", line("Host: u@a"), badHost},
		{"host with a user and a port", line("Host: u:1@a"), badHost},
		{"list of hosts", line("Host: a,b"), badHost},
		{"list of hosts with a blank", line("Host: a, b"), badHost},
		{"host that is no ASCII", line("Host: \u00e9"), badHost},
		{"port that is no number", line("Host: a:b"), badHost},
		{"port and more", line("Host: a:80b"), badHost},
		{"two ports", line("Host: a:80:81"), badHost},
		{"signed port", line("Host: a:+80"), badHost},
		{"host with an empty port", line("Host: a:"), badHost},
		{"host in an open bracket", line("Host: [::1"), badHost},
		{"brackets around a name", line("Host: [a]"), badHost},
		{"brackets around nothing", line("Host: []"), badHost},
		{"brackets around an address of IPv4", line("Host: [127.0.0.1]"), badHost},
		{"address with a zone", line("Host: [fe80::1%eth0]"), badHost},
		{"address without brackets", line("Host: ::1"), badHost},
		{"text behind the brackets", line("Host: [::1]a"), badHost},
		{"blank before the colon", line("Host: a", "X : y"), badHeader},
		{"tab before the colon", line("Host: a", "X\t: y"), badHeader},
		{"folded line", line("Host: a", " folded"), badHeader},
		{"line folded with a tab", line("Host: a", "\tfolded"), badHeader},
		{"folded first line", line(" Host: a"), badHeader},
		{"no name", line("Host: a", ": x"), badHeader},
		{"no colon", line("Host: a", "X"), badHeader},
		{"name with a bracket", line("Host: a", "X[]: y"), badHeader},
		{"nul in a name", line("Host: a", "X\x00: y"), badHeader},
		{"name that is no ASCII", line("Host: a", "\u00e9: y"), badHeader},
		{"carriage return in a value", line("Host: a", "X: a\rb"), badHeader},
		{"carriage return in a name", line("Host: a", "X\r: b"), badHeader},
		{"two carriage returns", line("Host: a", "X: a\r"), badHeader},
		{"nul in a long value", line("Host: a", "X: 0123456789\x000123456789"), badHeader},
		{"line feed in a value", line("Host: a", "X: a\nb"), badLineEnd},
		{"bare line feed in front of the blank line", "GET / HTTP/1.1\r\nHost: a\n\r\n", badLineEnd},
		{"bare line feed as the blank line", "GET / HTTP/1.1\r\nHost: a\r\n\n", badLineEnd},
		{"carriage return as the blank line", "GET / HTTP/1.1\r\nHost: a\r\n\rGET / HTTP/1.1\r\n",
			badHeader},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantRefused(t, tt.in, tt.want) })
	}
}

// wantRefused demands that in is answered with the error want, whole and byte by
// byte.
func wantRefused(t *testing.T, in string, want error) {
	t.Helper()
	setDate(t)
	for _, size := range []int{len(in), 1} {
		c := newConn()
		got, err := c.summaries(slices.Collect(slices.Chunk([]byte(in), size))...)
		if len(got) != 0 || !errors.Is(err, protocol.ErrBad) || err.Error() != want.Error() {
			t.Fatalf("pieces of %d: requests %q, error %v, want %v", size, got, err, want)
		}
		wantSent(t, c, refusal(want))
	}
}

// refusal is what the peer reads when an error ends its connection.
func refusal(err error) string {
	reply := string(err.(*protocol.Reject).Reply)
	line, rest, _ := strings.Cut(reply, "\r\n")
	return line + "\r\n" + dateLine + rest
}

func TestRefusalSaysWhy(t *testing.T) {
	setDate(t)
	const head = "HTTP/1.1 400 Bad Request\r\n" + dateLine + "Connection: close\r\n" +
		"Content-Type: text/plain;charset=utf-8\r\nContent-Length: 22\r\n\r\n"
	for in, want := range map[string]string{
		"GET / HTTP/1.1\r\n:\r\n":  head + "malformed header line\n",
		"HEAD / HTTP/1.1\r\n:\r\n": head,
	} {
		c := newConn()
		_, _ = c.summaries([]byte(in))
		wantSent(t, c, want)
	}
}

func TestHeadOfTheLargestSize(t *testing.T) {
	setDate(t)
	tooBig := refusal(headTooBig)
	start := "GET / HTTP/1.1\r\nHost: a\r\nX: "
	tests := []struct {
		name    string
		blankAt int
		end     string
		want    int
		sent    string
	}{
		{"last that fits", maxHeadBytes - 1, "\r\n\r\n", 1, ""},
		{"first that does not", maxHeadBytes, "\r\n\r\n", 0, tooBig},
		{"unfinished that may fit", maxHeadBytes - 1, "\r\n", 0, ""},
		{"unfinished that cannot", maxHeadBytes, "", 0, tooBig},
		{"more lines", maxHeadBytes - 1, "\r\nY: z\r\n\r\n", 0, tooBig},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConn()
			in := start + strings.Repeat("x", tt.blankAt-len(start)) + tt.end
			got, _ := c.summaries([]byte(in))
			if len(got) != tt.want {
				t.Errorf("%d requests, want %d", len(got), tt.want)
			}
			wantSent(t, c, tt.sent)
		})
	}
}

func TestRequestTooLarge(t *testing.T) {
	setDate(t)
	head := "POST / HTTP/1.1\r\nHost: a\r\n"
	tests := []struct {
		name, in string
		ok       bool
	}{
		{"exactly", head + "Content-Length: 2\r\n\r\nhi", true},
		{"one more", head + "Content-Length: 3\r\n\r\n", false},
		{"absurd", head + "Content-Length: 99999999999999999999999999\r\n\r\n", false},
		{"head alone", head + "X: " + strings.Repeat("x", 40) + "\r\n\r\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConn()
			c.max = len(head + "Content-Length: 2\r\n\r\nhi")
			_, err := c.summaries([]byte(tt.in))
			if (err == nil) != tt.ok {
				t.Fatalf("error %v, want none: %t", err, tt.ok)
			}
			if err != nil {
				wantSent(t, c, refusal(tooLarge))
			}
		})
	}
}

func TestPipelining(t *testing.T) {
	got, err := newConn().summaries([]byte("GET /1 HTTP/1.1\r\n" + hostLine + "\r\n" +
		"\r\nPOST /2 HTTP/1.1\r\n" + hostLine + "Content-Length: 2\r\n\r\nhi\r\n" +
		"GET /3 HTTP/1.1\r\n" + hostLine + "\r\nGET /4"))
	if err != nil {
		t.Fatal(err)
	}
	wantRequests(t, got, `GET /1 host=a body="" length=- type=- sum=-`,
		`POST /2 host=a body="hi" length=2 type=- sum=-`,
		`GET /3 host=a body="" length=- type=- sum=-`)
}

// Requests as net/http writes them.
func TestRequestsOfNetHTTP(t *testing.T) {
	var wire bytes.Buffer
	plain, _ := http.NewRequest("POST", "http://a:80/x?y=1", strings.NewReader("hello"))
	plain.Header.Set("Content-Type", "text/plain")
	chunked, _ := http.NewRequest("PUT", "http://a/z", struct{ *strings.Reader }{
		strings.NewReader("hello world")})
	chunked.Trailer = http.Header{"Sum": {"42"}}
	chunked.ContentLength = -1
	proxied, _ := http.NewRequest("GET", "http://b/p", nil)
	for _, err := range []error{plain.Write(&wire), chunked.Write(&wire), proxied.WriteProxy(&wire)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := newConn().summaries(wire.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	wantRequests(t, got, `POST /x?y=1 host=a:80 body="hello" length=5 type=text/plain sum=-`,
		`PUT /z host=a body="hello world" length=11 type=- sum=42`,
		`GET /p host=b body="" length=- type=- sum=-`)
}
