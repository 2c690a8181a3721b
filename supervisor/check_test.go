package supervisor

import (
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
)

// Whatever a check and a start find wrong with an address, they name the
// Worker, its line and the address as it was typed.
func TestBadAddressNamesItsWorker(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for _, c := range []struct{ network, host, want string }{
		{"tcp", "nohost:25001", `"nohost" is no IP address`},
		{"udp", "nohost:25001", `"nohost" is no IP address`},
		{"tcp", "[fe80::1%nosuch0]:1", `no interface "nosuch0"`},
		{"unix", filepath.Join(dir, "none", "s"), "folder " + filepath.Join(dir, "none") + ": no such"},
		{"unix", file, "the file that is there is no socket"},
	} {
		sp := spec("chat", func(sp *ipc.Spec) {
			sp.Network, sp.Host, sp.Listen = c.network, c.host, "text://"+c.host
			sp.Source = "apps/chat/start.go:14"
		})
		want := "worker chat (apps/chat/start.go:14): listen text://" + c.host + ": " + c.want
		w := newWorld(t)
		w.s.sys.open, w.s.sys.try = listen.Open, listen.Try
		c := &checker{s: w.s, scope: CheckScope{Addresses: true}}
		c.checkWorker(sp)
		if err := c.Err(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("check: %v, want %s", err, want)
		}
		_, err := w.s.planOf(w.s.gen, sp, w.s.obtain)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("start: %v, want %s", err, want)
		}
	}
}

// A check beside a running service tells its addresses from those of others.
func TestCheckOfAddressesInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	lis, err := net.Listen("unix", path)
	must(t, err)
	defer lis.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer tcp.Close()
	_, port, err := net.SplitHostPort(tcp.Addr().String())
	must(t, err)
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer udp.Close()
	w := newWorld(t)
	w.s.sys.try = listen.Try
	for _, sp := range []ipc.Spec{
		{Network: "unix", Host: path}, {Network: "tcp", Host: tcp.Addr().String()},
		{Network: "tcp", Host: "[::]:" + port}, {Network: "udp", Host: udp.LocalAddr().String()},
	} {
		sp.Key = "a"
		mine := &checker{s: w.s, scope: CheckScope{Addresses: true, Master: os.Getpid()}}
		mine.checkWorker(sp)
		if got := mine.Report.Workers[0].Address; got != "held by this service" || mine.Err() != nil {
			t.Errorf("%s: %s, %v", sp.Host, got, mine.Err())
		}
		theirs := &checker{s: w.s, scope: CheckScope{Addresses: true}}
		theirs.checkWorker(sp)
		if !errors.Is(theirs.Err(), unix.EADDRINUSE) {
			t.Errorf("%s without a master: %v", sp.Host, theirs.Err())
		}
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error("the check removed the socket")
	}
}

// All that is wrong is found in one check, each with its Worker and line.
func TestCheckFindsEverything(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	w.s.sys.try = listen.Try
	w.s.cfg.LogFile = filepath.Join(dir, "none", "wm.log")
	w.s.cfg.StdoutFile = dir
	c := &checker{s: w.s, scope: CheckScope{Addresses: true, Daemon: true}}
	c.failed(checkSpecs([]ipc.Spec{spec("e", func(sp *ipc.Spec) { sp.Error = "no protocol" }),
		spec("a", from("a.go:1"), at("127.0.0.1:1")), spec("b", from("b.go:2"), at("127.0.0.1:1"))}), "")
	c.checkWorker(spec("u", from("u.go:3"), at("127.0.0.1:0"), func(sp *ipc.Spec) {
		sp.User, sp.Files = "no-such-user", []ipc.KeyPair{{Cert: "/none/c", Key: "/none/k"}}
		sp.Connections, sp.Backlog = 1<<40, 1<<30
	}))
	c.checkFiles()
	want := []struct{ level, worker, text string }{
		{"error", "e", "no protocol"},
		{"error", "b", "is taken by worker a already"},
		{"error", "u", "no such user"},
		{"error", "u", "certificate file: open /none/c"},
		{"warning", "u", "Limits.Connections is"},
		{"warning", "u", "Backlog is"},
		{"error", "", "log file"},
		{"error", "", "stdout file"},
	}
	if len(c.Report.Findings) != len(want) {
		t.Fatalf("%d findings, want %d: %+v", len(c.Report.Findings), len(want), c.Report.Findings)
	}
	for i, f := range c.Report.Findings {
		if f.Level != want[i].level || f.Worker != want[i].worker ||
			!strings.Contains(f.Text, want[i].text) {
			t.Errorf("finding %d is %+v, want %v", i, f, want[i])
		}
	}
}

func TestCheckWarnsOfCertificatesThatExpire(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		begins, ends time.Time
		want         string
	}{
		{time.Time{}, now.Add(-time.Hour), "has expired"},
		{time.Time{}, now.Add(expiresSoon - time.Hour), "expires on"},
		{time.Time{}, now.Add(expiresSoon + time.Hour), ""},
		{now.Add(time.Hour), now.Add(expiresSoon + time.Hour), "is not valid before 1970-01-12 14:46:40"},
	} {
		w := newWorld(t)
		k := &checker{s: w.s}
		k.checkExpiry(spec("a"), "/c.pem", &x509.Certificate{NotBefore: c.begins, NotAfter: c.ends})
		if c.want == "" && len(k.Report.Findings) > 0 ||
			c.want != "" && !strings.Contains(k.Report.Findings[0].Text, c.want) || k.Err() != nil {
			t.Errorf("%v: %+v", c.ends, k.Report.Findings)
		}
	}
}
