package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"
	"testing"
	"time"
)

// pairFrom makes a self-signed certificate for the hosts that is valid for a part
// of time, counted from now, and its key.
func pairFrom(
	t *testing.T, serial int64, from, until time.Duration, hosts ...string,
) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: hosts,
		Subject:   pkix.Name{CommonName: fmt.Sprintf("e2e %d", serial)},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes}))
}

// An expired or an early certificate takes no valid one's place, by itself, by a
// reload or over an upgrade, and every command says so. At a start it is served.
func TestValidCertificateIsServedOn(t *testing.T) {
	t.Parallel()
	dir, address := t.TempDir(), freeAddress(t)
	file := filepath.Join(dir, "a.pem")
	put := func(serial int64, from, until time.Duration) {
		cert, key := pairFrom(t, serial, from, until)
		write(t, file, cert+key)
	}
	wantSerial := func(want int64) {
		t.Helper()
		c, serial, err := dialTLS(address)
		if err != nil || serial != want {
			t.Fatalf("serial %d, want %d, %v", serial, want, err)
		}
		c.conn.Close()
	}
	put(1, -time.Hour, 50*24*time.Hour)
	s := newService(t, "E2E_TLS="+address, "E2E_CERT="+file, "E2E_KEY="+file)
	s.own(built.lab)
	s.start()
	put(2, -2*time.Hour, -time.Hour)
	s.wantLog("certificate " + file + " kept, valid until ")
	wantSerial(1)
	const kept = "; the served one, valid until "
	s.run("diff").wantCode(0).wantText("note certificate file "+file+" has expired on ", kept)
	s.run("check").wantCode(0).wantText("certificate file " + file + " has expired on ")
	s.run("reload").wantCode(0).wantText("note     certificate file "+file+" has expired on ", kept)
	wantSerial(1)
	s.upgradeNow()
	s.run("reload").wantCode(0).wantText(kept)
	wantSerial(1)
	put(3, time.Hour, 2*time.Hour)
	s.wantLog("the new one is not valid before ")
	s.run("check").wantCode(0).wantText("is not valid before ")
	wantSerial(1)
	put(4, -time.Hour, time.Hour)
	s.wantLog("certificate " + file + " reloaded, serial 4")
	waitFor(t, eventLimit, "serial 4", func() bool {
		c, serial, err := dialTLS(address)
		if err == nil {
			c.conn.Close()
		}
		return serial == 4
	})
	s.run("stop").wantCode(0)
	put(5, -2*time.Hour, -time.Hour)
	s.start()
	s.wantLog("serial 5, valid until ")
	wantSerial(5)
	s.run("reload").wantCode(0).wantText("it is served all the same")
}
