package webserver

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/wmtest"
)

// deadline is how long a test waits for what must happen.
const deadline = 20 * time.Second

// TestMain checks that the tests leave no goroutine behind, and no descriptor but
// those of roots, which go with their process.
func TestMain(m *testing.M) {
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil { // opens the poller for good
		l.Close()
	}
	goroutines, files := runtime.NumGoroutine(), descriptors()
	code := m.Run()
	end := time.Now().Add(deadline)
	for code == 0 && !fuzzing() && (runtime.NumGoroutine() > goroutines || descriptors() > files) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			fmt.Fprintf(os.Stderr, "left: %d goroutines (%d before), %d files (%d before)\n%s\n",
				runtime.NumGoroutine(), goroutines, descriptors(), files,
				stacks[:runtime.Stack(stacks, true)])
			code = 1
		}
		runtime.GC() // of the roots
		time.Sleep(time.Millisecond)
	}
	os.Exit(code)
}

// fuzzing says that the fuzzer's own goroutines and files are there as well.
func fuzzing() bool {
	for _, name := range []string{"test.fuzz", "test.fuzzworker"} {
		if v := flag.Lookup(name).Value.String(); v != "" && v != "false" {
			return true
		}
	}
	return false
}

func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	return len(entries)
}

// files makes a directory of them; a name with a slash at its end is a directory,
// and a content that begins with "->" makes a link.
func files(t testing.TB, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		full := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		to, link := strings.CutPrefix(content, "->")
		switch {
		case link:
			must(t, os.Symlink(to, full))
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(full, 0o755))
		default:
			must(t, os.WriteFile(full, []byte(content), 0o644))
		}
	}
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve runs a WebServer until the test ends and returns its address.
func serve(t testing.TB, declare func(s *WebServer)) string {
	t.Helper()
	return wmtest.Run(t, func() { declare(New("http://127.0.0.1:80")) }).Addr("WebServer")
}

// reply is an answer that was read to its end.
type reply struct {
	*http.Response
	body string
}

// get asks for a target as it is, which clients of net/http would clean. Lines are
// further headers.
func get(t testing.TB, addr, target string, lines ...string) reply {
	t.Helper()
	return request(t, addr, "GET", target, lines...)
}

func request(t testing.TB, addr, method, target string, lines ...string) reply {
	t.Helper()
	conn := dial(t, addr)
	defer conn.Close()
	head := method + " " + target + " HTTP/1.1\r\n"
	if !strings.HasPrefix(strings.Join(lines, "\n"), "Host: ") {
		head += "Host: example.com\r\n"
	}
	for _, line := range lines {
		head += line + "\r\n"
	}
	_, err := io.WriteString(conn, head+"\r\n")
	must(t, err)
	return read(t, bufio.NewReader(conn), method)
}

func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, deadline)
	must(t, err)
	must(t, conn.SetDeadline(time.Now().Add(deadline)))
	return conn
}

func read(t testing.TB, r *bufio.Reader, method string) reply {
	t.Helper()
	response, err := http.ReadResponse(r, &http.Request{Method: method})
	must(t, err)
	if response.StatusCode < http.StatusOK {
		return read(t, r, method)
	}
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return reply{response, string(body)}
}

// want compares status and body; body "*" is any.
func (r reply) want(t testing.TB, status int, body string) {
	t.Helper()
	if r.StatusCode != status || body != "*" && r.body != body {
		t.Errorf("got %d %q, want %d %q", r.StatusCode, r.body, status, body)
	}
}

// header compares one header.
func (r reply) header(t testing.TB, name, want string) {
	t.Helper()
	if got := r.Header.Get(name); got != want {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}
