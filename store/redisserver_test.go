package store_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const deadline = 10 * time.Second

// server is a real redis-server of one test.
type server struct {
	t      testing.TB
	socket string
	args   []string
	cmd    *exec.Cmd
}

// newServer starts a redis-server on a Unix socket and ends it with the test.
func newServer(t testing.TB, args ...string) *server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("WM_TEST_NEEDS") == "all" {
			t.Fatal("redis-server is not installed (apt-get install redis-server)")
		}
		t.Skip("redis-server is not installed (apt-get install redis-server)")
	}
	dir, err := os.MkdirTemp("", "wm-redis-") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &server{t: t, socket: filepath.Join(dir, "redis.sock")}
	s.args = append([]string{path, "--port", "0", "--unixsocket", s.socket, "--dir", dir,
		"--save", "", "--appendonly", "no"}, args...)
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	var out strings.Builder
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	end := time.Now().Add(deadline)
	for s.command("PING") == "" {
		if time.Now().After(end) {
			s.kill()
			s.t.Fatalf("redis-server does not answer:\n%s", out.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Kill()
	s.cmd.Wait() // its status is that of the kill
	s.cmd = nil
	os.Remove(s.socket)
}

// command sends a command that has no blanks in its words, and returns the first line of
// the reply, or nothing when there is none.
func (s *server) command(line string) string {
	conn, err := net.Dial("unix", s.socket)
	if err != nil {
		return ""
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(deadline))
	fmt.Fprintf(conn, "%s\r\n", line)
	reply := make([]byte, 512)
	n, _ := conn.Read(reply)
	first, _, _ := strings.Cut(string(reply[:n]), "\r\n")
	return first
}
