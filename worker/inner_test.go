package worker

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{
		"text://127.0.0.1:1", "Http://[::]:80", "udp://x:1", "tcp://:0", "://",
		"unix:///run/a/../x.sock", "text:///x", "unix:///..",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAddress(s)
		if err != nil {
			if !strings.HasPrefix(err.Error(), s) {
				t.Errorf("error %q does not begin with the address", err)
			}
			return
		}
		again, err := parseAddress(a.scheme + "://" + a.host)
		if err != nil || again.host != a.host || again.scheme != a.scheme {
			t.Errorf("%q became %+v, then %+v and %v", s, a, again, err)
		}
	})
}

func TestPlaceOfASourceLine(t *testing.T) {
	for file, want := range map[string]string{
		"/home/x/shop/apps/hello/start.go":  "apps/hello/start.go:7",
		"example.com/shop/apps/a/b/deep.go": "apps/a/b/deep.go:7",
		"apps/hello/start.go":               "apps/hello/start.go:7",
		"/home/x/shop/main.go":              "shop/main.go:7",
		"/main.go":                          "main.go:7",
		"main.go":                           "main.go:7",
	} {
		if got := place(file, 7); got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
	}
}

func TestPeerAddress(t *testing.T) {
	v4 := peer{}
	*(*unix.RawSockaddrInet4)(unsafe.Pointer(&v4.addr)) = unix.RawSockaddrInet4{
		Family: unix.AF_INET, Port: 0x3412, Addr: [4]byte{192, 0, 2, 1},
	}
	mapped := peer{addr: unix.RawSockaddrInet6{
		Family: unix.AF_INET6, Port: 0x3412,
		Addr: [16]byte{10: 0xff, 11: 0xff, 12: 192, 13: 0, 14: 2, 15: 1},
	}}
	v6 := peer{addr: unix.RawSockaddrInet6{
		Family: unix.AF_INET6, Port: 0x3412, Addr: [16]byte{0: 0x20, 1: 1, 15: 7},
	}}
	for _, tt := range []struct {
		peer peer
		want string
	}{{v4, "192.0.2.1"}, {mapped, "192.0.2.1"}, {v6, "2001::7"}} {
		var c Connection
		c.ip, c.port = tt.peer.address()
		if c.RemoteIP() != tt.want || c.RemotePort() != 0x1234 {
			t.Errorf("got %s and %x, want %s and 1234", c.RemoteIP(), c.RemotePort(), tt.want)
		}
	}
}

func TestPoolGivesRoom(t *testing.T) {
	var p pool
	for _, n := range []int{0, 1, 511, 512, 513, 4096, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3 << 20} {
		for range 2 { // fresh, and used again
			b := p.get(n)
			if cap(b.data) < n || b.size() != 0 {
				t.Errorf("asked for %d, got room for %d with %d bytes in it",
					n, cap(b.data), b.size())
			}
			b.data = append(b.data, 'x')
			p.put(b)
		}
	}
	if got := p.get(1); cap(got.data) != 512 {
		t.Errorf("smallest buffer has %d bytes", cap(got.data))
	}
}

func TestGrowKeepsWhatWaits(t *testing.T) {
	var p pool
	for _, tt := range []struct{ length, off, more int }{
		{0, 0, 1}, {512, 0, 1}, {512, 256, 1}, {512, 511, 400}, {600, 10, 5000},
		{1 << 20, 100, 1 << 20},
	} {
		b := p.get(tt.length)
		for i := range tt.length {
			b.data = append(b.data, byte(i))
		}
		b.off = tt.off
		want := slices.Clone(b.bytes())
		p.grow(b, tt.more)
		if !bytes.Equal(b.bytes(), want) || cap(b.data)-len(b.data) < tt.more {
			t.Errorf("%+v: %d bytes left with room for %d", tt, b.size(), cap(b.data)-len(b.data))
		}
		p.put(b)
	}
}

func TestPoolIsBounded(t *testing.T) {
	var p pool
	var all []*buffer
	for range 20000 {
		all = append(all, p.get(512))
	}
	for _, b := range all {
		p.put(b)
	}
	if got := len(p.free[0]) * 512; got > keepBytes {
		t.Errorf("%d bytes are kept, want at most %d", got, keepBytes)
	}
}

// filled makes a set of n connections.
func filled(n int) (*connections, []*Connection) {
	set := &connections{}
	all := make([]*Connection, n)
	for i := range all {
		all[i] = &Connection{ID: uint64(2*i + 1)}
		set.add(all[i], all[i].ID)
	}
	return set, all
}

func ids(set *connections) (out []uint64) {
	for c := range set.each {
		out = append(out, c.ID)
	}
	return out
}

func TestConnectionsStayInOrder(t *testing.T) {
	set, all := filled(1000)
	var want []uint64
	for i, c := range all {
		if i%10 == 3 {
			want = append(want, c.ID)
		} else {
			set.remove(c)
		}
	}
	if got := ids(set); !slices.Equal(got, want) || set.len() != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(set.list) > 500 {
		t.Errorf("%d places for %d connections", len(set.list), set.len())
	}
	for i, c := range all {
		var want *Connection
		if i%10 == 3 {
			want = c
		}
		if got := set.find(c.ID); got != want {
			t.Errorf("find(%d) is %v, want %v", c.ID, got, want)
		}
	}
	if set.find(2) != nil || set.find(5000) != nil || set.find(0) != nil {
		t.Error("found an id that never was")
	}
}

func TestClosingWhileRanging(t *testing.T) {
	set, all := filled(500)
	var seen []uint64
	for c := range set.each {
		seen = append(seen, c.ID)
		set.remove(c)
		if i := int(c.ID) / 2; i%2 == 0 { // and the next one as well
			set.remove(all[i+1])
		}
		late := &Connection{ID: uint64(10000 + len(seen))}
		set.add(late, late.ID) // is not seen
	}
	if len(seen) != 250 || seen[0] != 1 || seen[1] != 5 {
		t.Errorf("saw %d: %v", len(seen), seen[:2])
	}
	if got := set.len(); got != 250 {
		t.Errorf("%d left, want the 250 new ones", got)
	}
}

func TestRangingEndsWithAPanic(t *testing.T) {
	set, _ := filled(3)
	func() {
		defer func() { _ = recover() }()
		for range set.each {
			panic("boom")
		}
	}()
	if set.ranging != 0 {
		t.Error("still ranging")
	}
}

func TestConnectionIsSmall(t *testing.T) {
	if got := unsafe.Sizeof(Connection{}); got > 288 { // a size class of the allocator
		t.Errorf("a connection takes %d bytes", got)
	}
}

func TestStatusNames(t *testing.T) {
	got := fmt.Sprint(Initial, Connecting, Established, Ending, Closing, Closed)
	if want := "INITIAL CONNECTING ESTABLISHED ENDING CLOSING CLOSED"; got != want {
		t.Errorf("got %s", got)
	}
}
