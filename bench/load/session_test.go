package load

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
)

func TestSessionsHaveACookieEach(t *testing.T) {
	var made atomic.Int32
	server := serve(t, func(c net.Conn) {
		buf := make([]byte, 4096)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			cookie := ""
			if !bytes.Contains(buf[:n], []byte("Cookie: ID=")) {
				cookie = fmt.Sprintf("Set-Cookie: ID=%04d; Path=/\r\n", made.Add(1))
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\n"+cookie+"Content-Length: 2\r\n\r\nhi")
		}
	})
	talk, err := Sessions(server, 3)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, request := range talk.Own {
		seen[string(request)] = true
	}
	if len(seen) != 3 || bytes.Contains(talk.Reply, []byte("Set-Cookie")) {
		t.Errorf("%q, answered by %q", talk.Own, talk.Reply)
	}
	before := made.Load()
	r, err := measured(Window{Server: server, Talk: talk, Speakers: 3, InFlight: 1}.in)
	if err != nil || r.Messages == 0 || made.Load() != before {
		t.Errorf("%d cookies made meanwhile: %v", made.Load()-before, err)
	}
}
