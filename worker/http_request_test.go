package worker_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// uploadsTo makes a folder of the test the place of uploads, until the service
// that is started later has ended.
func uploadsTo(t testing.TB) string {
	t.Helper()
	dir, before := t.TempDir(), http1.UploadTmpDir
	http1.UploadTmpDir = dir
	t.Cleanup(func() { http1.UploadTmpDir = before })
	return dir
}

// uploaded is a request with content as a file between two fields.
func uploaded(content []byte) string {
	const before = "--bound\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--bound\r\n" +
		"Content-Disposition: form-data; name=\"f\"; filename=\"f.bin\"\r\n\r\n"
	const behind = "\r\n--bound\r\nContent-Disposition: form-data; name=\"z\"\r\n\r\n2" +
		"\r\n--bound--\r\n"
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\n"+
		"Content-Type: multipart/form-data; boundary=bound\r\nContent-Length: %d\r\n\r\n%s%s%s",
		len(before)+len(content)+len(behind), before, content, behind)
}

func expectFiles(t testing.TB, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// A large file goes through little memory, again and again on one connection.
func TestLargeUploadsAreNotHeldInMemory(t *testing.T) {
	const size, rounds = 8 << 20, 3
	content := pattern(size)
	sum := fmt.Sprintf("%x", sha256.Sum256(content))
	request := []byte(uploaded(content))
	overEvery(t, func(t *testing.T, o over) {
		dir, kept := uploadsTo(t), t.TempDir()
		w := o.worker(t, "http")
		var before runtime.MemStats
		var grown uint64
		n := 0
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			grown = max(grown, now.TotalAlloc-before.TotalAlloc)
			u := r.File("f")
			n++
			if err := u.Move(filepath.Join(kept, fmt.Sprint(n))); err != nil {
				c.Send(err.Error())
				return
			}
			c.Send(fmt.Sprint(u.Name, u.Size, r.Post("a"), r.Post("z"), r.RawBody() == nil))
		}
		s := start(t, w)
		c := o.open(s)
		for range rounds {
			s.do(func() { runtime.ReadMemStats(&before) })
			if _, err := c.Write(request); err != nil {
				t.Fatal(err)
			}
			expectAnswer(t, c.r, http.StatusOK, fmt.Sprint("f.bin", size, "1", "2", true))
		}
		s.do(func() {
			if grown > size/2 { // with what the client needs
				t.Errorf("an upload of 8 MiB took %d bytes of memory", grown)
			}
		})
		for n := range rounds {
			got, err := os.ReadFile(filepath.Join(kept, fmt.Sprint(n+1)))
			if err != nil || fmt.Sprintf("%x", sha256.Sum256(got)) != sum {
				t.Errorf("file %d of %d bytes came changed, %v", n+1, len(got), err)
			}
		}
		expectFiles(t, dir)
	})
}

func TestUploadThatEndsHalfWayLeavesNothing(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		dir := uploadsTo(t)
		closed := make(chan struct{})
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) { t.Error("a request") }
		s := start(t, w)
		c := o.open(s)
		request := uploaded(pattern(4 << 20))
		c.send(request[:2<<20])
		eventually(t, "file", func() bool { return len(glob(t, dir)) == 1 })
		s.do(func() {
			for conn := range w.Connections() {
				conn.OnClose = func(*worker.Connection) { close(closed) }
			}
		})
		c.Close()
		await(t, closed, "OnClose")
		eventually(t, "end of the file", func() bool { return len(glob(t, dir)) == 0 })
	})
}

func glob(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// What is found out by the last byte, or before it, is told.
func TestBrokenUploadsAreRefused(t *testing.T) {
	whole := uploaded(pattern(2 << 20))
	for name, request := range map[string]string{
		"no end":        strings.Replace(whole, "bound--", "bound=-", 1),
		"a large field": strings.Replace(whole, "; filename", "; name2", 1),
	} {
		t.Run(name, func(t *testing.T) {
			dir := uploadsTo(t)
			w := worker.New("http://127.0.0.1:0")
			w.OnRequest = func(c *worker.Connection, r *http1.Request) { t.Error("a request") }
			c := start(t, w).dial()
			go io.WriteString(c, request) // ends with the connection
			answer, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{"no end": 400, "a large field": 413}[name]
			if answer.StatusCode != want {
				t.Errorf("status %d, want %d", answer.StatusCode, want)
			}
			eventually(t, "end of the file", func() bool { return len(glob(t, dir)) == 0 })
		})
	}
}

// Neither a panic nor a last word keeps the files.
func TestUploadsOfFailedRequestsAreDeleted(t *testing.T) {
	for name, size := range map[string]int{"memory": 1000, "disk": 2 << 20} {
		t.Run(name, func(t *testing.T) {
			dir := uploadsTo(t)
			w := worker.New("http://127.0.0.1:0")
			tmp := make(chan string, 1)
			w.OnRequest = func(c *worker.Connection, r *http1.Request) {
				tmp <- r.File("f").TmpName
				panic("boom")
			}
			s := start(t, w)
			c := s.dial()
			c.send(uploaded(pattern(size)))
			if path := await(t, tmp, "request"); filepath.Dir(path) != dir {
				t.Errorf("file %s", path)
			}
			expectAnswer(t, c.r, http.StatusInternalServerError, "the server failed\n")
			s.logged("panic in OnRequest")
			s.do(func() { expectFiles(t, dir) })
		})
	}
}

// The file of a late answer is there as long as it is waited for.
func TestUploadOfALateAnswer(t *testing.T) {
	for name, size := range map[string]int{"memory": 1000, "disk": 2 << 20} {
		t.Run(name, func(t *testing.T) {
			dir := uploadsTo(t)
			content := pattern(size)
			w := worker.New("http://127.0.0.1:0")
			waiting := make(chan func(), 1)
			w.OnRequest = func(c *worker.Connection, r *http1.Request) {
				waiting <- func() {
					got, err := os.ReadFile(r.File("f").TmpName)
					c.Send(fmt.Sprint(bytes.Equal(got, content), err))
					c.Flush()
				}
			}
			s := start(t, w)
			c := s.dial()
			c.send(uploaded(content))
			answer := await(t, waiting, "request")
			s.do(answer)
			expectAnswer(t, c.r, http.StatusOK, "true <nil>")
			s.do(func() { expectFiles(t, dir) })
		})
	}
}

// curl knows forms that this package has not written.
func TestFormsOfCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip(err)
	}
	dir, sent := uploadsTo(t), t.TempDir()
	for name, size := range map[string]int{`q"uo\te.txt`: 10, "large.bin": 3 << 20} {
		if err := os.WriteFile(filepath.Join(sent, name), pattern(size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		var out strings.Builder
		fmt.Fprint(&out, r.Form(), r.Cookies())
		for _, u := range r.Files() {
			got, err := os.ReadFile(u.TmpName)
			fmt.Fprint(&out, " ", u.Field, " ", u.Name, " ", u.Type, " ",
				bytes.Equal(got, pattern(int(u.Size))), err, u.Size)
		}
		c.Send(out.String())
	}
	s := start(t, w)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-d", "a=1&b[]=x y", "-b", "c=d; e=f"}, "map[a:1 b:map[0:x y]] map[c:d e:f]"},
		{[]string{"--json", `{"a":[1]}`}, "map[a:map[0:1]] map[]"},
		{[]string{"-F", "a[k]=1", "-F", "f[]=@" + sent + `/q"uo\te.txt;filename=q"uo\te.txt`},
			`map[a:map[k:1]] map[] f[0] te.txt text/plain true <nil> 10`},
		{[]string{"-F", "f=@" + sent + "/large.bin", "-F", "z=1"},
			"map[z:1] map[] f large.bin application/octet-stream true <nil> 3145728"},
		{[]string{"-H", "Transfer-Encoding: chunked", "-F", "f=@" + sent + "/large.bin"},
			"map[] map[] f large.bin application/octet-stream true <nil> 3145728"},
	} {
		args := append([]string{"-sS", "http://" + s.addr + "/"}, tt.args...)
		got, err := exec.Command(curl, args...).CombinedOutput()
		if err != nil || string(got) != tt.want {
			t.Errorf("curl %q: %s, %v, want %s", tt.args, got, err, tt.want)
		}
	}
	s.do(func() { expectFiles(t, dir) })
}

func TestRemoteIPOfRequests(t *testing.T) {
	w := worker.New("http://127.0.0.1:0")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		c.Send(r.RemoteIP() + " " + fmt.Sprint(r.Std().RemoteAddr == c.RemoteAddr().String()))
	}
	c := start(t, w).dial()
	c.send(fmt.Sprintf(get, "/"))
	expectAnswer(t, c.r, http.StatusOK, "127.0.0.1 true")
}

func TestRemoteIPOfUpgradeRequests(t *testing.T) {
	w := worker.New("websocket://127.0.0.1:0")
	ip := make(chan string, 1)
	w.OnMessage = func(c *worker.Connection, data []byte) {}
	w.OnWebSocketConnect = func(c *worker.Connection, r *http1.Request) { ip <- r.RemoteIP() }
	start(t, w).dial().upgrade()
	if got := await(t, ip, "upgrade"); got != "127.0.0.1" {
		t.Errorf("RemoteIP %q", got)
	}
}
