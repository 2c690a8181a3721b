package http1

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

const hostLine = "Host: a\r\n"

func TestAcceptedRequests(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"get", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", `GET / host=a body=""`},
		{"options", "OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n", `OPTIONS /a host=a body=""`},
		{"delete", "DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n", `DELETE /a host=a body=""`},
		{"patch", "PATCH /a HTTP/1.1\r\nHost: a\r\n\r\n", `PATCH /a host=a body=""`},
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
		{"absolute target", "GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
			`GET /x?y host=b:81 body=""`},
		{"absolute target without a path", "GET HTTPS://b HTTP/1.1\r\nHost: a\r\n\r\n",
			`GET / host=b body=""`},
		{"absolute target with a query only", "GET http://b?y HTTP/1.1\r\nHost: a\r\n\r\n",
			`GET /?y host=b body=""`},
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
	tests := []struct{ name, in string }{
		{"lower-case method", "get / HTTP/1.1\r\n"},
		{"unknown method", "TRACE / HTTP/1.1\r\n"},
		{"no method", " / HTTP/1.1\r\n"},
		{"no target", "GET HTTP/1.1\r\n"},
		{"empty target", "GET  HTTP/1.1\r\n"},
		{"target without slash", "GET a HTTP/1.1\r\n"},
		{"asterisk", "OPTIONS * HTTP/1.1\r\n"},
		{"blank in the target", "GET /a b HTTP/1.1\r\n"},
		{"control in the target", "GET /\x01 HTTP/1.1\r\n"},
		{"del in the target", "GET /\x7f HTTP/1.1\r\n"},
		{"absolute target without host", "GET http:///x HTTP/1.1\r\n"},
		{"absolute target of another scheme", "GET ftp://a/x HTTP/1.1\r\n"},
		{"lower-case version", "GET / http/1.1\r\n"},
		{"version 2", "GET / HTTP/2.0\r\n"},
		{"version 1.10", "GET / HTTP/1.10\r\n"},
		{"no version", "GET /\r\n"},
		{"bare line feed", "GET / HTTP/1.1\n"},
		{"line feed first", "\nGET / HTTP/1.1\r\n"},
		{"no host", "GET / HTTP/1.1\r\n\r\n"},
		{"two hosts", line("Host: a", "Host: a")},
		{"two hosts with 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"},
		{"empty host", line("Host: ")},
		{"host without a name", line("Host: :80")},
		{"host with path", line("Host: a/b")},
		{"port that is no number", line("Host: a:b")},
		{"host with an empty port", line("Host: a:")},
		{"host in an open bracket", line("Host: [::1")},
		{"blank before the colon", line("Host: a", "X : y")},
		{"folded line", line("Host: a", " folded")},
		{"no name", line("Host: a", ": x")},
		{"no colon", line("Host: a", "X")},
		{"name with a bracket", line("Host: a", "X[]: y")},
		{"carriage return in a value", line("Host: a", "X: a\rb")},
		{"nul in a long value", line("Host: a", "X: 0123456789\x000123456789")},
		{"line feed in a value", line("Host: a", "X: a\nb")},
		{"two lengths", line("Host: a", "Content-Length: 1", "Content-Length: 1")},
		{"signed length", line("Host: a", "Content-Length: +1")},
		{"length list", line("Host: a", "Content-Length: 1,1")},
		{"empty length", line("Host: a", "Content-Length:")},
		{"length and encoding",
			line("Host: a", "Content-Length: 1", "Transfer-Encoding: chunked")},
		{"other encoding", line("Host: a", "Transfer-Encoding: gzip, chunked")},
		{"two encodings",
			line("Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConn()
			if got, err := c.summaries([]byte(tt.in)); !errors.Is(err, protocol.ErrBad) {
				t.Fatalf("requests %q, error %v, want a bad packet", got, err)
			}
			wantSent(t, c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
		})
	}
}

func TestHeadOfTheLargestSize(t *testing.T) {
	const tooBig = "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n"
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
				wantSent(t, c, "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n\r\n")
			}
		})
	}
}

func TestPipelining(t *testing.T) {
	got, err := newConn().summaries([]byte("GET /1 HTTP/1.1\r\n" + hostLine + "\r\n" +
		"POST /2 HTTP/1.1\r\n" + hostLine + "Content-Length: 2\r\n\r\nhi" +
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
