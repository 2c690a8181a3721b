package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sys/unix"
)

var changed = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

const lastModified = "Fri, 02 Jan 2026 03:04:05 GMT"

// written makes a file of that time.
func written(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, changed, changed); err != nil {
		t.Fatal(err)
	}
	return path
}

// answerTo sends v to a request of that method with those header lines, and
// returns what a client reads.
func answerTo(t testing.TB, v any, method string, lines ...string) (*http.Response, string) {
	t.Helper()
	c := newConn()
	wire := method + " / HTTP/1.1\r\nHost: a\r\n"
	for _, line := range lines {
		wire += line + "\r\n"
	}
	if err := c.receive(func(*Request) {}, []byte(wire+"\r\n")); err != nil {
		t.Fatal(err)
	}
	c.send(t, v)
	r := bufio.NewReader(bytes.NewReader(c.sent))
	got, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%v in %q", err, c.sent)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		t.Errorf("%q behind the answer", rest)
	}
	if !(http1{}).Quiet(c) {
		t.Error("the request still waits")
	}
	return got, string(body)
}

// wantHeaders compares headers; "" is none.
func wantHeaders(t testing.TB, r *http.Response, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := strings.Join(r.Header.Values(pairs[i]), " & "); got != pairs[i+1] {
			t.Errorf("%s is %q, want %q", pairs[i], got, pairs[i+1])
		}
	}
}

// sources are the ways to send the same file.
func sources(t *testing.T, name, content string, test func(t *testing.T, r *Response)) {
	path := written(t, name, content)
	dir := filepath.Dir(path)
	for kind, r := range map[string]*Response{
		"path":   File(path),
		"folder": FileFS(os.DirFS(dir), name),
		"memory": FileFS(fstest.MapFS{name: {Data: []byte(content), ModTime: changed}}, name),
		"whole":  new(Response).WithFile(path, 0, 0),
	} {
		t.Run(kind, func(t *testing.T) { test(t, r) })
	}
}

func etag(content string) string {
	return fmt.Sprintf(`"%x-%x"`, changed.UnixNano(), len(content))
}

func TestFileIsSentWithWhatAClientNeeds(t *testing.T) {
	const content = "<p>hello"
	sources(t, "a.html", content, func(t *testing.T, r *Response) {
		for _, method := range []string{"GET", "HEAD"} {
			got, body := answerTo(t, r, method)
			if want := map[string]string{"GET": content}[method]; body != want {
				t.Errorf("%s: body %q", method, body)
			}
			if got.StatusCode != 200 || got.ContentLength != int64(len(content)) {
				t.Errorf("%s: %d, %d bytes", method, got.StatusCode, got.ContentLength)
			}
			wantHeaders(t, got, "Content-Type", typeHTML, "Last-Modified", lastModified,
				"Etag", etag(content), "Accept-Ranges", "bytes", "Content-Disposition", "",
				"Content-Encoding", "", "Vary", "", "Content-Range", "")
		}
		got, body := answerTo(t, r, "POST", "Content-Length: 0", "Range: bytes=0-1",
			"If-None-Match: *")
		if got.StatusCode != 200 || body != content {
			t.Errorf("POST: %d %q, want all", got.StatusCode, body)
		}
		wantHeaders(t, got, "Etag", "", "Last-Modified", "", "Accept-Ranges", "")
	})
}

func TestFilesThatCannotBeSent(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		r    *Response
		want int
	}{
		{"missing", File(filepath.Join(dir, "none")), 404},
		{"below a file", File(filepath.Join(secret, "none")), 404},
		{"folder", File(dir), 404},
		{"fifo", File(fifo), 404},
		{"device", File("/dev/null"), 404},
		{"terminal", File("/dev/tty"), 404},
		{"loop", File(loop), 404},
		{"no name", File(""), 404},
		{"zero byte", File(dir + "\x00"), 404},
		{"long name", File("/" + strings.Repeat("x", 300)), 404},
		{"long path", File(strings.Repeat("/x", 3000)), 404},
		{"missing in a folder", FileFS(os.DirFS(dir), "none"), 404},
		{"outside of it", FileFS(os.DirFS(dir), "../x"), 404},
		{"folder of a folder", FileFS(os.DirFS(dir), "."), 404},
		{"fifo of a folder", FileFS(os.DirFS(dir), "fifo"), 404},
		{"forbidden", FileFS(denied{}, "x"), 403},
		{"broken", FileFS(broken{}, "x"), 500},
		{"with a status", &Response{Status: 203, file: File(dir).file}, 404},
	}
	if os.Geteuid() != 0 {
		tests = append(tests, struct {
			name string
			r    *Response
			want int
		}{"no permission", File(secret), 403})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.r.Header = http.Header{"Cache-Control": {"max-age=9"}, "Content-Type": {"a/b"},
				"X-App": {"1"}}
			got, body := answerTo(t, tt.r, "GET")
			want := fmt.Sprintf("<h3>%d %s</h3>", tt.want, http.StatusText(tt.want))
			if got.StatusCode != tt.want || body != want {
				t.Errorf("%d %q, want %q", got.StatusCode, body, want)
			}
			wantHeaders(t, got, "Content-Type", typeHTML, "Cache-Control", "", "X-App", "1",
				"Connection", "keep-alive")
		})
	}
}

type denied struct{}

func (denied) Open(string) (fs.File, error) { return nil, fs.ErrPermission }

type broken struct{}

func (broken) Open(string) (fs.File, error) { return nil, io.ErrNoProgress }

func TestUnknownTypesAreDownloads(t *testing.T) {
	for name, want := range map[string]string{
		"a.xyz":     `attachment; filename="a.xyz"`,
		"README":    `attachment; filename="README"`,
		`a"b\c.xyz`: `attachment; filename="a_b_c.xyz"; filename*=UTF-8''a%22b%5Cc.xyz`,
		"ä\n.x":     `attachment; filename="__.x"; filename*=UTF-8''%C3%A4%0A.x`,
		"50%.xyz":   `attachment; filename="50_.xyz"; filename*=UTF-8''50%25.xyz`,
	} {
		t.Run(name, func(t *testing.T) {
			r := File(written(t, name, "x"))
			got, _ := answerTo(t, r, "GET")
			wantHeaders(t, got, "Content-Type", typeBinary, "Content-Disposition", want)
			r.Header = http.Header{"Content-Type": {"text/plain"}}
			got, _ = answerTo(t, r, "GET")
			wantHeaders(t, got, "Content-Type", "text/plain", "Content-Disposition", "")
		})
	}
}

func TestTypeOfName(t *testing.T) {
	for name, want := range map[string]string{
		"a.HTML": typeHTML, "a.tar.gz": "application/gzip", "a.json": typeJSON, "a.": "", "a": "",
		"a.svg": "image/svg+xml", "a.b/c": "", ".css": "text/css;charset=utf-8",
	} {
		if got := typeOfName(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(types) < 105 {
		t.Errorf("%d extensions, want 105", len(types))
	}
}

func TestRanges(t *testing.T) {
	const content = "0123456789"
	const all = "200 0123456789 "
	tests := []struct{ header, want string }{
		{"bytes=0-3", "206 0123 bytes 0-3/10"},
		{"bytes=9-9", "206 9 bytes 9-9/10"},
		{"bytes=3-", "206 3456789 bytes 3-9/10"},
		{"Bytes = 3-99999999999999999999999999", "206 3456789 bytes 3-9/10"},
		{"bytes=-3", "206 789 bytes 7-9/10"},
		{"bytes=-99", "206 0123456789 bytes 0-9/10"},
		{"bytes=0-", "206 0123456789 bytes 0-9/10"},
		{"bytes=10-", "416  bytes */10"},
		{"bytes=99999999999999999999-", "416  bytes */10"},
		{"bytes=-0", "416  bytes */10"},
		{"bytes=0-1,3-4", all},
		{"bytes=3-1", all},
		{"bytes=-", all},
		{"bytes=", all},
		{"bytes", all},
		{"bytes=a-b", all},
		{"bytes=1-b", all},
		{"bytes=--1", all},
		{"bytes=+1-2", all},
		{"bytes=1 - 2", all},
		{"rows=0-1", all},
	}
	sources(t, "a.txt", content, func(t *testing.T, r *Response) {
		for _, tt := range tests {
			got, body := answerTo(t, r, "GET", "Range: "+tt.header)
			if got.StatusCode == 416 {
				body = ""
			}
			summary := fmt.Sprintf("%d %s %s", got.StatusCode, body, got.Header.Get("Content-Range"))
			if summary != tt.want {
				t.Errorf("%s: %q, want %q", tt.header, summary, tt.want)
			}
			if got, _ := answerTo(t, r, "HEAD", "Range: "+tt.header); got.StatusCode != 200 {
				t.Errorf("HEAD with %s: %d", tt.header, got.StatusCode)
			}
		}
		got, body := answerTo(t, r, "GET", "Range: bytes=0-1", "Range: bytes=3-4")
		if got.StatusCode != 200 || body != content {
			t.Errorf("two lines: %d %q", got.StatusCode, body)
		}
	})
}

func TestConditions(t *testing.T) {
	const content = "0123456789"
	const before, after = "Fri, 02 Jan 2026 03:04:04 GMT", "Fri, 02 Jan 2026 03:04:06 GMT"
	tag := etag(content)
	tests := []struct {
		lines string
		want  int
	}{
		{"If-None-Match: " + tag, 304},
		{"If-None-Match: W/" + tag, 304},
		{`If-None-Match: "x", W/"y,z" , ` + tag, 304},
		{"If-None-Match: *", 304},
		{`If-None-Match: "x"`, 200},
		{`If-None-Match: x, ` + tag, 200},
		{`If-None-Match: "x`, 200},
		{"If-None-Match: ", 200},
		{"If-Modified-Since: " + lastModified, 304},
		{"If-Modified-Since: Friday, 02-Jan-26 03:04:05 GMT", 304},
		{"If-Modified-Since: " + after, 304},
		{"If-Modified-Since: " + before, 200},
		{"If-Modified-Since: yesterday", 200},
		{"If-Modified-Since: " + after + "\r\nIf-None-Match: \"x\"", 200},
		{"If-Modified-Since: " + before + "\r\nIf-None-Match: " + tag, 304},
		{"If-Match: " + tag, 200},
		{"If-Match: *", 200},
		{"If-Match: W/" + tag, 412},
		{`If-Match: "x"`, 412},
		{"If-Unmodified-Since: " + lastModified, 200},
		{"If-Unmodified-Since: " + before, 412},
		{"If-Unmodified-Since: " + before + "\r\nIf-Match: " + tag, 200},
		{"If-Match: " + tag + "\r\nIf-None-Match: " + tag, 304},
		{"Range: bytes=0-1\r\nIf-Range: " + tag, 206},
		{"Range: bytes=0-1\r\nIf-Range: W/" + tag, 200},
		{"Range: bytes=0-1\r\nIf-Range: \"x\"", 200},
		{"Range: bytes=0-1\r\nIf-Range: " + lastModified, 206},
		{"Range: bytes=0-1\r\nIf-Range: " + after, 200},
		{"Range: bytes=99-\r\nIf-Range: \"x\"", 200},
		{"Range: bytes=0-1\r\nIf-None-Match: " + tag, 304},
		{"Range: bytes=99-\r\nIf-Match: \"x\"", 412},
		{"if-none-match: " + tag, 304},
		{"If-None-Batch: *", 200},
	}
	sources(t, "a.txt", content, func(t *testing.T, r *Response) {
		for _, tt := range tests {
			for _, method := range []string{"GET", "HEAD"} {
				got, body := answerTo(t, r, method, strings.Split(tt.lines, "\r\n")...)
				want := tt.want
				if want == 206 && method == "HEAD" {
					want = 200
				}
				if got.StatusCode != want {
					t.Errorf("%s %s: %d, want %d", method, tt.lines, got.StatusCode, want)
				}
				if want == 304 {
					wantHeaders(t, got, "Etag", tag, "Content-Type", "", "Content-Length", "",
						"Last-Modified", lastModified)
				}
				if want == 200 && method == "GET" && body != content {
					t.Errorf("%s: body %q", tt.lines, body)
				}
			}
		}
	})
}

func TestAuthorsValidatorsCount(t *testing.T) {
	r := File(written(t, "a.txt", "x"))
	r.Header = http.Header{"ETag": {`"mine"`}, "Last-Modified": {lastModified}}
	got, _ := answerTo(t, r, "GET", `If-None-Match: "mine"`)
	if got.StatusCode != 304 {
		t.Errorf("status %d", got.StatusCode)
	}
	wantHeaders(t, got, "Etag", `"mine"`, "Last-Modified", lastModified)
}

func TestFileWithoutATime(t *testing.T) {
	r := FileFS(fstest.MapFS{"a.txt": {Data: []byte("x")}}, "a.txt")
	got, _ := answerTo(t, r, "GET", "If-Modified-Since: "+lastModified, `If-None-Match: ""`)
	if got.StatusCode != 200 {
		t.Errorf("status %d", got.StatusCode)
	}
	wantHeaders(t, got, "Etag", "", "Last-Modified", "", "Accept-Ranges", "bytes")
}

// onlyReads hides ReadAt.
type onlyReads struct{ fs.FS }

func (f onlyReads) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	return struct{ fs.File }{file}, err
}

func TestFileThatCanOnlyBeRead(t *testing.T) {
	content := strings.Repeat("0123456789", 10000)
	fsys := onlyReads{fstest.MapFS{"a.txt": {Data: []byte(content), ModTime: changed}}}
	got, body := answerTo(t, FileFS(fsys, "a.txt"), "GET", "Range: bytes=1-2")
	if got.StatusCode != 200 || body != content {
		t.Errorf("%d, %d bytes, want all", got.StatusCode, len(body))
	}
	wantHeaders(t, got, "Accept-Ranges", "", "Etag", etag(content))
}

func TestPieceOfAFile(t *testing.T) {
	path := written(t, "a.txt", "0123456789")
	tests := []struct {
		offset, length int64
		plain, ranged  string
	}{
		{2, 3, "200 234 ", "206 234 bytes 2-4/10"},
		{2, 0, "200 23456789 ", "206 23456789 bytes 2-9/10"},
		{0, 3, "200 012 ", "206 012 bytes 0-2/10"},
		{8, 99, "200 89 ", "206 89 bytes 8-9/10"},
		{-5, -1, "200 0123456789 ", "206 0 bytes 0-0/10"},
		{10, 0, "416 <h3>416 Requested Range Not Satisfiable</h3> bytes */10",
			"416 <h3>416 Requested Range Not Satisfiable</h3> bytes */10"},
	}
	for _, tt := range tests {
		r := NewResponse(0, nil, "not this").WithFile(path, tt.offset, tt.length)
		for line, want := range map[string]string{"X: y": tt.plain, "Range: bytes=0-0": tt.ranged} {
			got, body := answerTo(t, r, "GET", line)
			if s := fmt.Sprintf("%d %s %s", got.StatusCode, body,
				got.Header.Get("Content-Range")); s != want {
				t.Errorf("%d,%d with %s: %q, want %q", tt.offset, tt.length, line, s, want)
			}
		}
	}
}

func TestFileWithAStatus(t *testing.T) {
	r := File(written(t, "404.html", "gone"))
	r.Status = 404
	got, body := answerTo(t, r, "GET", "Range: bytes=0-1", "If-None-Match: *")
	if got.StatusCode != 404 || body != "gone" {
		t.Errorf("%d %q", got.StatusCode, body)
	}
	wantHeaders(t, got, "Etag", "", "Accept-Ranges", "", "Content-Type", typeHTML)
	r.Status = 204
	if got, body = answerTo(t, r, "GET"); got.StatusCode != 204 || body != "" {
		t.Errorf("%d %q", got.StatusCode, body)
	}
}

func TestFramingOfFilesIsNotTheAuthors(t *testing.T) {
	r := File(written(t, "a.txt", "0123"))
	r.Header = http.Header{"Content-Length": {"9"}, "Transfer-Encoding": {"chunked"}}
	for _, method := range []string{"GET", "HEAD"} {
		got, _ := answerTo(t, r, method)
		wantHeaders(t, got, "Content-Length", "4", "Transfer-Encoding", "")
	}
}

func TestFilesAreClosed(t *testing.T) {
	before := openFiles(t)
	small, big := written(t, "a.txt", "x"), written(t, "b.txt", strings.Repeat("x", maxInline+1))
	for _, path := range []string{small, big, filepath.Dir(small), small + "x"} {
		for _, line := range []string{"X: y", "If-None-Match: *", "Range: bytes=99999999-"} {
			for _, method := range []string{"GET", "HEAD"} {
				answerTo(t, File(path), method, line)
				answerTo(t, FileFS(os.DirFS(filepath.Dir(path)), filepath.Base(path)), method, line)
			}
		}
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d files open, %d before", after, before)
	}
}

func openFiles(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func FuzzByteRange(f *testing.F) {
	f.Add("bytes=0-1", int64(10))
	f.Add("bytes=-5", int64(3))
	f.Add("bytes=9223372036854775808-", int64(1)<<62)
	f.Fuzz(func(t *testing.T, value string, size int64) {
		offset, length, v := byteRange(value, size&(1<<62-1))
		if v == rangeMet && (offset < 0 || length <= 0 || offset+length > size&(1<<62-1)) {
			t.Errorf("%q of %d: %d bytes from %d", value, size, length, offset)
		}
	})
}

func FuzzMatches(f *testing.F) {
	f.Add(`"a", W/"b"`)
	f.Fuzz(func(t *testing.T, list string) { matches(list, `"b"`, weakMatch) })
}
