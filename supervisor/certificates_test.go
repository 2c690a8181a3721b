package supervisor

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// testPair is a self-signed certificate with its key.
func testPair(t *testing.T, serial int64, until time.Time) (cert, key []byte) {
	t.Helper()
	return testPairFrom(t, serial, time.Time{}, until)
}

func testPairFrom(t *testing.T, serial int64, from, until time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	bytes, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	return testCertificate(t, private, serial, from, until),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes})
}

// testCertificate is one of a key.
func testCertificate(
	t *testing.T, private *ecdsa.PrivateKey, serial int64, from, until time.Time,
) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: from, NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// keyFiles are a pair of files that a test writes.
type keyFiles struct {
	t *testing.T
	ipc.KeyPair
}

func newKeyFiles(t *testing.T) keyFiles {
	dir := t.TempDir()
	return keyFiles{t, ipc.KeyPair{
		Cert: filepath.Join(dir, "a.pem"), Key: filepath.Join(dir, "a.key"),
	}}
}

func (f keyFiles) writeCert(content []byte) { must(f.t, os.WriteFile(f.Cert, content, 0o600)) }
func (f keyFiles) writeKey(content []byte)  { must(f.t, os.WriteFile(f.Key, content, 0o600)) }

func (f keyFiles) spec(sp *ipc.Spec) { sp.Files = []ipc.KeyPair{f.KeyPair} }

// logged returns what the master has written to wm.log.
func (w *world) logged() string {
	w.t.Helper()
	w.s.log.Flush(5 * time.Second)
	text, err := os.ReadFile(w.s.cfg.Dir.LogFile)
	must(w.t, err)
	return string(text)
}

func TestCertificatesComeBeforeAnythingElse(t *testing.T) {
	files := newKeyFiles(t)
	w := newWorld(t)
	cert, key := testPair(t, 0xab1, w.now.Add(time.Hour))
	files.writeCert(cert)
	files.writeKey(key)
	w.serve(spec("a", files.spec))
	m, _, err := w.procs[w.last].conn.Recv()
	must(t, err)
	got, ok := m.(*ipc.Files)
	if !ok || !bytes.Equal(got.Files[files.Cert], cert) || !bytes.Equal(got.Files[files.Key], key) {
		t.Errorf("first message %T %v", m, m)
	}
	if text := w.logged(); !strings.Contains(text, "certificate "+files.Cert+
		" loaded, serial AB1, valid until 1970-01-12 14:46:40 UTC, for worker a\n") {
		t.Errorf("log %s", text)
	}
}

// A pair that several Workers use is one line in the log.
func TestSharedCertificatesAreLoggedOnce(t *testing.T) {
	files := newKeyFiles(t)
	w := newWorld(t)
	replace := func(serial int64) {
		cert, key := testPair(t, serial, w.now.Add(time.Hour))
		files.writeCert(cert)
		files.writeKey(key)
	}
	replace(1)
	w.serve(spec("b", files.spec), spec("a", files.spec), spec("none"))
	replace(2)
	w.pass(readEvery)
	w.pass(readEvery)
	text := w.logged()
	for _, verb := range []string{" loaded, serial 1,", " reloaded, serial 2,"} {
		if strings.Count(text, verb) != 1 {
			t.Errorf("want%s once, log %s", verb, text)
		}
	}
	if strings.Count(text, " UTC, for workers a, b\n") != 2 {
		t.Errorf("want both Workers in both lines, log %s", text)
	}
}

func TestCertificatesThatCannotBeServedFailTheStart(t *testing.T) {
	cert, key := testPair(t, 1, time.Now().Add(time.Hour))
	_, other := testPair(t, 2, time.Now().Add(time.Hour))
	big := bytes.Repeat([]byte("x"), maxCertificateFile+1)
	for name, tt := range map[string]struct {
		cert, key []byte
		want      string
	}{
		"missing certificate": {nil, key, "certificate file: open "},
		"missing key":         {cert, nil, "key file: open "},
		"mismatch":            {cert, other, "a.key: tls: private key does not match public key"},
		"no PEM":              {[]byte("x"), key, "a.pem, key file"},
		"too large":           {big, key, "a.pem has more than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			files := newKeyFiles(t)
			if tt.cert != nil {
				files.writeCert(tt.cert)
			}
			if tt.key != nil {
				files.writeKey(tt.key)
			}
			w := newWorld(t)
			must(t, w.s.begin())
			w.probe(spec("a", files.spec))
			if err := w.s.err; err == nil || !strings.Contains(err.Error(), tt.want) ||
				!strings.HasPrefix(err.Error(), "worker a (") {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCertificateThatIsNoFile(t *testing.T) {
	files := newKeyFiles(t)
	must(t, unix.Mkfifo(files.Cert, 0o600))
	_, err := readFiles([]ipc.KeyPair{files.KeyPair})
	if err == nil || !strings.Contains(err.Error(), files.Cert+" is no regular file") {
		t.Errorf("a pipe: %v", err)
	}
	_, err = readFiles([]ipc.KeyPair{{Cert: "/nowhere/x", Key: "/nowhere/x"}})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestCertificateThatHasExpiredIsServed(t *testing.T) {
	files := newKeyFiles(t)
	w := newWorld(t)
	cert, key := testPair(t, 1, w.now.Add(-time.Hour))
	files.writeCert(append(cert, key...))
	files.Key = files.Cert
	w.serve(spec("a", files.spec))
	w.expect(w.last, ipc.TypeFiles)
	if text := w.logged(); !strings.Contains(text, "it has EXPIRED") {
		t.Errorf("log %s", text)
	}
}

func TestChangedCertificatesAreTakenTogether(t *testing.T) {
	files := newKeyFiles(t)
	w := newWorld(t)
	cert, key := testPair(t, 1, w.now.Add(time.Hour))
	files.writeCert(cert)
	files.writeKey(key)
	w.serve(spec("a", files.spec))
	first := w.last
	w.expect(first, ipc.TypeFiles)

	cert, key = testPair(t, 2, w.now.Add(time.Hour))
	files.writeCert(cert)
	w.pass(readEvery) // seen, and not read before it stands still
	files.writeKey(key)
	w.pass(readEvery)
	if text := w.logged(); strings.Contains(text, "keeps") || strings.Contains(text, "reloaded") {
		t.Errorf("read too early: %s", text)
	}
	w.pass(readEvery)
	got := w.expect(first, ipc.TypeFiles).(*ipc.Files)
	if !bytes.Equal(got.Files[files.Cert], cert) || !bytes.Equal(got.Files[files.Key], key) {
		t.Error("the process did not get the new pair")
	}
	if text := w.logged(); !strings.Contains(text, "reloaded, serial 2,") {
		t.Errorf("log %s", text)
	}
}

func TestBadCertificatesChangeNothing(t *testing.T) {
	files := newKeyFiles(t)
	w := newWorld(t)
	good, key := testPair(t, 1, w.now.Add(time.Hour))
	files.writeCert(good)
	files.writeKey(key)
	w.serve(spec("a", files.spec))
	bad, _ := testPair(t, 2, w.now.Add(time.Hour))
	files.writeCert(bad)
	for range 4 {
		w.pass(readEvery)
	}
	if text := w.logged(); strings.Count(text, "worker a keeps its certificates: "+
		"certificate file "+files.Cert) != 1 {
		t.Errorf("want one line that says why, log %s", text)
	}
	// A respawn gets what fits together.
	w.exit(w.last, 9)
	w.pass(backoffMost)
	got := w.expect(w.last, ipc.TypeFiles).(*ipc.Files)
	if !bytes.Equal(got.Files[files.Cert], good) {
		t.Error("the new process got the bad certificate")
	}
	server := w.last
	w.say(server, &ipc.Ready{})
	// A reload says so at once and leaves everything alone.
	r := w.reload("two", false)
	w.probe(spec("a", files.spec))
	if res := result(r); res == nil || res.Code != 1 || !strings.Contains(res.Text, files.Cert) {
		t.Errorf("result %+v", res)
	}
	files.writeCert(good)
	r = w.reload("three", false)
	w.probe(spec("a", files.spec))
	w.turn(server)
	if res := result(r); res == nil || res.Code != 0 {
		t.Errorf("result %+v", res)
	}
}

func TestEssentialWorkerEndsTheService(t *testing.T) {
	for _, essential := range []bool{true, false} {
		w := newWorld(t)
		w.serve(spec("a", func(sp *ipc.Spec) { sp.Essential = essential }), spec("b"))
		other := w.last
		crash := w.last - 1
		for range essentialTries {
			if w.s.phase != serving {
				t.Fatal("ended too early")
			}
			w.exit(crash, 256, "panic: no disk")
			w.pass(backoffMost)
			crash = w.last
		}
		if !essential {
			if w.s.phase != serving {
				t.Errorf("ended without need: %v", w.s.err)
			}
			continue
		}
		w.expect(other, ipc.TypeDrain)
		w.leave(other)
		if w.s.phase != over || w.s.err == nil ||
			!strings.HasPrefix(w.s.err.Error(), "a/0 is essential and ended early 8 times in a row") {
			t.Errorf("phase %v, error %v", w.s.phase, w.s.err)
		}
		got, _, err := rundir.ReadHistory(w.s.cfg.Dir.History, 1)
		if err != nil || len(got) != 1 || got[0].What != "end" || got[0].Code != 1 ||
			!strings.Contains(got[0].Text, "a/0 is essential") || len(got[0].By) != 0 {
			t.Errorf("history %+v, %v", got, err)
		}
	}
}
