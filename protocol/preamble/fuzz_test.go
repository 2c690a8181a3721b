package preamble

import (
	"bufio"
	"bytes"
	"net"
	"net/netip"
	"testing"

	"github.com/pires/go-proxyproto"
)

// FuzzHeader demands the same outcome however the bytes are cut, a bound on what
// is waited for, and that another reader of the protocol sees the same
// addresses in what is accepted.
func FuzzHeader(f *testing.F) {
	for _, in := range []string{"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET",
		"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n", "PROXY UNKNOWN x\r\n", "\r\nhello",
		binaryHeader(0x21, 0x11, inet+"\x02\x00\x01a"), binaryHeader(0x20, 0, "x"),
		binaryHeader(0x21, 0x31, string(make([]byte, 216))), loadBalancer, captured + "x"} {
		f.Add([]byte(in), 1)
		f.Add([]byte(in), 7)
	}
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		var whole, cut Header
		want := drive(t, &whole, in, len(in), maxHeaderBytes)
		got := drive(t, &cut, in, size, maxHeaderBytes)
		if got != want || cut != whole {
			t.Errorf("cut by %d: %+v %+v; whole: %+v %+v", size, got, cut, want, whole)
		}
		if yes, maybe := Looks(in); yes && maybe || whole.Present && !yes {
			t.Errorf("looks like a header: %v, maybe %v; header: %+v", yes, maybe, whole)
		}
		if whole.Present && !whole.Local {
			readsTheSame(t, in, whole, len(in)-len(want.rest))
		}
	})
}

// readsTheSame demands that go-proxyproto reads h from in, and that it ends
// after length bytes.
func readsTheSame(t *testing.T, in []byte, h Header, length int) {
	t.Helper()
	reader := bufio.NewReaderSize(bytes.NewReader(in), len(in)+maxHeaderBytes)
	other, err := proxyproto.Read(reader)
	if err != nil {
		t.Fatalf("go-proxyproto: %v; read here: %+v", err, h)
	}
	if source, to := addrPort(other.SourceAddr), addrPort(other.DestinationAddr); source != h.Source ||
		to != h.Destination {
		t.Errorf("go-proxyproto: %v -> %v; read here: %+v", source, to, h)
	}
	if used := len(in) - reader.Buffered(); used != length {
		t.Errorf("go-proxyproto: %d bytes; read here: %d", used, length)
	}
}

func addrPort(a net.Addr) netip.AddrPort {
	ap := netip.MustParseAddrPort(a.String())
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// FuzzHeaderOfAnotherWriter demands that what go-proxyproto writes is read as it
// was meant.
func FuzzHeaderOfAnotherWriter(f *testing.F) {
	f.Add([]byte("\xc0\x00\x02\x01"), uint16(1), byte(1), "")
	f.Add([]byte("\xc0\x00\x02\x01"), uint16(65535), byte(2), "example.org")
	f.Add([]byte("0123456789abcdef"), uint16(0), byte(1), "")
	f.Add(netip.MustParseAddr("::ffff:192.0.2.1").AsSlice(), uint16(80), byte(2), "x")
	f.Fuzz(func(t *testing.T, ip []byte, port uint16, version byte, authority string) {
		addr, ok := netip.AddrFromSlice(ip)
		if !ok || version != 1 && version != 2 || len(authority) > 1000 {
			return
		}
		end := &net.TCPAddr{IP: ip, Port: int(port)}
		written := proxyproto.HeaderProxyFromAddrs(version, end, end)
		if version == 2 {
			tlv := proxyproto.TLV{Type: proxyproto.PP2_TYPE_AUTHORITY, Value: []byte(authority)}
			if err := written.SetTLVs([]proxyproto.TLV{tlv}); err != nil {
				t.Fatal(err)
			}
		} else {
			authority = ""
		}
		in, err := written.Format()
		if err != nil {
			t.Fatal(err)
		}
		var h Header
		got := drive(t, &h, append(in, "rest"...), len(in), maxHeaderBytes)
		if got.err == errAuthority.Error() {
			return
		}
		at := netip.AddrPortFrom(addr.Unmap(), port)
		want := Header{Source: at, Destination: at, Present: true, Authority: authority}
		if got != (outcome{rest: "rest", done: true}) || h != want {
			t.Errorf("%q: %+v %+v, want %+v", in, got, h, want)
		}
	})
}

// FuzzSOCKS5 demands the same outcome however the answers are cut, and a bound.
func FuzzSOCKS5(f *testing.F) {
	for _, in := range []string{"\x05\x00" + opened + "hello", "\x05\x02\x01\x00" + opened,
		"\x05\x00\x05\x00\x00\x03\x03abc\x00\x00x", "\x05\xff", "\x05\x02\x01\x01", "\x05\x00\x05\x01"} {
		f.Add([]byte(in), 1, true)
		f.Add([]byte(in), 3, false)
	}
	f.Fuzz(func(t *testing.T, in []byte, size int, login bool) {
		fresh := func() Preamble { return SOCKS5("example.org", 443, "", "") }
		if login {
			fresh = func() Preamble { return SOCKS5("example.org", 443, "me", "secret") }
		}
		sameHoweverCut(t, fresh, in, size, maxSocksBytes)
	})
}

// FuzzConnect demands the same outcome however the answer is cut, and a bound.
func FuzzConnect(f *testing.F) {
	for _, in := range []string{"HTTP/1.1 200 OK\r\nVia: x\r\n\r\nhello", "HTTP/1.1 407 Who\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200\r\n\r\n", "HTTP/1.1 200 OK\n\n", "SSH-2.0"} {
		f.Add([]byte(in), 1)
		f.Add([]byte(in), 5)
	}
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		sameHoweverCut(t, askExample, in, size, maxReplyBytes)
	})
}

func sameHoweverCut(t *testing.T, fresh func() Preamble, in []byte, size, limit int) {
	t.Helper()
	whole := drive(t, fresh(), in, len(in), limit)
	got := drive(t, fresh(), in, size, limit)
	if got != expected(whole, got) {
		t.Errorf("cut by %d: %+v; whole: %+v", size, got, whole)
	}
}
