package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway/wire"
)

// doorCertificate is one that nobody has signed.
func doorCertificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

func TestGatewayServesClientsOverTLS(t *testing.T) {
	s := linkServeAt(t, "websocket://127.0.0.1:7272", func(g *Gateway) {
		g.Transport = "ssl"
		g.TLS.Config = doorCertificate(t)
	})
	l := s.link("BW:0")
	c := s.Dial("Gateway") // wss
	first := l.expect(wire.OnConnect, "")
	if pk, err := l.receive(); err != nil || pk.Command != wire.OnWebSocketConnect {
		t.Fatalf("got %+v, %v", pk, err)
	}
	c.Send("hello")
	l.expect(wire.OnMessage, "hello")
	l.send(linkSendTo(first.ConnectionID, "hello yourself"))
	c.Expect("hello yourself")
	c.Close()
	l.expect(wire.OnClose, "")
}

func TestClientsBehindAProxyKeepTheirAddress(t *testing.T) {
	s := linkServe(t, func(g *Gateway) { g.Limits.TrustedProxies = []string{"127.0.0.1"} })
	l := s.link("BW:0")
	c := linkDial(t, s.Addr("Gateway"))
	c.sendRaw([]byte("PROXY TCP4 203.0.113.9 192.0.2.1 5555 7272\r\nhello\n"))
	for _, what := range []wire.Command{wire.OnConnect, wire.OnMessage} {
		pk, err := l.receive()
		if err != nil || pk.Command != what {
			t.Fatalf("got %+v, %v, want command %d", pk, err, what)
		}
		if got := pk.ClientAddr().String(); got != "203.0.113.9" || pk.ClientPort != 5555 {
			t.Errorf("command %d: client %s port %d", what, got, pk.ClientPort)
		}
	}
}

func TestInnerPortsFollowTheSlots(t *testing.T) {
	tests := []struct {
		slot              int
		lan, listen, want string
	}{
		{0, "127.0.0.1", "", "127.0.0.1:2900"},
		{3, "127.0.0.1", "", "127.0.0.1:2903"},
		{1, "192.168.1.20", "", "192.168.1.20:2901"},
		{1, "203.0.113.9", "", "0.0.0.0:2901"}, // the host may not have it itself
		{1, "192.168.1.20", "0.0.0.0", "0.0.0.0:2901"},
	}
	s := linkServe(t, nil)
	s.do(func(*process) {
		g := *s.g
		defer func(slot int) { g.ID = slot }(g.ID)
		for _, tt := range tests {
			g.LanIP, g.InnerListen, g.StartPort = tt.lan, tt.listen, 2900
			g.ID = tt.slot // of the Worker
			p := &process{g: &g}
			if err := p.listen(); err != nil {
				t.Error(err)
				return
			}
			if got := p.inner.Declaration().Host; got != tt.want {
				t.Errorf("slot %d of LanIP %q and InnerListen %q listens on %s, want %s",
					tt.slot, tt.lan, tt.listen, got, tt.want)
			}
		}
	})
}
