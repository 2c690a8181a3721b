package e2e

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newPair makes a self-signed certificate for the hosts, and its key.
func newPair(t *testing.T, serial int64, hosts ...string) (cert, key string) {
	t.Helper()
	return pairFrom(t, serial, -time.Hour, time.Hour, hosts...)
}

// dialTLS makes a connection and returns the serial number it was shown.
func dialTLS(address string) (*client, int64, error) { return dialTLSAs(address, "") }

// dialTLSAs asks for a host by its name.
func dialTLSAs(address, name string) (*client, int64, error) {
	dialer := &net.Dialer{Timeout: replyLimit}
	config := &tls.Config{ServerName: name, InsecureSkipVerify: true}
	conn, err := tls.DialWithDialer(dialer, "tcp", address, config)
	if err != nil {
		return nil, 0, err
	}
	serial := conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	return &client{conn: conn, in: bufio.NewReader(conn)}, serial, nil
}

// Certificates change under load without a connection that fails, and a pair
// that does not fit changes nothing but the log.
func TestTLSReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key")
	cert, key := newPair(t, 1)
	write(t, certFile, cert)
	write(t, keyFile, key)
	address := freeAddress(t)
	s := newService(t, "E2E_TLS="+address, "E2E_CERT="+certFile, "E2E_KEY="+keyFile)
	s.start()
	s.wantLog("certificate " + certFile + " loaded, serial 1, valid until")
	kept, serial, err := dialTLS(address)
	if err != nil || serial != 1 {
		t.Fatalf("serial %d, %v", serial, err)
	}
	defer kept.conn.Close()

	var all load
	var latest atomic.Int64
	all.add(2, func() error {
		c, serial, err := dialTLS(address)
		if err != nil {
			return err
		}
		defer c.conn.Close()
		latest.Store(serial)
		reply, err := c.line("x", replyLimit)
		if err == nil && reply != "x" {
			err = fmt.Errorf("answer %q", reply)
		}
		return err
	})
	cert, key = newPair(t, 2)
	write(t, certFile, cert)
	write(t, keyFile, key)
	s.wantLog("certificate " + certFile + " reloaded, serial 2")
	waitFor(t, eventLimit, "handshakes show serial 2", func() bool { return latest.Load() == 2 })

	other, _ := newPair(t, 3)
	write(t, certFile, other)
	s.wantLog("keeps its certificates: certificate file " + certFile)
	s.run("reload").wantCode(1).wantText("private key does not match public key")
	if got := latest.Load(); got != 2 {
		t.Errorf("serial %d after a bad pair", got)
	}
	cert, key = newPair(t, 4)
	write(t, certFile, cert)
	write(t, keyFile, key)
	s.wantLog("reloaded, serial 4")
	waitFor(t, eventLimit, "handshakes show serial 4", func() bool { return latest.Load() == 4 })
	if got := kept.mustLine(t, "still here"); got != "still here" {
		t.Errorf("the first connection answers %q", got)
	}
	wantConnection(t, s, "secure", "ssl", "text", kept.conn.LocalAddr().String())
	s.run("reload").wantCode(0)
	all.stop()
	t.Logf("clients saw: %s", &all)
	if all.bad() != 0 || all.success.Load() == 0 {
		t.Errorf("clients saw: %s", &all)
	}
	if got := s.snapshot(); got.exitCount("secure", 0) != 2 {
		t.Errorf("processes have ended beside those of the reload")
	}
}

// The master reads what its processes may not.
func TestTLSKeyOfRoot(t *testing.T) {
	t.Parallel()
	needRoot(t)
	file, address := filepath.Join(t.TempDir(), "a.pem"), freeAddress(t)
	cert, key := newPair(t, 1)
	write(t, file, cert+key)
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newService(t, "E2E_TLS="+address, "E2E_CERT="+file, "E2E_TLS_USER=nobody")
	s.start()
	c, _, err := dialTLS(address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	if got := c.mustLine(t, "x"); got != "x" {
		t.Errorf("answer %q", got)
	}
	s.run("stop").wantCode(0)
	s.env[len(s.env)-1] = "E2E_TLS_USER="
	s.asNobody("check").wantCode(4).
		wantText(file+": permission denied", "(the master runs as uid 65534)")
}

// A certificate that cannot be served refuses the start.
func TestTLSWithoutACertificate(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_TLS="+freeAddress(t), "E2E_CERT=nowhere.pem")
	for _, command := range [][]string{{"check"}, {"start", "-d"}} {
		s.run(command...).wantCode(1).
			wantText("apps/transports/nowhere.pem: no such file or directory")
	}
}

// wantConnection looks for a row of wm connections that has all the words.
func wantConnection(t *testing.T, s *service, words ...string) {
	t.Helper()
	r := s.run("connections").wantCode(0)
	for line := range strings.Lines(r.out) {
		fields := strings.Fields(line)
		if !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(fields, w) }) {
			return
		}
	}
	t.Errorf("no connection with %q:\n%s", words, r.out)
}

func dialPath(t *testing.T, path string) *client {
	t.Helper()
	conn, err := net.DialTimeout("unix", path, replyLimit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{conn: conn, in: bufio.NewReader(conn)}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "app.sock")
	s := newService(t, "E2E_UNIX="+path)
	s.start().wantText("unix", "text://"+path)
	if got := dialPath(t, path).mustLine(t, "x"); got != "x" {
		t.Errorf("answer %q", got)
	}
	wantConnection(t, s, "unix", "unix", "text", path)
	before, err := os.Stat(path)
	if err != nil || before.Mode() != os.ModeSocket|0o660 {
		t.Errorf("mode %v, %v", before.Mode(), err)
	}
	var all load
	all.add(2, func() error {
		conn, err := net.DialTimeout("unix", path, replyLimit)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = (&client{conn: conn, in: bufio.NewReader(conn)}).line("x", replyLimit)
		return err
	})
	s.run("reload").wantCode(0)
	all.stop()
	if all.bad() != 0 || all.success.Load() == 0 {
		t.Errorf("clients saw: %s", &all)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("the reload replaced the socket: %v", err)
	}
	// Another service must not take it away.
	rival := newService(t, "E2E_UNIX="+path)
	rival.run("start", "-d").wantCode(1).wantText(path + ": address already in use")
	dialPath(t, path)
	s.run("stop").wantCode(0)
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is still there")
	}
}

func TestUnixSocketOfADeadMaster(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.sock")
	s := newService(t, "E2E_UNIX="+path)
	s.start()
	kill(t, s.snapshot().MasterPID, unix.SIGKILL)
	s.waitGone(eventLimit)
	if _, err := os.Lstat(path); err != nil {
		t.Fatal("the socket is gone by itself")
	}
	s.start()
	if got := dialPath(t, path).mustLine(t, "x"); got != "x" {
		t.Errorf("answer %q", got)
	}
}

func TestUnixSocketOfAUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	path := filepath.Join(t.TempDir(), "app.sock")
	s := newService(t, "E2E_UNIX="+path, "E2E_UNIX_USER=nobody")
	s.start()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Uid == 0 || st.Gid == 0 {
		t.Errorf("owner %d:%d", st.Uid, st.Gid)
	}
	if got := dialPath(t, path).mustLine(t, "x"); got != "x" {
		t.Errorf("answer %q", got)
	}
}

func TestUnixSocketReplacesNoFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.sock")
	write(t, path, "somebody's")
	s := newService(t, "E2E_UNIX="+path)
	s.run("start", "-d").wantCode(1).wantText(path, "is no socket")
	if text, err := os.ReadFile(path); err != nil || string(text) != "somebody's" {
		t.Errorf("the file has %q, %v", text, err)
	}
}

func TestEssentialWorkerEndsTheService(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "broken")
	s := newService(t, "E2E_ESSENTIAL="+file, "E2E_TEXT="+freeAddress(t))
	c := s.foreground()
	s.waitWhole("essential", 1)
	write(t, file, "")
	kill(t, s.snapshot().pidsOf("essential")[0], unix.SIGKILL)
	r := s.wait(c)
	if r.code != 1 || !strings.Contains(r.out, "is essential and ended early 8 times in a row") {
		t.Errorf("exit status %d\n%s", r.code, r.out)
	}
}

// Ports that a process opens itself: a Unix socket of its own, and a port that
// two processes share.
func TestInnerTransports(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, address := filepath.Join(dir, "inner"), freeAddress(t)
	env := []string{"E2E_INSIDE=" + path + "," + address}
	if os.Geteuid() == 0 {
		env = append(env, "E2E_UNIX_USER=nobody")
		if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755),
			os.Chown(dir, 65534, 65534)); err != nil {
			t.Fatal(err)
		}
	}
	s := newService(t, env...)
	s.start()
	for range 2 {
		for slot := range 2 {
			if got := dialPath(t, path+strconv.Itoa(slot)).mustLine(t, "slot"); got != "slot" {
				t.Errorf("raw bytes answer %q", got)
			}
		}
		slots := map[string]bool{}
		for range 80 {
			slot, err := askNew(address, "slot")
			if err != nil {
				t.Fatal(err)
			}
			slots[slot] = true
		}
		if len(slots) != 2 {
			t.Errorf("80 connections went to the slots %v", slots)
		}
		s.run("reload").wantCode(0)
	}
	s.run("stop").wantCode(0)
	if _, err := os.Lstat(path + "0"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}
