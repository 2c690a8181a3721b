package gateway

import (
	"net/netip"
	"testing"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/protocol/http1"
)

func FuzzHandshakeBody(f *testing.F) {
	f.Add("t=1&a[]=x&a[b][]=y", "h:7272", "sid=q; a=b")
	f.Add("a=1&a[b]=2&a=3&[=&&=", "", ";;=x;7=y;07=z")
	f.Add("%5b%00=%zz&a[[]]=", "h", "=")
	f.Fuzz(func(t *testing.T, query, host, cookie string) {
		head := "GET /?" + query + " HTTP/1.1\r\nHost: " + host + "\r\nCookie: " + cookie + "\r\n\r\n"
		r, err := http1.ParseRequest([]byte(head), nil)
		if err != nil {
			return
		}
		body := handshakeBody(r, netip.AddrPort{}, 0)
		if most := 64<<10 + 64*len(head); len(body) > most {
			t.Fatalf("%d bytes of a head of %d", len(body), len(head))
		}
		v, err := phpserialize.Unmarshal(body)
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if n := v.(*phpserialize.Array).Len(); n != 3 {
			t.Fatalf("%d parts", n)
		}
	})
}
