package http1

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// post is a request with a body of that type.
func post(contentType, body string) string {
	if contentType != "" {
		contentType = "Content-Type: " + contentType + "\r\n"
	}
	return fmt.Sprintf("POST /p HTTP/1.1\r\nHost: h\r\n%sContent-Length: %d\r\n\r\n%s",
		contentType, len(body), body)
}

func TestForm(t *testing.T) {
	const urlencoded = "application/x-www-form-urlencoded"
	tests := []struct {
		name, contentType, body string
		want                    Values
	}{
		{"urlencoded", urlencoded, "a=1+2&b[]=x", Values{"a": "1 2", "b": Values{"0": "x"}}},
		{"its charset", "Application/X-WWW-Form-URLencoded ; charset=utf-8", "a=1", Values{"a": "1"}},
		{"no type", "", "a=1", Values{"a": "1"}},
		{"no body", urlencoded, "", Values{}},
		{"text", "text/plain", "a=1", Values{}},
		{"JSON", "application/json", `{"a":"x","b":[1.50,true,null],"c":{"d.e":{}}}`, Values{
			"a": "x", "b": Values{"0": json.Number("1.50"), "1": true, "2": nil},
			"c": Values{"d.e": Values{}}}},
		{"JSON of another type", "Application/LD+JSON; x=y", `["a"]`, Values{"0": "a"}},
		{"no word", "application/jsonp", `{"a":1}`, Values{}},
		{"scalar", "application/json", `"a"`, Values{}},
		{"broken JSON", "application/json", `{"a":1`, Values{}},
		{"JSON in Latin-1", "application/json", "{\"a\":\"\xe9\"}", Values{}},
		{"two values", "application/json", `{"a":1} {"b":1}`, Values{}},
	}
	for _, tt := range tests {
		r := decoded(t, post(tt.contentType, tt.body))
		if got := r.Form(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestPost(t *testing.T) {
	r := decoded(t, post("application/json",
		`{"a":"x","n":1.50,"t":true,"f":false,"z":null,"o":{"p":7}}`))
	for name, want := range map[string]string{
		"a": "x", "n": "1.50", "t": "1", "f": "", "z": "default", "o": "default", "o[p]": "7",
		"none": "default",
	} {
		if got := r.Post(name, "default"); got != want {
			t.Errorf("Post(%q) = %q, want %q", name, got, want)
		}
	}
	var v struct{ N float64 }
	if err := r.JSON(&v); err != nil || v.N != 1.5 {
		t.Errorf("JSON = %v, %v", v, err)
	}
	if err := decoded(t, post("", "{")).JSON(&v); err == nil {
		t.Error("broken JSON has no error")
	}
}

func TestCookies(t *testing.T) {
	r := decoded(t, "GET / HTTP/1.1\r\nHost: h\r\n"+
		"Cookie: a=1; b=x=y;c; =d; e = f ;g=\"h\"; a=2;;i=%20\r\nCOOKIE: j=k\r\n\r\n")
	want := map[string]string{"a": "1", "b": "x=y", "e": "f", "g": `"h"`, "i": "%20", "j": "k"}
	if got := r.Cookies(); !reflect.DeepEqual(got, want) {
		t.Errorf("cookies %q, want %q", got, want)
	}
	for name, value := range want {
		if got := r.Cookie(name, "default"); got != value {
			t.Errorf("Cookie(%q) = %q, want %q", name, got, value)
		}
	}
	for _, name := range []string{"c", "", "d", "A"} {
		if got := r.Cookie(name, "default"); got != "default" {
			t.Errorf("Cookie(%q) = %q, want the default", name, got)
		}
	}
}

// What does not fit a head is refused, and what fits costs nothing to look at.
func TestManyCookiesAndHeaders(t *testing.T) {
	for name, lines := range map[string]string{
		"cookies": "Cookie: " + strings.Repeat("ab=c;", 10_000) + "\r\n",
		"headers": strings.Repeat("A: b\r\n", 10_000),
	} {
		c := newConn()
		_, err := c.summaries([]byte("GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n"))
		if err == nil || !strings.HasPrefix(string(c.sent), "HTTP/1.1 431 ") {
			t.Errorf("10,000 %s: %v, %q", name, err, c.sent)
		}
	}
	r := decoded(t, "GET / HTTP/1.1\r\nHost: h\r\nCookie: "+strings.Repeat("a=;", 5000)+"b=1\r\n\r\n")
	if n := testing.AllocsPerRun(10, func() { r.Cookie("c") }); n != 0 {
		t.Errorf("Cookie allocates %v times", n)
	}
	if r.Cookie("b") != "1" || len(r.Cookies()) != 2 {
		t.Errorf("cookies %v", r.Cookies())
	}
}

func TestPartsOfTheHead(t *testing.T) {
	const head = "GET /a HTTP/1.0\r\nHost: H.example:80\r\nA: b"
	r := decoded(t, head+"\r\n\r\n")
	tests := []struct{ name, got, want string }{
		{"HostName", r.HostName(), "H.example"},
		{"HostName of IPv6", decoded(t, "GET / HTTP/1.1\r\nHost: [::1]:8\r\n\r\n").HostName(), "::1"},
		{"HostName that is missing", decoded(t, "GET / HTTP/1.0\r\n\r\n").HostName(), ""},
		{"ProtocolVersion", r.ProtocolVersion(), "1.0"},
		{"RawHead", string(r.RawHead()), head},
		{"RemoteIP without one", r.RemoteIP(), ""},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s = %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

// addressed is a connection that knows its peer.
type addressed struct{ conn }

func (*addressed) RemoteIP() string { return "192.0.2.1" }
func (*addressed) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}
}

func TestStd(t *testing.T) {
	c := &addressed{*newConn()}
	wire := []byte("POST /a%20b?c=d HTTP/1.1\r\nHost: h\r\na: 1\r\nA: 2\r\n" +
		"Content-Type: text/plain\r\nConnection: close\r\n" +
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n")
	if n, err := (http1{}).Input(wire, c); n != len(wire) || err != nil {
		t.Fatal(n, err)
	}
	v, err := http1{}.Decode(wire, c)
	if err != nil {
		t.Fatal(err)
	}
	r := v.(*Request)
	std := r.Std()
	http1{}.Released(c)
	clear(wire)
	body, err := io.ReadAll(std.Body)
	if err != nil || string(body) != "abc" || std.ContentLength != 3 {
		t.Errorf("body %q of %d, %v", body, std.ContentLength, err)
	}
	want := http.Header{"A": {"1", "2"}, "Content-Type": {"text/plain"}, "Connection": {"close"}}
	if !reflect.DeepEqual(std.Header, want) {
		t.Errorf("header %v, want %v", std.Header, want)
	}
	if std.URL.Path != "/a b" || std.URL.RawQuery != "c=d" || std.Method != "POST" ||
		std.Host != "h" || std.Proto != "HTTP/1.1" || !std.Close || std.RequestURI != "/a%20b?c=d" ||
		std.RemoteAddr != "192.0.2.1:80" || std.Trailer.Get("T") != "u" {
		t.Errorf("request %+v", std)
	}
	if r.RemoteIP() != "192.0.2.1" {
		t.Errorf("RemoteIP %q", r.RemoteIP())
	}
	u := decoded(t, "GET /%zz?a=b HTTP/1.0\r\n\r\n").Std().URL
	if u.Path != "/%zz" || u.RawQuery != "a=b" {
		t.Errorf("URL %v", u)
	}
}

// A request has nothing of the one before it.
func TestRequestBeginsEmpty(t *testing.T) {
	c := newConn()
	var seen []string
	err := c.receive(func(r *Request) {
		seen = append(seen, fmt.Sprint(r.Data, r.Query(), r.Form()))
		r.Data = "mine"
		c.send(t, "answer")
		http1{}.Released(c)
	}, []byte("GET /?a=1 HTTP/1.1\r\nHost: h\r\n\r\n"), []byte(post("", "b=2")))
	if want := []string{"<nil> map[a:1] map[]", "<nil> map[] map[b:2]"}; err != nil ||
		!reflect.DeepEqual(seen, want) {
		t.Errorf("requests %q, %v, want %q", seen, err, want)
	}
}
