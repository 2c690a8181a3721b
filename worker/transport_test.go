package worker_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workerman-go/wm/worker"
)

// selfSigned is the certificate of all tests, for localhost and 127.0.0.1.
var selfSigned = sync.OnceValue(func() tls.Certificate { return certificate("localhost") })

// certificate makes a self-signed one.
func certificate(name string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// serverTLS and clientTLS belong together.
func serverTLS() worker.TLS {
	return worker.TLS{Config: &tls.Config{Certificates: []tls.Certificate{selfSigned()}}}
}

func clientTLS() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(selfSigned().Leaf)
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

// secure makes w speak TLS.
func secure(w *worker.Worker) *worker.Worker {
	w.Transport, w.TLS = "ssl", serverTLS()
	return w
}

func TestEchoOverEveryTransport(t *testing.T) {
	for _, c := range []struct {
		name, address string
		tls           bool
	}{
		{"tcp", "tcp://127.0.0.1:0", false},
		{"text", "text://127.0.0.1:0", false},
		{"frame", "frame://127.0.0.1:0", false},
		{"websocket", "websocket://127.0.0.1:0", false},
		{"ssl", "ssl://127.0.0.1:0", true},
		{"text over ssl", "text://127.0.0.1:0", true},
		{"websocket over ssl", "websocket://127.0.0.1:0", true},
		{"unix", "unix://", false},
		{"text over unix", "text://", false},
		{"udp", "udp://127.0.0.1:0", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			address := c.address
			if strings.HasSuffix(address, "://") {
				address += filepath.Join(t.TempDir(), "s")
			}
			w := echo(address)
			if strings.Contains(c.name, "unix") {
				w.Transport = "unix"
			}
			if c.tls {
				secure(w)
			}
			s := start(t, w)
			roundTrips(t, s, w)
		})
	}
}

// roundTrips dials the service in its own process and compares what returns.
func roundTrips(t *testing.T, s *service, w *worker.Worker) {
	t.Helper()
	scheme, _, _ := strings.Cut(w.Declaration().Listen, "://")
	scheme = strings.Replace(scheme, "websocket", "ws", 1)
	got := newEvents()
	d := &worker.Dialer{Transport: w.Transport, TLS: worker.TLS{Config: clientTLS()}}
	var want bytes.Buffer
	var client *worker.Connection
	s.do(func() {
		c := d.Dial(scheme + "://" + s.addr)
		var back bytes.Buffer
		c.OnConnect = func(c *worker.Connection) { got.add("connected") }
		c.OnMessage = func(c *worker.Connection, data []byte) {
			if back.Write(data); back.Len() == want.Len() {
				got.add("all %v", bytes.Equal(back.Bytes(), want.Bytes()))
			}
		}
		c.OnError = func(c *worker.Connection, code worker.ErrorCode, err error) {
			got.add("error %d %v", code, err)
		}
		c.OnClose = func(c *worker.Connection) { got.add("closed") }
		for _, n := range []int{5, 900, 40000} {
			message := bytes.Repeat([]byte{'a' + byte(n%7)}, n)
			want.Write(message)
			if err := c.Send(message); err != nil {
				t.Errorf("Send of %d bytes: %v", n, err)
			}
		}
		client = c
	})
	got.expect(t, "connected", "all true")
	s.do(func() { client.Close() })
	got.expect(t, "closed")
}
