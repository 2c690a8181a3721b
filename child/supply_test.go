package child

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

// startSecure declares a Worker with a certificate that no process can read.
func startSecure() {
	w := worker.New("text://127.0.0.1:0")
	w.Name, w.Transport = "secure", "ssl"
	w.TLS = worker.TLS{CertFile: "/nowhere/a.pem"}
	w.OnMessage = func(c *worker.Connection, data []byte) { c.Write(data) }
}

// secure is the hand-over of that Worker's process.
func secure() ipc.Handover {
	h := echo()
	spec := &h.Worker.Spec
	spec.App, spec.Key, spec.Name, spec.Transport = "secure", "secure/secure", "secure", "ssl"
	spec.Files = []ipc.KeyPair{{Cert: "/nowhere/a.pem", Key: "/nowhere/a.pem"}}
	return h
}

func TestProcessBeginsWithItsCertificates(t *testing.T) {
	s := begin(t, secure())
	expect[*ipc.Hello](s)
	s.send(&ipc.AskReport{ID: 1})
	expect[*ipc.Report](s) // and no ready before
	s.send(&ipc.Files{Files: map[string][]byte{"/nowhere/a.pem": pair(t)}})
	expect[*ipc.Ready](s)
	s.send(&ipc.Files{Files: map[string][]byte{"/nowhere/a.pem": nil}})
	s.expectLog("certificates stay as they are: certificate file /nowhere/a.pem")
	s.send(&ipc.Drain{Timeout: testDeadline})
	expect[*ipc.Yielded](s)
	s.leaves(ipc.ExitDone)
}

func TestProcessEndsWithoutCertificates(t *testing.T) {
	s := begin(t, secure())
	expect[*ipc.Hello](s)
	s.send(&ipc.Files{Files: map[string][]byte{"/nowhere/a.pem": []byte("x")}})
	if got := expect[*ipc.Failed](s); got.Code != ipc.ExitFailed ||
		!strings.HasPrefix(got.Text, "certificate file /nowhere/a.pem") {
		t.Errorf("failed %+v", got)
	}
	s.leaves(ipc.ExitFailed)
}

func TestProcessWithOtherFilesThanTheMaster(t *testing.T) {
	h := secure()
	h.Worker.Spec.Files[0].Cert = "/nowhere/b.pem"
	s := begin(t, h)
	expect[*ipc.Hello](s)
	if got := expect[*ipc.Failed](s); got.Code != ipc.ExitMismatch ||
		!strings.Contains(got.Text, "with certificate /nowhere/b.pem") {
		t.Errorf("failed %+v", got)
	}
	s.leaves(ipc.ExitMismatch)
}

func TestProcessServesALentListener(t *testing.T) {
	s := run(t, echo())
	ln, addr := listener(t)
	defer ln.Close()
	s.send(&ipc.Lend{Slot: 5}) // without a descriptor: nothing to serve
	s.expectLog("lent slot 5 without a listener")
	s.send(&ipc.Lend{Slot: 5}, descriptorOf(t, ln))
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(testDeadline))
	(&client{t, conn, bufio.NewReader(conn)}).ask("lent", "lent")
	late, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	late.SetDeadline(time.Now().Add(testDeadline))
	s.send(&ipc.Reclaim{Slot: 5})
	(&client{t, late, bufio.NewReader(late)}).ask("late", "late")
	s.dial().ask("own", "own")
}

// descriptorOf is the number without the changes of os.File.Fd.
func descriptorOf(t *testing.T, f *os.File) int {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var dup int
	err = raw.Control(func(fd uintptr) { dup, err = unix.Dup(int(fd)) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(dup) })
	return dup
}

// pair is a self-signed certificate with its key.
func pair(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
}

func TestProcessThatIsToldToLeaveBeforeItBegins(t *testing.T) {
	files := &ipc.Files{Files: map[string][]byte{"/nowhere/a.pem": pair(t)}}
	s := begin(t, secure())
	expect[*ipc.Hello](s)
	s.send(&ipc.Drain{Timeout: testDeadline})
	_ = s.link.Send(files) // it may have left by then
	expect[*ipc.Yielded](s)
	s.leaves(ipc.ExitDone)
}
