package tlsengine

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"runtime"
	"sync"
	"testing"
	"time"
)

const (
	deadline = 20 * time.Second
	host     = "wm.example"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// makeCert signs a certificate for name with itself.
func makeCert(name string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
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

var hostCert = sync.OnceValue(func() tls.Certificate { return makeCert(host) })

// trust is a pool of one certificate.
func trust(cert tls.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	return pool
}

// configs are a server's and a client's for one version; 0 is any.
func configs(version uint16) (server, client *tls.Config) {
	server = &tls.Config{Certificates: []tls.Certificate{hostCert()}, MinVersion: version,
		MaxVersion: version}
	client = &tls.Config{RootCAs: trust(hostCert()), ServerName: host, MinVersion: version,
		MaxVersion: version}
	return Prepare(server), Prepare(client)
}

var versions = []struct {
	name string
	id   uint16
}{{"TLS1.2", tls.VersionTLS12}, {"TLS1.3", tls.VersionTLS13}}

// pair is two Engines whose loop is the test.
type pair struct {
	t              testing.TB
	server, client *Engine
	woken          chan bool
	cut            int // the size of what is fed at once
}

func newPair(t testing.TB, server, client *tls.Config, tokens *Tokens) *pair {
	t.Helper()
	p := &pair{t: t, woken: make(chan bool, 4), cut: 64 << 10}
	wake := func() { p.woken <- true }
	p.server, p.client = Server(server, tokens, wake), Client(client, tokens, wake)
	t.Cleanup(p.close)
	return p
}

func (p *pair) close() {
	p.server.Close()
	p.client.Close()
}

// wait is one turn of the loop.
func (p *pair) wait() {
	p.t.Helper()
	select {
	case <-p.woken:
		p.server.Progress()
		p.client.Progress()
	case <-time.After(deadline):
		p.t.Fatal("nobody woke the loop")
	}
}

// carry feeds all output of from to to.
func (p *pair) carry(from, to *Engine) {
	for out := from.Output(); len(out) > 0; out = from.Output() {
		n := min(len(out), p.cut)
		to.Feed(out[:n])
		from.Consume(n)
	}
}

// shake runs the handshake to its end on both sides.
func (p *pair) shake() *pair {
	p.t.Helper()
	for p.server.Handshaking() || p.client.Handshaking() {
		p.wait()
		p.carry(p.client, p.server)
		p.carry(p.server, p.client)
	}
	must(p.t, p.server.HandshakeError())
	must(p.t, p.client.HandshakeError())
	return p
}

// send writes message on one side and reads it on the other.
func (p *pair) send(from, to *Engine, message []byte) {
	p.t.Helper()
	must(p.t, from.Write(message))
	p.carry(from, to)
	if got := readAll(p.t, to); !bytes.Equal(got, message) {
		p.t.Fatalf("got %d bytes, want %d: %.40q", len(got), len(message), got)
	}
}

// established is a pair that has shaken hands.
func established(t testing.TB, version uint16) *pair {
	t.Helper()
	server, client := configs(version)
	return newPair(t, server, client, NewTokens(1)).shake()
}

// readAll reads until there is nothing now.
func readAll(t testing.TB, e *Engine) []byte {
	t.Helper()
	var all []byte
	p := make([]byte, 5000)
	for {
		n, err := e.Read(p)
		must(t, err)
		if n == 0 {
			return all
		}
		all = append(all, p[:n]...)
	}
}

// reader is an Engine as io.ReadAll wants it.
type reader struct{ *Engine }

func (r reader) Read(p []byte) (int, error) {
	n, err := r.Engine.Read(p)
	if n == 0 && err == nil {
		return 0, io.ErrNoProgress
	}
	return n, err
}

// wantDone waits until the goroutine of the handshake has its result.
func (e *Engine) wantDone(t testing.TB) {
	t.Helper()
	h := e.handshake
	done := func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.done
	}
	for end := time.Now().Add(deadline); !done(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("the handshake does not end")
		}
	}
}

// noneLeft waits until there are as few goroutines as before.
func noneLeft(t testing.TB, before int) {
	t.Helper()
	for end := time.Now().Add(deadline); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(end) {
			all := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, want %d\n%s", runtime.NumGoroutine(), before,
				all[:runtime.Stack(all, true)])
		}
	}
}
