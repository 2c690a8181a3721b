package http1

import (
	"fmt"
	"strings"
	"testing"
)

func TestAccessors(t *testing.T) {
	r := decoded(t, "POST /a/b%2F?x=1&y HTTP/1.1\r\nHost: h:1\r\nAccept: a\r\naccept:b\r\n"+
		"X-Empty:\r\nContent-Length: 3\r\n\r\nabc")
	tests := []struct{ name, got, want string }{
		{"Method", r.Method(), "POST"},
		{"URI", r.URI(), "/a/b%2F?x=1&y"},
		{"Path", r.Path(), "/a/b%2F"},
		{"QueryString", r.QueryString(), "x=1&y"},
		{"Host", r.Host(), "h:1"},
		{"Header", r.Header("HOST"), "h:1"},
		{"Header of two lines", r.Header("Accept"), "a,b"},
		{"Header that is empty", r.Header("x-empty", "default"), ""},
		{"Header that is missing", r.Header("x-none"), ""},
		{"Header with a default", r.Header("x-none", "default"), "default"},
		{"Header of an empty name", r.Header("", "default"), "default"},
		{"Trailer", r.Trailer("x", "default"), "default"},
		{"RawBody", string(r.RawBody()), "abc"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s = %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestRequestIsThatOfItsCallback(t *testing.T) {
	c := newConn()
	var uris, hosts []string
	err := c.receive(func(r *Request) {
		uris = append(uris, r.URI())
		hosts = append(hosts, r.Host())
	}, []byte("GET /same HTTP/1.1\r\nHost: a\r\n\r\nGET /same HTTP/1.1\r\nHost: b\r\n\r\n"+
		"GET /other HTTP/1.1\r\nHost: c\r\n\r\nGET http://d HTTP/1.1\r\nHost: d\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(uris, " "); got != "/same /same /other /" {
		t.Errorf("URIs %s", got)
	}
	if got := strings.Join(hosts, " "); got != "a b c d" {
		t.Errorf("hosts %s", got)
	}
}

func TestGet(t *testing.T) {
	const query = "a=1&b=x%20y+z&c&=no&a=2&d.e=3&f%2Eg=4&%68=5&i=%zz%4&j=%C3%A9&k=1=2&++l=6&m%00n=7"
	r := decoded(t, "GET /?"+query+" HTTP/1.0\r\n\r\n")
	tests := []struct{ name, want string }{
		{"a", "2"},
		{"b", "x y z"},
		{"c", ""},
		{"", "default"},
		{"d_e", "3"},
		{"f_g", "4"},
		{"h", "5"},
		{"i", "%zz%4"},
		{"j", "é"},
		{"k", "1=2"},
		{"l", "6"},
		{"m", "7"},
		{"n", "default"},
		{"A", "default"},
	}
	for _, tt := range tests {
		if got := r.Get(tt.name, "default"); got != tt.want {
			t.Errorf("Get(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := decoded(t, "GET / HTTP/1.0\r\n\r\n").Get("a"); got != "" {
		t.Errorf("Get without a query = %q, want nothing", got)
	}
}

func TestHeaderOfManyLines(t *testing.T) {
	var lines strings.Builder
	for i := range 100 {
		fmt.Fprintf(&lines, "X-%d: %d\r\n", i, i)
	}
	r := decoded(t, "GET / HTTP/1.0\r\n"+lines.String()+"\r\n")
	for i := range 100 {
		if got, want := r.Header(fmt.Sprintf("x-%d", i)), fmt.Sprint(i); got != want {
			t.Errorf("header x-%d = %q, want %q", i, got, want)
		}
	}
}
