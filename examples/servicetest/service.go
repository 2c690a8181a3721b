// Package servicetest runs an example as its readers do: it builds server and
// client, starts the server, and stops it when the test ends.
package servicetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// limit is longer than anything here may take.
const limit = time.Minute

// Service is a running example.
type Service struct {
	// Address is where it listens.
	Address string

	t   testing.TB
	dir string // of its binaries and its run directory
	env []string
}

// Start builds the example whose source the test stands in and starts its
// server, which is ready when Start returns. address is the one in the source;
// a free port takes its place. env is added to the environment of the server.
// With -short the test is skipped.
func Start(t testing.TB, address string, env ...string) *Service {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and starts programs")
	}
	// Not t.TempDir: the path of a unix socket must be short.
	dir, err := os.MkdirTemp("", "wm-example-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Service{Address: freeAddress(t), t: t, dir: dir}
	s.env = append(environ(), append(env, "WM_RUN_DIR="+dir)...)
	build(t, dir, address, s.Address)
	if out, err := s.server("start", "-d"); err != nil {
		t.Fatalf("server start -d: %v\n%s", err, out)
	}
	t.Cleanup(s.stop)
	return s
}

func (s *Service) server(args ...string) (out string, err error) {
	return run(filepath.Join(s.dir, "server"), s.env, args...)
}

// stop also shows the log of a test that failed.
func (s *Service) stop() {
	if out, err := s.server("stop"); err != nil {
		s.t.Errorf("server stop: %v\n%s", err, out)
	}
	if s.t.Failed() {
		text, _ := os.ReadFile(filepath.Join(s.dir, "wm.log"))
		s.t.Logf("wm.log:\n%s", text)
	}
}

// Client runs the client of the example and returns what it prints. An error
// says that it failed.
func (s *Service) Client(args ...string) (out string, err error) {
	return run(filepath.Join(s.dir, "client"), environ(), args...)
}

// WantClient ends the test unless the client succeeds and prints want.
func (s *Service) WantClient(want string, args ...string) {
	s.t.Helper()
	if out, err := s.Client(args...); err != nil || out != want {
		s.t.Fatalf("client %q: %v\nprinted %q\nwant    %q", args, err, out, want)
	}
}

// Dial connects to the server. Whatever takes too long on the connection fails;
// it is closed when the test ends.
func (s *Service) Dial() net.Conn {
	s.t.Helper()
	conn, err := net.DialTimeout("tcp", s.Address, limit)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(limit))
	return conn
}

// environ is that of the test without what would steer the server.
func environ() []string {
	out := []string{"CGO_ENABLED=0"}
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "WM_") && !strings.HasPrefix(entry, "RUNTIME_DIRECTORY=") {
			out = append(out, entry)
		}
	}
	return out
}

func run(program string, env []string, args ...string) (out string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = env
	cmd.WaitDelay = time.Second
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// freeAddress is one that stays free while the example is built: below the ports that
// the kernel gives to whoever asks for any.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// WantReply ends the test unless conn brings want.
func WantReply(t testing.TB, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("reply %q, %v, want %q", got[:n], err, want)
	}
}

// WantClosed ends the test unless the server closes conn without a word.
func WantClosed(t testing.TB, conn net.Conn) {
	t.Helper()
	n, err := conn.Read(make([]byte, 1))
	if n > 0 || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("read %d bytes, %v, want the end of the connection", n, err)
	}
}
