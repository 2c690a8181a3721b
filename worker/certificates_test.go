package worker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/eventloop"
)

// makePair makes a self-signed certificate of a serial number.
func makePair(t *testing.T, serial int64, hosts ...string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes})
}

// serialFor makes a handshake and returns the serial number that the server
// shows to a client that asks for host.
func serialFor(t *testing.T, config *tls.Config, host string) (int64, error) {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	server := tls.Server(there, config)
	answered := make(chan error, 1)
	go func() { answered <- server.Handshake() }() // ends with the pipe
	client := tls.Client(here, &tls.Config{ServerName: host, InsecureSkipVerify: true})
	clientErr := client.Handshake()
	if clientErr != nil {
		here.Close()
	}
	if err := <-answered; err != nil {
		return 0, err
	}
	if clientErr != nil {
		return 0, clientErr
	}
	return client.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
}

func TestCertificateByHost(t *testing.T) {
	files := map[string][]byte{}
	for n, name := range []string{"default", "exact", "wild"} {
		cert, key := makePair(t, int64(n+1))
		files["/c/"+name+".pem"] = append(cert, key...)
	}
	s := newCertificates(TLS{CertFile: "default.pem", SNI: map[string]Pair{
		"WWW.example.com": {CertFile: "exact.pem"}, "*.example.com": {CertFile: "wild.pem"},
	}}, "/c")
	if s.loaded() {
		t.Error("loaded before the first update")
	}
	if err := s.update(files); err != nil {
		t.Fatal(err)
	}
	config := s.config()
	for host, want := range map[string]int64{
		"": 1, "other.org": 1, "example.com": 1, "a.b.example.com": 1, "127.0.0.1": 1,
		"www.example.com": 2, "www.EXAMPLE.com.": 2, "a.example.com": 3,
	} {
		if got, err := serialFor(t, config, host); got != want || err != nil {
			t.Errorf("%q: serial %d (%v), want %d", host, got, err, want)
		}
	}
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	cert, key := makePair(t, 1)
	newCert, newKey := makePair(t, 2)
	s := newCertificates(TLS{CertFile: "a.pem", KeyFile: "a.key",
		SNI: map[string]Pair{"x.org": {CertFile: "x.pem", KeyFile: "x.key"}}}, "/c")
	files := func(cert, key, xcert, xkey []byte) map[string][]byte {
		return map[string][]byte{"/c/a.pem": cert, "/c/a.key": key, "/c/x.pem": xcert, "/c/x.key": xkey}
	}
	if err := s.update(files(cert, key, cert, key)); err != nil {
		t.Fatal(err)
	}
	config := s.config()
	missing := files(newCert, newKey, newCert, newKey)
	delete(missing, "/c/x.key")
	for name, tt := range map[string]struct {
		files map[string][]byte
		err   string
	}{
		"mismatched": {files(newCert, newKey, newCert, key),
			"/c/x.pem, key file /c/x.key: tls: private"},
		"unparsable":  {files([]byte("no"), newKey, newCert, newKey), "certificate file /c/a.pem"},
		"missing key": {missing, "key file /c/x.key: the master did not send it"},
	} {
		err := s.update(tt.files)
		if err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", name, err, tt.err)
		}
		if got, err := serialFor(t, config, "y.org"); got != 1 {
			t.Errorf("%s: serial %d (%v), want the old one", name, got, err)
		}
	}
	if err := s.update(files(newCert, newKey, newCert, newKey)); err != nil {
		t.Fatal(err)
	}
	if got, err := serialFor(t, config, "x.org"); got != 2 {
		t.Errorf("serial %d (%v) after the update", got, err)
	}
}

func TestAuthorsConfigIsTheBase(t *testing.T) {
	cert, key := makePair(t, 1)
	ownCert, ownKey := makePair(t, 7)
	own, err := tls.X509KeyPair(ownCert, ownKey)
	if err != nil {
		t.Fatal(err)
	}
	base := &tls.Config{
		NextProtos: []string{"h2"}, ClientAuth: tls.RequestClientCert,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			switch hello.ServerName {
			case "own.org":
				return &own, nil
			case "bad.org":
				return nil, errors.New("not this one")
			}
			return nil, nil
		},
	}
	s := newCertificates(TLS{CertFile: "a.pem", Config: base}, "/c")
	if err := s.update(map[string][]byte{"/c/a.pem": append(cert, key...)}); err != nil {
		t.Fatal(err)
	}
	config := s.config()
	if config.MinVersion != tls.VersionTLS12 || config.NextProtos[0] != "h2" ||
		config.ClientAuth != tls.RequestClientCert || base.MinVersion != 0 {
		t.Errorf("got %+v of %+v", config, base)
	}
	for host, want := range map[string]int64{"own.org": 7, "else.org": 1} {
		if got, err := serialFor(t, config, host); got != want {
			t.Errorf("%s: serial %d (%v), want %d", host, got, err, want)
		}
	}
	if _, err := serialFor(t, config, "bad.org"); err == nil {
		t.Error("an error of the author's GetCertificate was passed over")
	}
}

func TestCertificatesOfTheConfigServeWithoutFiles(t *testing.T) {
	cert, key := makePair(t, 5)
	own, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := newCertificates(TLS{Config: &tls.Config{Certificates: []tls.Certificate{own}}}, "")
	if !s.loaded() {
		t.Error("waits for files that there are none of")
	}
	if got, err := serialFor(t, s.config(), "x.org"); got != 5 {
		t.Errorf("serial %d (%v), want 5", got, err)
	}
}

func TestHandshakeWithoutACertificateForTheHost(t *testing.T) {
	cert, key := makePair(t, 1)
	s := newCertificates(TLS{SNI: map[string]Pair{"x.org": {CertFile: "x.pem"}}}, "/c")
	if _, err := serialFor(t, s.config(), "x.org"); !errors.Is(err, errNotLoaded) {
		t.Errorf("before the files are there: %v", err)
	}
	if err := s.update(map[string][]byte{"/c/x.pem": append(cert, key...)}); err != nil {
		t.Fatal(err)
	}
	if _, err := serialFor(t, s.config(), "y.org"); !errors.Is(err, errUnknownHost) {
		t.Errorf("another host: %v", err)
	}
}

func TestOnlyTheFirstFilesCanFail(t *testing.T) {
	loop, err := eventloop.New()
	if err != nil {
		t.Fatal(err)
	}
	defer loop.Close()
	w := New("ssl://127.0.0.1:0")
	w.TLS = TLS{CertFile: "/c/a.pem"}
	var logged string
	p := NewProcess(loop, w, Env{Log: func(text string) { logged += text }})
	defer p.Close()
	bad := map[string][]byte{"/c/a.pem": []byte("nothing")}
	cert, key := makePair(t, 1)
	if err := p.Files(bad); err == nil || !strings.Contains(err.Error(), "/c/a.pem") {
		t.Errorf("no certificate: %v", err)
	}
	if err := p.Files(map[string][]byte{"/c/a.pem": append(cert, key...)}); err != nil {
		t.Error(err)
	}
	if err := p.Files(bad); err != nil || !strings.Contains(logged, "stay as they are") {
		t.Errorf("a bad file later: %v, logged %q", err, logged)
	}
}

// A Worker that a process opens by itself says which file it cannot read.
func TestOwnFilesAreNamedByKind(t *testing.T) {
	cert, _ := makePair(t, 1)
	dir := t.TempDir()
	there, missing := filepath.Join(dir, "a.pem"), filepath.Join(dir, "none")
	if err := os.WriteFile(there, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, pair := range map[string]Pair{
		"certificate file: stat " + missing: {CertFile: missing, KeyFile: there},
		"key file: stat " + missing:         {CertFile: there, KeyFile: missing},
	} {
		w := &Worker{Transport: "ssl", TLS: TLS{CertFile: pair.CertFile, KeyFile: pair.KeyFile}}
		if err := w.loadCertificates(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
