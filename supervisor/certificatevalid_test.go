package supervisor

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// put writes a pair that is valid from and until such a time from now.
func (f keyFiles) put(w *world, serial int64, from, until time.Duration) (cert []byte) {
	f.t.Helper()
	cert, key := testPairFrom(f.t, serial, w.now.Add(from), w.now.Add(until))
	f.writeCert(cert)
	f.writeKey(key)
	return cert
}

// seenTwice lets the master notice a change and read it.
func (w *world) seenTwice() {
	w.pass(readEvery)
	w.pass(readEvery)
}

func (w *world) wantLogged(text string, times int) {
	w.t.Helper()
	if log := w.logged(); strings.Count(log, text) != times {
		w.t.Errorf("want %d times %q, log %s", times, text, log)
	}
}

// What clients would refuse does not take the place of what they accept; a
// respawn gets that too, and the next change is looked at again.
func TestValidCertificateIsKept(t *testing.T) {
	for name, tt := range map[string]struct {
		from, until time.Duration
		why         string
	}{
		"expired": {-2 * time.Hour, -time.Hour, "the new one has expired on 1970-01-12 12:46:40 UTC"},
		"early":   {time.Hour, 2 * time.Hour, "the new one is not valid before 1970-01-12 14:46:40 UTC"},
	} {
		t.Run(name, func(t *testing.T) {
			files := newKeyFiles(t)
			w := newWorld(t)
			good := files.put(w, 1, -time.Hour, 48*time.Hour)
			w.serve(spec("a", files.spec), spec("b", files.spec))
			files.put(w, 2, tt.from, tt.until)
			for range 4 {
				w.pass(readEvery)
			}
			line := "certificate " + files.Cert + " kept, valid until 1970-01-14 13:46:40 UTC: " +
				tt.why + ", for workers a, b\n"
			w.wantLogged(line, 1)
			w.wantLogged("reloaded", 0)
			w.exit(w.last, 9)
			w.pass(backoffMost)
			got := w.expect(w.last, ipc.TypeFiles).(*ipc.Files)
			if !bytes.Equal(got.Files[files.Cert], good) {
				t.Error("a new process got another certificate")
			}
			files.put(w, 3, -time.Hour, time.Hour)
			w.seenTwice()
			w.wantLogged("reloaded, serial 3,", 1)
		})
	}
}

// One that comes too early is taken when its time has come, also when the one
// before has expired by then.
func TestEarlyCertificateIsTakenInTime(t *testing.T) {
	files := newKeyFiles(t)
	w := newWorld(t)
	files.put(w, 1, -time.Hour, time.Minute)
	w.serve(spec("a", files.spec))
	early := files.put(w, 2, time.Hour, 2*time.Hour)
	w.seenTwice()
	w.wantLogged("kept", 1)
	w.pass(time.Hour - 4*readEvery)
	w.wantLogged("reloaded", 0)
	w.pass(4 * readEvery)
	w.wantLogged("reloaded, serial 2,", 1)
	w.expect(w.last, ipc.TypeFiles)
	got := w.expect(w.last, ipc.TypeFiles).(*ipc.Files)
	if !bytes.Equal(got.Files[files.Cert], early) {
		t.Error("the process got another certificate")
	}
}

// Where nothing valid is served any more, a change is taken as it is.
func TestExpiredCertificateReplacesAnExpiredOne(t *testing.T) {
	files := newKeyFiles(t)
	w := newWorld(t)
	files.put(w, 1, -2*time.Hour, -time.Hour)
	w.serve(spec("a", files.spec))
	files.put(w, 2, -2*time.Hour, -time.Minute)
	w.seenTwice()
	w.wantLogged("reloaded, serial 2, valid until 1970-01-12 13:45:40 UTC: it has EXPIRED", 1)
}

// The other pairs of a Worker do not wait for the one that is kept.
func TestOnlyTheInvalidPairIsKept(t *testing.T) {
	one, two := newKeyFiles(t), newKeyFiles(t)
	w := newWorld(t)
	old := one.put(w, 1, -time.Hour, time.Hour)
	two.put(w, 2, -time.Hour, time.Hour)
	w.serve(spec("a", func(sp *ipc.Spec) { sp.Files = []ipc.KeyPair{one.KeyPair, two.KeyPair} }))
	w.expect(w.last, ipc.TypeFiles)
	one.put(w, 3, -2*time.Hour, -time.Hour)
	renewed := two.put(w, 4, -time.Hour, time.Hour)
	w.seenTwice()
	got := w.expect(w.last, ipc.TypeFiles).(*ipc.Files)
	if !bytes.Equal(got.Files[one.Cert], old) || !bytes.Equal(got.Files[two.Cert], renewed) {
		t.Errorf("the process got other certificates")
	}
	w.wantLogged("certificate "+one.Cert+" kept, ", 1)
	w.wantLogged("certificate "+two.Cert+" reloaded, serial 4,", 1)
}

// Where two pairs have one key, a new key is taken for both or for none.
func TestPairsOfOneKeyAreKeptTogether(t *testing.T) {
	one, two := newKeyFiles(t), newKeyFiles(t)
	two.Key = one.Key
	w := newWorld(t)
	two.writeCert(one.put(w, 1, -time.Hour, 48*time.Hour))
	w.serve(spec("a", func(sp *ipc.Spec) { sp.Files = []ipc.KeyPair{one.KeyPair, two.KeyPair} }))

	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	key, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	one.writeCert(testCertificate(t, private, 2, w.now.Add(-2*time.Hour), w.now.Add(-time.Hour)))
	two.writeCert(testCertificate(t, private, 3, w.now.Add(-time.Hour), w.now.Add(time.Hour)))
	one.writeKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	w.seenTwice()
	w.wantLogged("certificate "+one.Cert+" kept, ", 1)
	w.wantLogged("certificate "+two.Cert+" kept: it shares a file with one that is kept", 1)
	w.wantLogged("keeps its certificates", 0)

	two.writeCert(one.put(w, 4, -time.Hour, time.Hour))
	w.seenTwice()
	w.wantLogged("reloaded, serial 4,", 2)
}

// A reload and the plan of one say it, and the reload goes on with the old one.
func TestReloadTellsOfAnInvalidCertificate(t *testing.T) {
	files := newKeyFiles(t)
	w := newWorld(t)
	good := files.put(w, 1, -time.Hour, 48*time.Hour)
	w.serve(spec("a", files.spec))
	server := w.last
	files.put(w, 2, -2*time.Hour, -time.Hour)
	const want = " has expired on 1970-01-12 12:46:40 UTC; the served one, valid until " +
		"1970-01-14 13:46:40 UTC, is kept"

	told := w.s.planFor(w.s.gen, w.s.units).told
	if len(told.Notes) != 1 || told.Notes[0] != "certificate file "+files.Cert+want {
		t.Errorf("notes %q", told.Notes)
	}
	r := w.reload("two", false)
	w.probe(spec("a", files.spec))
	got := w.expect(w.last, ipc.TypeFiles).(*ipc.Files)
	if !bytes.Equal(got.Files[files.Cert], good) {
		t.Error("the new process got the expired certificate")
	}
	w.turn(server)
	noted := 0
	for m := range r.out {
		if p, ok := m.(*ipc.Progress); ok && p.Kind == "note" && strings.HasSuffix(p.Text, want) {
			noted++
		}
		if res, ok := m.(*ipc.Result); ok && res.Code != ipc.CodeDone {
			t.Errorf("result %+v", res)
		}
	}
	if noted != 1 {
		t.Errorf("%d notes", noted)
	}
}
