package gateway

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// handshakeOf is the body for a request of these lines.
func handshakeOf(t *testing.T, lines ...string) string {
	t.Helper()
	r, err := http1.ParseRequest([]byte(strings.Join(lines, "\r\n")+"\r\n\r\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(handshakeBody(r, netip.MustParseAddrPort("10.0.0.7:54321"), 7272))
}

func TestHandshakeIsThatOfPHP(t *testing.T) {
	got := handshakeOf(t, "GET /ws?t=1&a[]=x HTTP/1.1", "Host: h:7272", "Upgrade: websocket")
	got = strings.TrimSuffix(got, `s:6:"cookie";a:0:{}}`)
	want := `a:3:{s:3:"get";a:2:{s:1:"t";s:1:"1";s:1:"a";a:1:{i:0;s:1:"x";}}` +
		`s:6:"server";a:11:{s:12:"QUERY_STRING";s:9:"t=1&a[]=x";s:14:"REQUEST_METHOD";s:3:"GET";` +
		`s:11:"REQUEST_URI";s:13:"/ws?t=1&a[]=x";s:15:"SERVER_PROTOCOL";s:8:"HTTP/1.1";` +
		`s:11:"SERVER_NAME";s:6:"h:7272";s:12:"CONTENT_TYPE";N;s:11:"REMOTE_ADDR";s:8:"10.0.0.7";` +
		`s:11:"REMOTE_PORT";i:54321;s:11:"SERVER_PORT";i:7272;s:9:"HTTP_HOST";s:6:"h:7272";` +
		`s:12:"HTTP_UPGRADE";s:9:"websocket";}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestHandshakeCookiesAndHeaders(t *testing.T) {
	body := handshakeOf(t, "GET / HTTP/1.1", "Host: h", "X-A-b: 1",
		"Cookie: sid=q; a = b%20 ;c; 7=x;=y", "x-a-B:2", "Content-Type: text/plain", "Cookie: sid=2")
	v, err := phpserialize.Unmarshal([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	all := v.(*phpserialize.Array)
	cookies, err := phpserialize.Marshal(all.Get("cookie"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `a:4:{s:3:"sid";s:1:"q";s:1:"a";s:6:" b%20 ";i:7;s:1:"x";s:0:"";s:7:"y,sid=2";}`
	if string(cookies) != want {
		t.Errorf("cookies %s, want %s", cookies, want)
	}
	server := all.Get("server").(*phpserialize.Array)
	for name, want := range map[string]any{
		"HTTP_X_A_B": "1,2", "CONTENT_TYPE": "text/plain", "HTTP_CONTENT_TYPE": "text/plain",
		"QUERY_STRING": "", "SERVER_NAME": "h",
	} {
		if got := server.Get(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestWebSocketHandshakeTravelsBehindOnConnect(t *testing.T) {
	var events []string
	var s *linkService
	s = linkServeAt(t, "websocket://127.0.0.1:7272", func(g *Gateway) {
		g.OnConnect = func(c *worker.Connection) {
			events = append(events, "connect "+ClientID(c))
			c.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
				events = append(events, "upgrade "+r.URI())
				if r.Header("Origin") == "http://evil.example" {
					c.Close()
				}
			}
		}
		g.OnClose = func(c *worker.Connection) { events = append(events, "close "+ClientID(c)) }
	})
	l := s.link("BW:0")
	c := s.Dial("Gateway")
	first := l.expect(wire.OnConnect, "")
	pk, err := l.receive()
	if err != nil || pk.Command != wire.OnWebSocketConnect || pk.Flag != 0 {
		t.Fatalf("got %+v, %v", pk, err)
	}
	v, err := phpserialize.Unmarshal(pk.Body)
	if err != nil {
		t.Fatal(err)
	}
	server := v.(*phpserialize.Array).Get("server").(*phpserialize.Array)
	if got := server.Get("REMOTE_PORT"); got != int64(first.ClientPort) {
		t.Errorf("REMOTE_PORT %v, want %d", got, first.ClientPort)
	}
	c.Close()
	l.expect(wire.OnClose, "")
	id := wire.ClientID{IP: first.LocalIP, Port: first.LocalPort, Connection: first.ConnectionID}
	s.do(func(*process) {
		got := strings.Join(events, ", ")
		if want := "connect " + id.String() + ", upgrade /, close "; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestRefusedOriginIsNotToldAsAHandshake(t *testing.T) {
	s := linkServeAt(t, "websocket://127.0.0.1:7272", func(g *Gateway) {
		g.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) {
			if r.Header("Origin") != "http://good.example" {
				c.Close()
			}
		}
	})
	l := s.link("BW:0")
	c := linkDial(t, s.Addr("Gateway"))
	c.sendRaw([]byte("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Origin: http://evil.example\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"))
	if line, err := c.r.ReadString('\n'); err != nil || !strings.Contains(line, "403") {
		t.Fatalf("answered %q, %v", line, err)
	}
	l.expect(wire.OnConnect, "")
	l.expect(wire.OnClose, "")
}
