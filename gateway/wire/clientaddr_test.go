package wire

import (
	"net/netip"
	"testing"
)

func TestAddressOfAClient(t *testing.T) {
	for _, c := range []struct {
		name, addr string
		wm         bool
		want       string
	}{
		{"IPv4", "10.0.0.7", true, "10.0.0.7"},
		{"IPv4 for PHP", "10.0.0.7", false, "10.0.0.7"},
		{"IPv4 within IPv6", "::ffff:10.0.0.7", true, "10.0.0.7"},
		{"IPv6", "2001:db8::7", true, "2001:db8::7"},
		{"IPv6 of a link", "fe80::1%eth0", true, "fe80::1"},
		{"PHP has no IPv6", "2001:db8::7", false, "0.0.0.0"},
	} {
		p := Packet{Command: OnMessage, Flag: Scalar, Ext: []byte("session"), Body: []byte("hello")}
		p.SetClientAddr(netip.MustParseAddr(c.addr), c.wm)
		frame := p.Append(nil)
		if len(frame) != p.Len() {
			t.Errorf("%s: %d bytes, Len %d", c.name, len(frame), p.Len())
		}
		got, err := Parse(frame)
		if err != nil || got.ClientAddr().String() != c.want {
			t.Errorf("%s: %v, %v, want %s", c.name, got.ClientAddr(), err, c.want)
		}
		if string(got.Ext) != "session" || string(got.Body) != "hello" || !got.ClientAddr().IsValid() {
			t.Errorf("%s: ext %q, body %q", c.name, got.Ext, got.Body)
		}
		if is6 := got.Flag&IPv6 != 0; is6 != got.ClientAddr().Is6() || is6 && got.ClientIP != 0 {
			t.Errorf("%s: flag %x, client ip %x", c.name, got.Flag, got.ClientIP)
		}
	}
}

func TestSetClientAddrForgetsTheLastOne(t *testing.T) {
	var p Packet
	p.SetClientAddr(netip.MustParseAddr("2001:db8::7"), true)
	p.SetClientAddr(netip.Addr{}, true)
	if p.Flag != 0 || p.ClientAddr().String() != "0.0.0.0" || p.ClientIPv6 != [16]byte{} {
		t.Errorf("%+v", p)
	}
}

func TestParseRefusesHalfAnIPv6Address(t *testing.T) {
	p := Packet{Command: OnMessage, Ext: make([]byte, 15)}
	frame := p.Append(nil)
	frame[21] = byte(Scalar | IPv6)
	if _, err := Parse(frame); !isErr(err, ErrExt) {
		t.Errorf("%v, want %v", err, ErrExt)
	}
}
