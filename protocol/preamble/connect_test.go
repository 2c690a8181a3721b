package preamble

import (
	"errors"
	"strings"
	"testing"
)

const asked = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n"

func TestConnectAsksForTheTarget(t *testing.T) {
	for _, c := range []struct{ host, user, password, want string }{
		{"example.org", "", "", asked},
		{"example.org", "", "secret", asked},
		{"192.0.2.1", "", "", "CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: 192.0.2.1:443\r\n\r\n"},
		{"::1", "", "", "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"},
		// The example of RFC 7617 section 2.
		{"example.org", "Aladdin", "open sesame", "CONNECT example.org:443 HTTP/1.1\r\n" +
			"Host: example.org:443\r\n" +
			"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"},
	} {
		if got := string(Connect(c.host, 443, c.user, c.password).Start()); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestConnectIsDoneBehindTheHeadOf2xx(t *testing.T) {
	for _, head := range []string{
		"HTTP/1.1 200 Connection established\r\n\r\n",
		"HTTP/1.0 200\r\n\r\n",
		"HTTP/1.1 204 \r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
			"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n",
	} {
		got := everyCut(t, askExample, head+"\r\nhello", maxReplyBytes)
		if want := (outcome{sent: asked, rest: "\r\nhello", done: true}); got != want {
			t.Errorf("%q: %+v, want %+v", head, got, want)
		}
	}
}

func askExample() Preamble { return Connect("example.org", 443, "", "") }

func TestConnectQuotesTheStatus(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
			"http proxy: 407 Proxy Authentication Required"},
		{"HTTP/1.0 502\r\n", "http proxy: 502"},
		{"HTTP/1.0 502 \r\n", "http proxy: 502"},
		{"HTTP/1.1 301 Moved\r\n", "http proxy: 301 Moved"},
		{"HTTP/1.1 101 Switching Protocols\r\n\r\n", "http proxy: 101 Switching Protocols"},
		{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\n", "http proxy: 403 No"},
		{"HTTP/1.1 500 a\x1b[2J\nb\xff\r\n", "http proxy: 500 a?[2J?b?"},
		{"HTTP/1.1 500 " + strings.Repeat("x", 300) + "\r\n",
			"http proxy: 500 " + strings.Repeat("x", 200)},
		{"SSH-2.0-OpenSSH\r\n", errConnectAnswer.Error()},
		{"\x15\x03\x01\x00\x02\x02\x16", errConnectAnswer.Error()},
		{"HTTP/2.0 200 OK\r\n\r\n", errConnectAnswer.Error()},
		{"HTTP/1.1  200 OK\r\n\r\n", errConnectAnswer.Error()},
		{"HTTP/1.1 2000 OK\r\n\r\n", errConnectAnswer.Error()},
		{"HTTP/1.1 +20 OK\r\n\r\n", errConnectAnswer.Error()},
		{"HTTP/1.10 200 OK\r\n\r\n", errConnectAnswer.Error()},
		{"HTTP/1.1 100 Continue\r\n\r\nhello", errConnectAnswer.Error()},
	} {
		want := outcome{sent: asked, err: c.want}
		if got := everyCut(t, askExample, c.in, maxReplyBytes); got != want {
			t.Errorf("%q: %+v, want error %q", c.in, got, c.want)
		}
	}
}

func TestConnectBoundsTheHeads(t *testing.T) {
	const line, blank = "HTTP/1.1 200 OK\r\nX: ", "\r\n\r\n"
	fits := line + strings.Repeat("x", maxReplyBytes-len(line)-len(blank)) + blank
	interims := strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxReplyBytes/25+1)
	for _, size := range []int{1000, 1 << 20} {
		for _, c := range []struct {
			in   string
			want outcome
		}{
			{fits + "hello", outcome{sent: asked, rest: "hello", done: true}},
			{line + "x" + fits[len(line):], outcome{sent: asked, err: errConnectHead.Error()}},
			{"HTTP/1.1 " + fits, outcome{sent: asked, err: errConnectAnswer.Error()}},
			{"HTTP/1.1 200 " + strings.Repeat("x", maxReplyBytes),
				outcome{sent: asked, err: errConnectHead.Error()}},
			{interims + fits, outcome{sent: asked, err: errConnectHead.Error()}},
		} {
			if got := drive(t, askExample(), []byte(c.in), size, maxReplyBytes); got != c.want {
				t.Errorf("%.30q of %d by %d: %+v, want %+v", c.in, len(c.in), size, got, c.want)
			}
		}
	}
}

func TestConnectTellsWhatItCannotAsk(t *testing.T) {
	for _, c := range []struct {
		host, user string
		want       error
	}{
		{"", "", errConnectHost},
		{"a\r\nX: y", "", errConnectHost},
		{"a b", "", errConnectHost},
		{"a/b", "", errConnectHost},
		{"me@a", "", errConnectHost},
		{"a:80", "", errConnectHost},
		{"[::1]", "", errConnectHost},
		{"bücher.example", "", errConnectHost},
		{"fe80::1%eth0", "", errConnectHost},
		{"a", "me:you", errConnectUser},
		{"Xn--a_b.example.", "me", nil},
		{"2001:db8::1", "", nil},
	} {
		p := Connect(c.host, 1, c.user, "a:b")
		if err := Err(p); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c, err, c.want)
		}
		if c.want == nil {
			continue
		}
		if got := drive(t, p, []byte("H"), 1, 1); got != (outcome{err: c.want.Error()}) {
			t.Errorf("%+v: %+v, want it to fail without asking", c, got)
		}
	}
}
