package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Files, clients that a proxy names, net/http and TLS by name work on the one
// loop as in processes of their own.
func TestSingleServesFilesAndClientsOfProxies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, otherFile := filepath.Join(dir, "a.pem"), filepath.Join(dir, "b.pem")
	for n, file := range []string{certFile, otherFile} {
		cert, key := newPair(t, int64(n+1), "other.test")
		write(t, file, cert+key)
	}
	root, long := t.TempDir(), strings.Repeat("0123456789", 300_000)
	write(t, filepath.Join(root, "long.txt"), long)
	write(t, filepath.Join(root, "index.html"), "<h1>here</h1>")
	behind, files, handler := freeAddress(t), freeAddress(t), freeAddress(t)
	page, socket := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_BEHIND="+behind, "E2E_FILES="+files+","+root, "E2E_HANDLER="+handler,
		"E2E_HTTPS="+page+","+socket, "E2E_CERT="+certFile, "E2E_CERT_OTHER="+otherFile)
	one := s.single()

	c := newClient(t, behind)
	if got := c.mustLine(t, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nwho"); got != "192.0.2.7" {
		t.Errorf("the client of the proxy is %q", got)
	}
	if got := newClient(t, behind).mustLine(t, "who"); got != "127.0.0.1" {
		t.Errorf("a client without a proxy is %q", got)
	}
	if got := mustFetch(t, files, "/"); got != "<h1>here</h1>" {
		t.Errorf("the index is %q", got)
	}
	if got := mustFetch(t, files, "/long.txt"); got != long {
		t.Errorf("%d bytes of the file, want %d", len(got), len(long))
	}
	if _, err := fetch(files, "/../a.pem", replyLimit); err == nil {
		t.Error("a file outside of the root is served")
	}
	if got := mustFetch(t, handler, "/pid"); got != fmt.Sprint(one.cmd.Process.Pid) {
		t.Errorf("the Handler answers %q", got)
	}
	for n, name := range []string{"a.test", "other.test"} {
		tls, serial, err := dialTLSAs(page, name)
		if err != nil || serial != int64(n+1) {
			t.Errorf("%s: serial %d, %v", name, serial, err)
			continue
		}
		body, _, err := tls.get("/", replyLimit)
		if err != nil || !strings.Contains(body, fmt.Sprintf("for %q", name)) {
			t.Errorf("%s: %q, %v", name, body, err)
		}
		tls.conn.Close()
	}
	s.run("stop").wantCode(0)
	s.wait(one).wantCode(0)
	wantNoFiles(t, s)
}

// Every command from another terminal does what it says, or says why not; none
// ends the service but those that are to.
func TestSingleAnswersEveryCommand(t *testing.T) {
	t.Parallel()
	address, text := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+address, "E2E_TEXT="+text)
	one := s.single()
	open := newClient(t, text)
	open.mustLine(t, "x")
	const alone = "one process (start --single)"
	for _, c := range []struct {
		line string
		code int
		want string
	}{
		{"status", 0, "SINGLE mode"},
		{"status --json", 0, `"mode": "SINGLE"`},
		{"connections", 0, "echo-text"},
		{"connections --json", 0, "echo-text"},
		{"check", 0, "held by this service"},
		{"history", 0, "1 process started"},
		{"history --json", 0, `"what": "start"`},
		{"version", 0, "wm/" + labVersion},
		{"diff", 1, alone},
		{"diff --json", 1, alone},
		{"reload", 1, alone},
		{"reload -g", 1, alone},
		{"reload --no-wait", 1, alone},
		{"upgrade", 1, alone},
		{"upgrade --binary " + labNext.binary(t), 1, alone},
		{"start", 0, "already running"},
		{"start -d", 0, "already running"},
		{"start --single", 0, "already running"},
	} {
		if r := s.run(strings.Fields(c.line)...).wantText(c.want); r.code != c.code {
			t.Errorf("%s: exit status %d, want %d\n%s", c.line, r.code, c.code, r.out)
		}
	}
	if got := open.mustLine(t, "still here"); got != "still here" {
		t.Errorf("answer %q", got)
	}
	s.run("restart", "-d").wantCode(0)
	s.wait(one).wantCode(0)
	s.waitSnapshot("a daemon", func(snap snapshot) bool {
		return snap.Mode == "DAEMON" && snap.whole("web", 2) == nil
	})
}

// Each signal that stops a master stops the one process, in order.
func TestSingleStopsBySignal(t *testing.T) {
	t.Parallel()
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGTSTP} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			s := newService(t, "E2E_HTTP="+address)
			one := s.single()
			slow := newClient(t, address)
			fmt.Fprint(slow.conn, "GET /wait?n=300 HTTP/1.1\r\nHost: e2e\r\n\r\n")
			s.waitSnapshot("a request", func(snap snapshot) bool {
				rows := snap.running("web")
				return len(rows) == 1 && rows[0].Connections == 1
			})
			kill(t, one.cmd.Process.Pid, sig)
			if line, err := slow.in.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
				t.Errorf("what was under way is answered with %q, %v", line, err)
			}
			s.wait(one).wantCode(0)
			s.wantLog("web 0 stops")
			s.wantLog("has been stopped")
			wantNoFiles(t, s)
			if text, err := os.ReadFile(s.path("wm.history")); err != nil ||
				!strings.Contains(string(text), unix.SignalName(sig)) {
				t.Errorf("wm.history does not say who stopped it: %s, %v", text, err)
			}
		})
	}
}
