package worker_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// lineForm is a line of the combined format.
var lineForm = regexp.MustCompile(`^(127\.0\.0\.1|-) - - ` +
	`\[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] ("[^"]*" \d{3} (?:\d+|-) "[^"]*" ` +
	`"[^"]*")$`)

// accessLines waits for n lines and returns what follows the time in each.
func accessLines(t *testing.T, path string, n int) (said []string) {
	t.Helper()
	var text []byte
	eventually(t, fmt.Sprintf("%d lines in %s", n, path), func() bool {
		text, _ = os.ReadFile(path)
		return strings.Count(string(text), "\n") >= n
	})
	for line := range strings.Lines(string(text)) {
		m := lineForm.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			t.Fatalf("no line of the combined format: %q", line)
		}
		said = append(said, m[2])
	}
	return said
}

// withLog makes a Worker with an access log, of either kind.
func withLog(kind, path string) *worker.Worker {
	w := worker.New("http://127.0.0.1:0")
	w.AccessLog = path
	if kind == "Handler" {
		w.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/missing":
				w.WriteHeader(404)
			case "/panic":
				panic("on purpose")
			default:
				w.Write([]byte("hello"))
			}
		})
		return w
	}
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		switch r.Path() {
		case "/missing":
			c.Send(http1.NewResponse(404, nil, ""))
		case "/panic":
			panic("on purpose")
		case "/later":
			worker.Post(func() { c.Send("later") })
		default:
			c.Send("hello")
		}
	}
	return w
}

func eachKind(t *testing.T, test func(t *testing.T, kind string)) {
	for _, kind := range []string{"OnRequest", "Handler"} {
		t.Run(kind, func(t *testing.T) { test(t, kind) })
	}
}

func TestAccessLogSaysWhatWasAnswered(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		path := filepath.Join(t.TempDir(), "access.log")
		s := start(t, withLog(kind, path))
		c := s.dial()
		c.send("GET /a?b=c HTTP/1.1\r\nHost: a\r\nReferer: http://b/\r\nUser-Agent: me/1 (x)\r\n\r\n")
		c.send("HEAD / HTTP/1.1\r\nHost: a\r\nuser-agent: me\r\n\r\n")
		c.send("GET /missing HTTP/1.1\r\nHost: a\r\n\r\n")
		c.send("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
		failed := map[string]string{"OnRequest": "18", "Handler": "0"}
		want := []string{
			`"GET /a?b=c HTTP/1.1" 200 5 "http://b/" "me/1 (x)"`,
			`"HEAD / HTTP/1.1" 200 0 "-" "me"`,
			`"GET /missing HTTP/1.1" 404 0 "-" "-"`,
			`"GET /panic HTTP/1.1" 500 ` + failed[kind] + ` "-" "-"`,
		}
		if kind == "OnRequest" {
			c = s.dial()
			c.send("POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
			want = append(want, `"POST /later HTTP/1.1" 200 5 "-" "-"`)
		}
		got := accessLines(t, path, len(want))
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("line %d: %s, want %s", i, got[i], want[i])
			}
		}
		if info, _ := os.Stat(path); info.Mode().Perm()&^0o640 != 0 {
			t.Errorf("mode %v", info.Mode())
		}
	})
}

func TestAccessLogNotesWhatWasRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	s := start(t, withLog("OnRequest", path))
	s.dial().send("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
	got := accessLines(t, path, 1)
	if want := `"GET / HTTP/1.1" 400 `; !strings.HasPrefix(got[0], want) {
		t.Errorf("%s, want %s", got[0], want)
	}
}

// Nothing that a client says ends a quote or a line.
func TestAccessLogCannotBeForged(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		path := filepath.Join(t.TempDir(), "access.log")
		s := start(t, withLog(kind, path))
		c := s.dial()
		c.send("GET /\"%22 HTTP/1.1\r\nHost: a\r\n" +
			"Referer: \\x22 \xff\r\nUser-Agent: \" 200 0 \"-\"\tü\r\n\r\n")
		got := accessLines(t, path, 1)
		want := `"GET /\x22%22 HTTP/1.1" 200 5 "\x5Cx22 \xFF" "\x22 200 0 \x22-\x22\x09\xC3\xBC"`
		if len(got) != 1 || got[0] != want {
			t.Errorf("%q, want %s", got, want)
		}
	})
}

func TestAccessLogFollowsARename(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		path := filepath.Join(t.TempDir(), "access.log")
		s := start(t, withLog(kind, path))
		client := s.browser()
		s.page(client, "/1", 200, "hello")
		accessLines(t, path, 1)
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		asked := 1
		eventually(t, "a new file", func() bool {
			asked++
			s.page(client, "/2", 200, "hello")
			_, err := os.Stat(path)
			return err == nil
		})
		s.do(s.p.Destroy) // writes the last of them
		rotated := accessLines(t, path+".1", 1)
		if now := accessLines(t, path, 1); len(rotated)+len(now) != asked {
			t.Errorf("%d and %d lines, want %d together", len(rotated), len(now), asked)
		}
	})
}

// A full disk stops nobody, and what is lost is told.
func TestAccessLogOnAFullDisk(t *testing.T) {
	eachKind(t, func(t *testing.T, kind string) {
		s := start(t, withLog(kind, "/dev/full"))
		client := s.browser()
		long := "/" + strings.Repeat("x", 8<<10)
		for range 150 {
			s.page(client, long, 200, "hello")
		}
		s.logged("access log /dev/full: write /dev/full: no space left on device")
		s.logged(" lines dropped")
		s.do(s.p.Destroy)
		s.logged(" bytes of it are lost")
	})
}

func TestAccessLogThatCannotBeOpenedFailsTheStart(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, why := range map[string]string{
		"/proc/nowhere/access.log": "no such file or directory",
		fifo:                       "no such device or address", // nobody reads it
	} {
		w := withLog("OnRequest", path)
		w.OnWorkerStart = func(w *worker.Worker) error {
			t.Error("OnWorkerStart runs")
			return nil
		}
		s := launch(t, w)
		got := await(t, s.exits, "exit")
		want := "AccessLog: open " + path + ": " + why
		if got.code != 250 || got.why != want {
			t.Errorf("exit %d, %q, want %q", got.code, got.why, want)
		}
	}
}

// What reads lines from a fifo, a collector of logs, gets them.
func TestAccessLogIntoAFifo(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	s := start(t, withLog("OnRequest", fifo))
	s.page(s.browser(), "/", 200, "hello")
	if err := reader.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil || !strings.Contains(line, `"GET / HTTP/1.1" 200 5`) {
		t.Errorf("read %q, %v", line, err)
	}
}
