package transports

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// https serves http and websocket over TLS at both addresses of a list.
// E2E_CERT is for everybody, E2E_CERT_OTHER for clients that ask for
// other.test, and clients may have a certificate of E2E_CERT_CLIENTS.
func https(list string) {
	page, socket, ok := strings.Cut(list, ",")
	if !ok {
		return
	}
	clients := x509.NewCertPool()
	if pem, err := os.ReadFile(os.Getenv("E2E_CERT_CLIENTS")); err == nil {
		clients.AppendCertsFromPEM(pem)
	}
	settings := worker.TLS{
		CertFile: os.Getenv("E2E_CERT"),
		SNI:      map[string]worker.Pair{"other.test": {CertFile: os.Getenv("E2E_CERT_OTHER")}},
		Config:   &tls.Config{ClientCAs: clients, ClientAuth: tls.VerifyClientCertIfGiven},
	}
	web := worker.New("http://" + page)
	web.Name, web.Transport, web.TLS = "https", "ssl", settings
	web.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send(describe(c.TLS())) }

	wss := worker.New("websocket://" + socket)
	wss.Name, wss.Transport, wss.TLS = "wss", "ssl", settings
	wss.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
	wss.OnWebSocketConnected = func(c *worker.Connection) { c.Close(describe(c.TLS())) }
}

// describe says what the handshake has agreed on.
func describe(s *tls.ConnectionState) string {
	text := fmt.Sprintf("%s for %q", tls.VersionName(s.Version), s.ServerName)
	for _, cert := range s.PeerCertificates {
		text += fmt.Sprintf(", client %d", cert.SerialNumber)
	}
	return text
}
