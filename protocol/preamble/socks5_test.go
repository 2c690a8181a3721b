package preamble

import (
	"errors"
	"strings"
	"testing"
)

// maxSocksBytes is what SOCKS5 may wait for.
const maxSocksBytes = 4 + 1 + 255 + 2

const (
	opened   = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	openName = "\x05\x01\x00\x03\x0bexample.org\x01\xbb"
)

func TestSOCKS5SpeaksAsTheProxyAnswers(t *testing.T) {
	const login = "\x01\x02me\x06secret"
	for _, c := range []struct{ name, host, user, in, sent string }{
		{"no authentication", "example.org", "", "\x05\x00" + opened, "\x05\x01\x00" + openName},
		{"the proxy wants no password", "example.org", "me", "\x05\x00" + opened,
			"\x05\x02\x00\x02" + openName},
		{"password", "example.org", "me", "\x05\x02" + "\x01\x00" + opened,
			"\x05\x02\x00\x02" + login + openName},
		{"IPv4", "192.0.2.1", "", "\x05\x00" + opened,
			"\x05\x01\x00" + "\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb"},
		{"mapped", "::ffff:192.0.2.1", "", "\x05\x00" + opened,
			"\x05\x01\x00" + "\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb"},
		{"IPv6", "::1", "", "\x05\x00" + opened,
			"\x05\x01\x00" + "\x05\x01\x00\x04" + strings.Repeat("\x00", 15) + "\x01\x01\xbb"},
		{"bound to IPv6", "example.org", "", "\x05\x00\x05\x00\x00\x04" + strings.Repeat("x", 18),
			"\x05\x01\x00" + openName},
		{"bound to a name", "example.org", "", "\x05\x00\x05\x00\x00\x03\xff" + strings.Repeat("x", 257),
			"\x05\x01\x00" + openName},
		{"bound to no name", "example.org", "", "\x05\x00\x05\x00\x00\x03\x00\x00\x00",
			"\x05\x01\x00" + openName},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := everyCut(t, func() Preamble { return SOCKS5(c.host, 443, c.user, "secret") },
				c.in+"\x05hello", maxSocksBytes)
			if want := (outcome{sent: c.sent, rest: "\x05hello", done: true}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func TestSOCKS5SaysWhyItFailed(t *testing.T) {
	for _, c := range []struct{ name, user, in, want string }{
		{"another protocol", "", "HTTP/1.1 400 Bad Request\r\n\r\n", "the answer is not SOCKS5"},
		{"SOCKS4", "", "\x00\x5b", "the answer is not SOCKS5"},
		{"password missing", "", "\x05\xff", "wants a user and password"},
		{"password not offered", "", "\x05\x02", "wants an authentication that was not offered"},
		{"other methods only", "me", "\x05\xff", "wants an authentication that was not offered"},
		{"GSSAPI", "me", "\x05\x01", "wants an authentication that was not offered"},
		{"password refused", "me", "\x05\x02\x01\x01", "user or password refused"},
		{"verdict of another version", "me", "\x05\x02\x05\x00", "the answer is not SOCKS5"},
		{"answer of another version", "", "\x05\x00\x04\x5a", "the answer is not SOCKS5"},
		{"unreachable, cut short", "", "\x05\x00\x05\x04", "host unreachable"},
		{"refused", "", "\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", "connection refused"},
		{"unknown code", "", "\x05\x00\x05\x2a\x00", "refused with code 42"},
		{"address of type 2", "", "\x05\x00\x05\x00\x00\x02x", "unknown type of address in the answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := everyCut(t, func() Preamble { return SOCKS5("example.org", 443, c.user, "x") },
				c.in, maxSocksBytes)
			if want := "socks5 proxy: " + c.want; got.err != want {
				t.Errorf("error %q, want %q", got.err, want)
			}
		})
	}
}

func TestSOCKS5TellsWhatItCannotAsk(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		host, user, password string
		want                 error
	}{
		{"", "", "", errSocksHost},
		{long, "", "", errSocksHost},
		{"fe80::1%eth0", "", "", errSocksHost},
		{"example.org", long, "", errSocksUser},
		{"example.org", "me", long, errSocksUser},
		{long[:255], long[:255], long[:255], nil},
	} {
		p := SOCKS5(c.host, 1, c.user, c.password)
		if err := Err(p); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c, err, c.want)
		}
		if c.want == nil {
			continue
		}
		if got := drive(t, p, []byte("\x05"), 1, 1); got != (outcome{err: c.want.Error()}) {
			t.Errorf("%+v: %+v, want it to fail without asking", c, got)
		}
	}
}
