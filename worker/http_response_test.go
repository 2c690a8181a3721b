package worker_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// answering is an http Worker that answers each path with what is there for it.
func answering(t testing.TB, o over, answers map[string]any) *service {
	t.Helper()
	w := o.worker(t, "http")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		if err := c.Send(answers[r.Path()]); err != nil {
			t.Errorf("%s: %v", r.URI(), err)
		}
	}
	return start(t, w)
}

// caller is an http.Client for the service, whatever its transport.
func (o over) caller(t testing.TB, s *service) *http.Client {
	t.Helper()
	network := "tcp"
	if o == "unix" {
		network = "unix"
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.addr)
	}
	transport := &http.Transport{DialContext: dial, TLSClientConfig: clientTLS(),
		DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: deadline}
}

// fetch asks for a path with header lines such as "Range: bytes=0-1".
func (o over) fetch(t testing.TB, s *service, method, path string, lines ...string) (
	*http.Response, []byte) {
	t.Helper()
	scheme := "http"
	if o == "ssl" {
		scheme = "https"
	}
	request, err := http.NewRequest(method, scheme+"://localhost"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	response, err := o.caller(t, s).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func TestFilesOfEverySize(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		answers, contents := map[string]any{}, map[string][]byte{}
		for _, size := range []int{0, 1, 16 << 10, 16<<10 + 1, 1 << 20, 5 << 20} {
			path, content := largeFile(t, size)
			dir, name := filepath.Split(path)
			answers[fmt.Sprint("/file", size)] = http1.File(path)
			answers[fmt.Sprint("/fs", size)] = http1.FileFS(os.DirFS(dir), name)
			contents[fmt.Sprint("/file", size)], contents[fmt.Sprint("/fs", size)] = content, content
		}
		s := answering(t, o, answers)
		for path, content := range contents {
			got, body := o.fetch(t, s, "GET", path)
			if got.StatusCode != 200 || !bytes.Equal(body, content) {
				t.Errorf("%s: %d, %d bytes, want %d", path, got.StatusCode, len(body), len(content))
			}
			got, body = o.fetch(t, s, "HEAD", path)
			if got.ContentLength != int64(len(content)) || len(body) > 0 {
				t.Errorf("HEAD %s: %d bytes told, %d come", path, got.ContentLength, len(body))
			}
			if len(content) < 1000 {
				continue
			}
			got, body = o.fetch(t, s, "GET", path, "Range: bytes=500-")
			if got.StatusCode != 206 || !bytes.Equal(body, content[500:]) {
				t.Errorf("range of %s: %d, %d bytes", path, got.StatusCode, len(body))
			}
		}
	})
}

// sparse makes a large file that takes no room.
func sparse(t testing.TB, size int64) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "sparse.bin"))
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// A slow reader of a large file costs no memory, and the others nothing.
func TestSlowReaderOfALargeFile(t *testing.T) {
	const size = 64 << 20
	overEvery(t, func(t *testing.T, o over) {
		w, file := o.worker(t, "http"), http1.File(sparse(t, size))
		w.OnBufferFull = func(*worker.Connection) { t.Error("a file counts as backlog") }
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			if r.Path() == "/" {
				c.Send("quick")
			} else {
				c.Send(file)
			}
		}
		s := start(t, w)
		slow := o.open(s)
		response := asks(t, slow, "/big")
		if response.ContentLength != size {
			t.Fatalf("length %d, want %d", response.ContentLength, int64(size))
		}
		for range 3 {
			if _, err := io.CopyN(io.Discard, response.Body, 1<<20); err != nil {
				t.Fatal(err)
			}
			c := o.open(s)
			for range 3 {
				c.send(fmt.Sprintf(get, "/"))
				expectAnswer(t, c.r, http.StatusOK, "quick")
			}
			s.do(func() {
				for c := range w.Connections() {
					if n := c.SendQueueSize(); n > 128<<10 {
						t.Errorf("%d bytes of backlog", n)
					}
				}
			})
		}
		n, err := io.Copy(io.Discard, response.Body)
		if n != size-3<<20 || err != nil {
			t.Errorf("then %d bytes, %v", n, err)
		}
		slow.send(fmt.Sprintf(get, "/"))
		expectAnswer(t, slow.r, http.StatusOK, "quick")
	})
}

// Answers come whole and in order, whatever is under way.
func TestPipelinedFiles(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		small, smallContent := largeFile(t, 100)
		big, bigContent := largeFile(t, 3<<20)
		s := answering(t, o, map[string]any{"/small": http1.File(small), "/big": http1.File(big),
			"/": "page"})
		paths := []string{"/big", "/big", "/small", "/", "/big", "/", "/small", "/small", "/big"}
		c := o.open(s)
		for _, path := range paths {
			c.send(fmt.Sprintf(get, path))
		}
		want := map[string]string{"/small": string(smallContent), "/big": string(bigContent),
			"/": "page"}
		for _, path := range paths {
			expectAnswer(t, c.r, http.StatusOK, want[path])
		}
	})
}

// Close waits until the file is sent (features.md 28.12).
func TestCloseBehindAFile(t *testing.T) {
	for name, end := range map[string]func(c *worker.Connection, file *http1.Response){
		"Close":      func(c *worker.Connection, file *http1.Response) { c.Send(file); c.Close() },
		"Close with": func(c *worker.Connection, file *http1.Response) { c.Close(file) },
		"End":        func(c *worker.Connection, file *http1.Response) { c.End(file) },
	} {
		t.Run(name, func(t *testing.T) {
			overEvery(t, func(t *testing.T, o over) {
				path, content := largeFile(t, 3<<20)
				w := o.worker(t, "http")
				w.OnRequest = func(c *worker.Connection, r *http1.Request) { end(c, http1.File(path)) }
				c := o.open(start(t, w))
				c.send(fmt.Sprintf(get, "/"))
				expectAnswer(t, c.r, http.StatusOK, string(content))
				c.expectEnd()
			})
		})
	}
}

// A file that becomes shorter cannot be what was promised.
func TestFileIsCutWhileItIsSent(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		path := sparse(t, 64<<20)
		s := answering(t, o, map[string]any{"/": http1.File(path)})
		response := asks(t, o.open(s), "/")
		if err := os.Truncate(path, 1<<20); err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, response.Body)
		if err == nil {
			t.Errorf("got %d bytes as a whole answer", n)
		}
		s.logged("a file that is being sent: it has become shorter")
	})
}

func TestFileForAClientThatLeaves(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		events := newEvents()
		w := o.worker(t, "http")
		file := http1.File(sparse(t, 64<<20))
		w.OnRequest = func(c *worker.Connection, r *http1.Request) { c.Send(file) }
		w.OnClose = func(c *worker.Connection) { events.add("close") }
		s := start(t, w)
		c := o.open(s)
		asks(t, c, "/")
		c.Close()
		events.expect(t, "close") // TestMain looks for files left open
	})
}

func TestCompression(t *testing.T) {
	text := strings.Repeat("many words, again and again. ", 2000)
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, page := http1.File(path), http1.NewResponse(200, map[string]string{"Etag": `"1"`}, text)
	short := http1.NewResponse(200, nil, text[:1000])
	image := http1.NewResponse(200, map[string]string{"Content-Type": "image/png"}, text)
	encoded := http1.NewResponse(200, map[string]string{"Content-Encoding": "br"}, text)
	plain := http1.File(path)
	for _, r := range []*http1.Response{file, page, short, image, encoded} {
		r.Compress = true
	}
	o := over("tcp")
	s := answering(t, o, map[string]any{"/file": file, "/page": page, "/short": short,
		"/image": image, "/encoded": encoded, "/plain": plain})
	for _, tt := range []struct {
		path, accept string
		packed       bool
		vary         string
	}{
		{"/file", "gzip", true, "Accept-Encoding"},
		{"/page", "br;q=1.0, GZIP;q=0.1", true, "Accept-Encoding"},
		{"/file", "*", true, "Accept-Encoding"},
		{"/file", "", false, "Accept-Encoding"},
		{"/page", "gzip;q=0, *", false, "Accept-Encoding"},
		{"/file", "gzip;q=nonsense", false, "Accept-Encoding"},
		{"/page", "br, identity", false, "Accept-Encoding"},
		{"/short", "gzip", false, ""},
		{"/image", "gzip", false, ""},
		{"/plain", "gzip", false, ""},
	} {
		var lines []string
		if tt.accept != "" {
			lines = []string{"Accept-Encoding: " + tt.accept}
		}
		got, body := o.fetch(t, s, "GET", tt.path, lines...)
		if got.Header.Get("Vary") != tt.vary ||
			(got.Header.Get("Content-Encoding") == "gzip") != tt.packed {
			t.Errorf("%s for %q: header %v", tt.path, tt.accept, got.Header)
		}
		if tag := got.Header.Get("Etag"); strings.HasPrefix(tag, "W/") != tt.packed {
			t.Errorf("%s for %q: tag %s", tt.path, tt.accept, tag)
		}
		if tt.packed {
			unpacked(t, body, text)
		} else if !strings.HasPrefix(text, string(body)) {
			t.Errorf("%s for %q: the body is changed", tt.path, tt.accept)
		}
		tag := got.Header.Get("Etag")
		again, _ := o.fetch(t, s, "GET", tt.path, append(lines, "If-None-Match: "+tag)...)
		if tt.path == "/file" && again.StatusCode != http.StatusNotModified {
			t.Errorf("%s for %q again: %d", tt.path, tt.accept, again.StatusCode)
		}
		head, _ := o.fetch(t, s, "HEAD", tt.path, lines...)
		if head.Header.Get("Etag") != tag || head.Header.Get("Vary") != tt.vary {
			t.Errorf("HEAD %s for %q: header %v", tt.path, tt.accept, head.Header)
		}
	}
	got, body := o.fetch(t, s, "GET", "/encoded", "Accept-Encoding: gzip")
	if got.Header.Get("Content-Encoding") != "br" || string(body) != text {
		t.Errorf("what was encoded: %v", got.Header)
	}
	got, body = o.fetch(t, s, "GET", "/file", "Accept-Encoding: gzip", "Range: bytes=0-1")
	if unpacked(t, body, text); got.StatusCode != 200 {
		t.Errorf("a range of what is compressed: %d", got.StatusCode)
	}
	got, body = o.fetch(t, s, "GET", "/file", "Range: bytes=0-1")
	if got.StatusCode != 206 || string(body) != text[:2] {
		t.Errorf("a range for who does not accept gzip: %d %.9q", got.StatusCode, body)
	}
}

func unpacked(t testing.TB, body []byte, want string) {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != want {
		t.Errorf("%d bytes, %v, want %d", len(got), err, len(want))
	}
}

// What cannot be written as JSON is told to both sides.
func TestAnswerThatCannotBeMade(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "http")
		refusals := make(chan error, 1)
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			refusals <- c.Send(http1.JSON(func() {}))
		}
		c := o.open(start(t, w))
		c.send(fmt.Sprintf(get+get, "/", "/"))
		expectAnswer(t, c.r, http.StatusInternalServerError, "the server failed\n")
		c.expectEnd()
		if err := await(t, refusals, "refusal"); err == nil ||
			!strings.Contains(err.Error(), "func()") {
			t.Errorf("Send: %v", err)
		}
	})
}

// curl runs the real one, and returns what it prints.
func curl(t testing.TB, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl")
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, append([]string{"-sS"}, args...)...).Output()
	if err != nil {
		t.Fatalf("curl %v: %v", args, err)
	}
	return string(out)
}

func TestCurlAsksForFiles(t *testing.T) {
	path, content := largeFile(t, 100_000)
	text := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(text, bytes.Repeat([]byte("word "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	packed := http1.File(text)
	packed.Compress = true
	s := answering(t, "tcp", map[string]any{"/": http1.File(path), "/text": packed})
	url := "http://" + s.addr + "/"

	if got := curl(t, "--range", "99000-99999", url); got != string(content[99000:]) {
		t.Errorf("--range: %d bytes", len(got))
	}
	if got := curl(t, "--range", "-10", url); got != string(content[99990:]) {
		t.Errorf("--range of the end: %q", got)
	}
	const status = "%{http_code}"
	if got := curl(t, "-z", path, "-w", status, "-o", os.DevNull, url); got != "304" {
		t.Errorf("-z: %s", got)
	}
	if got := curl(t, "-z", "1 Jan 2001", "-w", status, "-o", os.DevNull, url); got != "200" {
		t.Errorf("-z of long ago: %s", got)
	}
	if got := curl(t, "--http1.0", url); got != string(content) {
		t.Errorf("HTTP/1.0: %d bytes", len(got))
	}
	got := curl(t, "--compressed", "-w", "%{size_download}", url+"text")
	if !strings.HasPrefix(got, "word word ") || strings.HasSuffix(got, "5000") {
		t.Errorf("--compressed: %.20q ... %.10q", got, got[len(got)-10:])
	}
	part := filepath.Join(t.TempDir(), "part")
	if err := os.WriteFile(part, content[:40_000], 0o600); err != nil {
		t.Fatal(err)
	}
	curl(t, "-C", "-", "-o", part, url)
	if got, err := os.ReadFile(part); err != nil || !bytes.Equal(got, content) {
		t.Errorf("-C: %d bytes, %v", len(got), err)
	}
	head := curl(t, "-I", url)
	if response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head)),
		&http.Request{Method: "HEAD"}); err != nil || response.ContentLength != 100_000 {
		t.Errorf("-I: %q, %v", head, err)
	}
}
