package preamble

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
)

// maxHeaderBytes is what a Header may wait for.
const maxHeaderBytes = fixedBytes + maxBlockBytes

// binaryHeader is a header of version 2 with the given block behind its length.
func binaryHeader(command, family byte, block string) string {
	head := append([]byte(signature2), command, family)
	return string(binary.BigEndian.AppendUint16(head, uint16(len(block)))) + block
}

func unhex(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// readHeader feeds in, cut at every size, and returns what was read.
func readHeader(t *testing.T, in string) (*Header, outcome) {
	t.Helper()
	var last *Header
	read := map[Header]bool{}
	got := everyCut(t, func() Preamble {
		if last != nil {
			read[*last] = true
		}
		last = &Header{}
		return last
	}, in, maxHeaderBytes)
	if read[*last] = true; len(read) > 1 {
		t.Errorf("the header depends on the cut: %v", read)
	}
	return last, got
}

// The load balancer's own example, from the Compatibility test of
// github.com/aws/elastic-load-balancing-tools: CRC32C, endpoint id, padding.
var loadBalancer = unhex("0d0a0d0a000d0a515549540a 2111 0054 ac1f0771 ac1f0a1f c8f2 0050" +
	"030004e8d6892d ea001701 7670 63652d 30386432 62663135 66616335 30303163 39" +
	"040024" + strings.Repeat("00", 36))

// The same, captured on a network.
var captured = unhex("0d0a0d0a000d0a515549540a 2111 0054 c0a82c0a c0a82c07 cc3e 241b" +
	"030004b9286fa6 ea001701 7670 63652d 30306561 66633435 38656339 37623833 33" +
	"040024" + strings.Repeat("00", 36))

const inet = "\xc0\xa8\x00\x01\xc0\xa8\x00\x0b\xdc\x04\x01\xbb" // of 192.168.0.1:56324

func TestHeaderSaysWhoTheClientIs(t *testing.T) {
	inet6 := unhex("20010db8000000000000000000000001 20010db8000000000000000000000002 ffff 0001")
	mapped := unhex("00000000000000000000ffffc0000201 20010db8000000000000000000000002 0001 0002")
	for _, c := range []struct{ name, in, source, destination, authority string }{
		{"the example of section 2.1", "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
			"192.168.0.1:56324", "192.168.0.11:443", ""},
		{"longest TCP4", "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
			"255.255.255.255:65535", "255.255.255.255:65535", ""},
		{"longest TCP6", "PROXY TCP6" + strings.Repeat(" ffff:ffff:ffff:ffff:ffff:ffff:ffff:FFFF", 2) +
			" 65535 65535\r\n", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
			"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", ""},
		{"port 0", "PROXY TCP6 2001:db8::1 :: 0 0\r\n", "[2001:db8::1]:0", "[::]:0", ""},
		{"mixed families", "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n",
			"192.0.2.1:1", "[2001:db8::1]:2", ""},
		{"TCP over IPv4", binaryHeader(0x21, 0x11, inet),
			"192.168.0.1:56324", "192.168.0.11:443", ""},
		{"UDP over IPv4", binaryHeader(0x21, 0x12, inet),
			"192.168.0.1:56324", "192.168.0.11:443", ""},
		{"TCP over IPv6", binaryHeader(0x21, 0x21, inet6),
			"[2001:db8::1]:65535", "[2001:db8::2]:1", ""},
		{"mapped address", binaryHeader(0x21, 0x22, mapped),
			"192.0.2.1:1", "[2001:db8::2]:2", ""},
		{"host name", binaryHeader(0x21, 0x11, inet+"\x01\x00\x02h2\x02\x00\x0bexample.org\x20\x00\x00"),
			"192.168.0.1:56324", "192.168.0.11:443", "example.org"},
		{"load balancer", loadBalancer, "172.31.7.113:51442", "172.31.10.31:80", ""},
		{"load balancer, captured", captured, "192.168.44.10:52286", "192.168.44.7:9243", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, got := readHeader(t, c.in+"GET / HTTP/1.1\r\n")
			if want := (outcome{rest: "GET / HTTP/1.1\r\n", done: true}); got != want {
				t.Fatalf("%+v, want %+v", got, want)
			}
			want := Header{Source: netip.MustParseAddrPort(c.source), Present: true,
				Destination: netip.MustParseAddrPort(c.destination), Authority: c.authority}
			if *h != want {
				t.Errorf("%+v, want %+v", *h, want)
			}
		})
	}
}

func TestHeaderLeavesTheAddressesOfTheConnection(t *testing.T) {
	unix := strings.Repeat("\x00", 216)
	for _, c := range []struct{ name, in, authority string }{
		{"UNKNOWN, short", "PROXY UNKNOWN\r\n", ""},
		{"UNKNOWN, longest", "PROXY UNKNOWN" + strings.Repeat(" "+strings.Repeat("ffff:", 7)+"ffff", 2) +
			" 65535 65535\r\n", ""},
		{"UNKNOWN and anything", "PROXY UNKNOWN  PROXY \x00\r\xff\r\n", ""},
		{"LOCAL", binaryHeader(0x20, 0, ""), ""},
		{"LOCAL with a block of any kind", binaryHeader(0x20, 0xff, "anything"), ""},
		{"unspecified with a host name", binaryHeader(0x21, 0, "\x02\x00\x01a"), "a"},
		{"unspecified transport", binaryHeader(0x21, 0x10, inet), ""},
		{"Unix socket", binaryHeader(0x21, 0x31, unix+"\x02\x00\x01b"), "b"},
		{"largest block", binaryHeader(0x20, 0, strings.Repeat("x", maxBlockBytes)), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &Header{}
			got := drive(t, h, []byte(c.in+"rest"), len(c.in)+4, maxHeaderBytes)
			if len(c.in) < 1000 {
				h, got = readHeader(t, c.in+"rest")
			}
			if want := (outcome{rest: "rest", done: true}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			if want := (Header{Present: true, Local: true, Authority: c.authority}); *h != want {
				t.Errorf("%+v, want %+v", *h, want)
			}
		})
	}
}

func TestHeaderMayBeAbsent(t *testing.T) {
	for _, in := range []string{"GET / HTTP/1.1\r\n", "PROXYLIST\n", "PROX\n", "PUT", "proxy TCP4",
		"\r\n\r\n\r\n", "\r\n\r\n\x00\r\nQUIT\r", "\n", "\x16\x03\x01", "\x00\x00\x00\x05x"} {
		h, got := readHeader(t, in)
		if want := (outcome{rest: in, done: true}); got != want || *h != (Header{}) {
			t.Errorf("%q: %+v and %+v, want %+v", in, got, *h, want)
		}
	}
}

func TestHeaderThatIsNotExactIsRefused(t *testing.T) {
	checksum := []byte(loadBalancer)
	checksum[len(checksum)-1]++ // of the padding
	tooMuch := strings.Repeat("x", maxBlockBytes+1)
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"LF alone", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", errLineEnd},
		{"LF alone after UNKNOWN", "PROXY UNKNOWN\nGET / HTTP/1.1\r\n", errLineEnd},
		{"CR alone", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rGET / HTTP/1.1\r\n", errFields},
		{"nothing", "PROXY \r\n", errFields},
		{"no fields", "PROXY TCP4\r\n", errFields},
		{"other family", "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", errFields},
		{"small letters", "PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n", errFields},
		{"glued to UNKNOWN", "PROXY UNKNOWNS\r\n", errFields},
		{"two spaces", "PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n", errFields},
		{"leading space", "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n", errFields},
		{"trailing space", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", errFields},
		{"tabs", "PROXY TCP4\t1.2.3.4\t5.6.7.8\t1\t2\r\n", errFields},
		{"one port", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", errFields},
		{"IPv6 in TCP4", "PROXY TCP4 ::1 ::2 1 2\r\n", errAddress},
		{"mapped in TCP4", "PROXY TCP4 ::ffff:1.2.3.4 ::ffff:1.2.3.4 1 2\r\n", errAddress},
		{"IPv4 in TCP6", "PROXY TCP6 2001:db8::1 1.2.3.4 1 2\r\n", errAddress},
		{"zone", "PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n", errAddress},
		{"brackets", "PROXY TCP6 [::1] [::2] 1 2\r\n", errAddress},
		{"octal", "PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n", errAddress},
		{"three numbers", "PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", errAddress},
		{"host name", "PROXY TCP4 localhost 5.6.7.8 1 2\r\n", errAddress},
		{"empty address", "PROXY TCP4  5.6.7.8 1 2\r\n", errAddress},
		{"port with a zero", "PROXY TCP4 1.2.3.4 5.6.7.8 080 2\r\n", errPort},
		{"port 00", "PROXY TCP4 1.2.3.4 5.6.7.8 1 00\r\n", errPort},
		{"port with a sign", "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", errPort},
		{"negative port", "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", errPort},
		{"port 65536", "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", errPort},
		{"empty port", "PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n", errPort},
		{"108 bytes", "PROXY UNKNOWN " + strings.Repeat("x", 92) + "\r\n", errLine},
		{"endless line", "PROXY TCP4 " + strings.Repeat("x", 300), errLine},

		{"version 1 in binary", binaryHeader(0x11, 0x11, inet), errVersion},
		{"version 3", binaryHeader(0x31, 0x11, inet), errVersion},
		{"command 2", binaryHeader(0x22, 0x11, inet), errCommand},
		{"family 4", binaryHeader(0x21, 0x41, inet), errFamily},
		{"transport 3", binaryHeader(0x21, 0x13, inet), errFamily},
		{"half an address", binaryHeader(0x21, 0x11, inet[:11]), errShort},
		{"IPv4 for IPv6", binaryHeader(0x21, 0x21, inet), errShort},
		{"IPv4 for a path", binaryHeader(0x21, 0x31, inet), errShort},
		{"above the bound", binaryHeader(0x21, 0x11, tooMuch)[:20], errBlock},
		{"above the bound, LOCAL", binaryHeader(0x20, 0, tooMuch)[:20], errBlock},
		{"half a TLV", binaryHeader(0x21, 0x11, inet+"\x04\x00"), errTLV},
		{"TLV too long", binaryHeader(0x21, 0x11, inet+"\x04\x00\x02x"), errTLV},
		{"host name of other bytes", binaryHeader(0x21, 0x11, inet+"\x02\x00\x01\xff"), errAuthority},
		{"checksum of 3 bytes", binaryHeader(0x21, 0x11, inet+"\x03\x00\x03abc"), errChecksum},
		{"checksum of another header", string(checksum), errChecksum},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, got := readHeader(t, c.in)
			if got.err != c.want.Error() || *h != (Header{}) {
				t.Errorf("%+v and %+v, want error %v", got, *h, c.want)
			}
		})
	}
}

func TestHeaderWaitsForItsEnd(t *testing.T) {
	for _, in := range []string{"P", "PROXY", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r", "\r\n", signature2,
		binaryHeader(0x21, 0x11, inet)[:27]} {
		if h, got := readHeader(t, in); got != (outcome{rest: in}) || *h != (Header{}) {
			t.Errorf("%q: %+v and %+v, want it to wait", in, got, *h)
		}
	}
}

func TestLooksTellsSpoofersFromOthers(t *testing.T) {
	for _, c := range []struct {
		in         string
		yes, maybe bool
	}{
		{"", false, true},
		{"P", false, true},
		{"PROXY", false, true},
		{"PROXY ", true, false},
		{"PROXY TCP4 1.2.3.4", true, false},
		{"\r", false, true},
		{"\r\n\r\n\x00\r\nQUIT", false, true},
		{signature2, true, false},
		{signature2 + "\x11", true, false},
		{"POST / HTTP/1.1", false, false},
		{"PROXYLIST", false, false},
		{"\r\nhello", false, false},
	} {
		if yes, maybe := Looks([]byte(c.in)); yes != c.yes || maybe != c.maybe {
			t.Errorf("%q: %v, %v, want %v, %v", c.in, yes, maybe, c.yes, c.maybe)
		}
	}
}
