package webserver

import (
	"bufio"
	"embed"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

// small is a small site.
var small = map[string]string{
	"index.html":       "home",
	"a.txt":            "text",
	"a b":              "blank",
	"dir/index.html":   "in dir",
	"dir/b.txt":        "b",
	"bare/c.txt":       "c",
	".env":             "SECRET",
	".git/config":      "SECRET",
	"dir/.htaccess":    "SECRET",
	".well-known/acme": "challenge",
	"%2e%2e":           "percent",
}

func TestFilesAndDirectories(t *testing.T) {
	addr := serve(t, func(s *WebServer) { s.AddRoot("", files(t, small)) })
	const notFound = "<!DOCTYPE html>\n<title>404 Not Found</title>\n<h1>404 Not Found</h1>\n"
	for _, tt := range []struct {
		target string
		status int
		body   string
	}{
		{"/", 200, "home"},
		{"/?x=1", 200, "home"},
		{"/index.html", 200, "home"},
		{"/a.txt", 200, "text"},
		{"/a.txt?v=2", 200, "text"},
		{"/a%20b", 200, "blank"},
		{"/dir/", 200, "in dir"},
		{"/dir/b.txt", 200, "b"},
		{"/dir/../a.txt", 200, "text"},
		{"/.well-known/acme", 200, "challenge"},
		{"/%252e%252e", 200, "percent"},
		{"http://example.com/a.txt", 200, "text"},
		{"/none", 404, notFound},
		{"/a.txt/", 404, notFound},
		{"/a.txt/b", 404, notFound},
		{"/bare/", 404, notFound}, // no listing
		{"/.env", 404, notFound},
		{"/.git/config", 404, notFound},
		{"/%2egit/config", 404, notFound},
		{"/dir/.htaccess", 404, notFound},
		{"/" + strings.Repeat("x", 300), 404, notFound},
		{"/" + strings.Repeat("x/", 3000), 404, notFound},
		{"/../a.txt", 400, "*"},
		{"/%2e%2e%2fetc/passwd", 400, "*"},
		{`/\..\a.txt`, 400, "*"},
		{"/a.txt%00.html", 400, "*"},
		{"/%c0%ae%c0%ae/", 400, "*"},
	} {
		t.Run(tt.target[:min(40, len(tt.target))], func(t *testing.T) {
			get(t, addr, tt.target).want(t, tt.status, tt.body)
		})
	}
}

func TestDotfilesCanBeAllowed(t *testing.T) {
	addr := serve(t, func(s *WebServer) {
		s.Dotfiles = true
		s.AddRoot("", files(t, small))
	})
	get(t, addr, "/.env").want(t, 200, "SECRET")
	get(t, addr, "/dir/.htaccess").want(t, 200, "SECRET")
}

func TestSourcesOfPHPAreNeverSent(t *testing.T) {
	php := map[string]string{"index.php": "SECRET", "a.PHP": "SECRET", "x.php/a.txt": "text"}
	paths := []string{"/", "/index.php", "/a.PHP", "/a%2ephp", "/index.php?a=b", "/index.php/"}
	t.Run("missing", func(t *testing.T) {
		addr := serve(t, func(s *WebServer) {
			s.Index = []string{"index.php", "index.html"}
			s.Fallback = true
			s.AddRoot("", files(t, php))
		})
		for _, path := range paths {
			get(t, addr, path).want(t, 404, "*")
		}
		get(t, addr, "/x.php/a.txt").want(t, 200, "text")
	})
	t.Run("entry", func(t *testing.T) {
		addr := serve(t, func(s *WebServer) {
			s.AddRoot("", files(t, php))
			s.AddEntry("", say("entry"))
		})
		for _, path := range paths {
			get(t, addr, path).want(t, 200, "entry: GET example.com "+path+" ")
		}
	})
}

func TestDirectoriesAreRedirectedBehindASlash(t *testing.T) {
	addr := serve(t, func(s *WebServer) {
		s.AddRoot("", files(t, map[string]string{
			"dir/index.html": "in dir", "a b/": "", "evil.com/": "", "a?b/": "",
		}))
	})
	for target, want := range map[string]string{
		"/dir":              "/dir/",
		"/dir?a=1&b=%2F":    "/dir/?a=1&b=%2F",
		"/a%20b":            "/a%20b/",
		"//evil.com":        "/evil.com/",
		"//evil.com?x":      "/evil.com/?x",
		"/%2fevil.com":      "/evil.com/",
		"/dir/..//evil.com": "/evil.com/",
		"/a%3fb":            "/a%3Fb/",
	} {
		r := get(t, addr, target)
		r.want(t, 301, "*")
		r.header(t, "Location", want)
	}
}

func TestOnlyGetAndHeadWithoutAnEntry(t *testing.T) {
	addr := serve(t, func(s *WebServer) { s.AddRoot("", files(t, small)) })
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		r := request(t, addr, method, "/a.txt")
		r.want(t, 405, "*")
		r.header(t, "Allow", "GET, HEAD")
	}
	r := request(t, addr, "HEAD", "/a.txt")
	r.want(t, 200, "")
	r.header(t, "Content-Length", "4")
}

func TestIndexFilesAreTriedInOrder(t *testing.T) {
	addr := serve(t, func(s *WebServer) {
		s.Index = []string{"index.htm", "start.html"}
		s.AddRoot("", files(t, map[string]string{
			"start.html": "start", "both/start.html": "2", "both/index.htm": "1",
			"folder/index.htm/": "", "folder/start.html": "behind a folder",
		}))
	})
	get(t, addr, "/").want(t, 200, "start")
	get(t, addr, "/both/").want(t, 200, "1")
	get(t, addr, "/folder/").want(t, 200, "behind a folder")
}

func TestFallbackIsTheIndexOfTheRoot(t *testing.T) {
	addr := serve(t, func(s *WebServer) {
		s.Fallback = true
		s.AddRoot("", files(t, small))
	})
	get(t, addr, "/users/7").want(t, 200, "home")
	get(t, addr, "/users/").want(t, 200, "home")
	get(t, addr, "/bare/").want(t, 200, "home")
	get(t, addr, "/logo.png").want(t, 404, "*")
	get(t, addr, "/.env").want(t, 404, "*")
	get(t, addr, "/.hidden").want(t, 404, "*")
	get(t, addr, "/dir/").want(t, 200, "in dir")
}

func TestFallbackWithoutAnIndex(t *testing.T) {
	addr := serve(t, func(s *WebServer) {
		s.Fallback = true
		s.AddRoot("", files(t, map[string]string{"a.txt": "a"}))
	})
	get(t, addr, "/users").want(t, 404, "*")
	get(t, addr, "/").want(t, 404, "*")
}

func TestPageOf404(t *testing.T) {
	addr := serve(t, func(s *WebServer) {
		s.NotFound = "/404.html"
		s.AddRoot("one", files(t, map[string]string{"404.html": "gone fishing"}))
		s.AddRoot("two", files(t, small))
	})
	r := get(t, addr, "/none", "Host: one")
	r.want(t, 404, "gone fishing")
	r.header(t, "Content-Type", "text/html;charset=utf-8")
	r = get(t, addr, "/none", "Host: one", "Range: bytes=0-3")
	r.want(t, 404, "gone fishing")
	request(t, addr, "HEAD", "/none", "Host: one").want(t, 404, "")
	get(t, addr, "/none", "Host: two").want(t, 404,
		"<!DOCTYPE html>\n<title>404 Not Found</title>\n<h1>404 Not Found</h1>\n")
	get(t, addr, "/404.html", "Host: one").want(t, 200, "gone fishing")
}

func TestHeadersAreOnAllAnswers(t *testing.T) {
	addr := serve(t, func(s *WebServer) {
		s.Header = http.Header{"X-Frame-Options": {"DENY"}, "Cache-Control": {"max-age=60"}}
		s.AddRoot("", files(t, small))
		s.AddFS("fs", fstest.MapFS{"a.txt": {Data: []byte("a")}})
	})
	modified := get(t, addr, "/a.txt").Header.Get("Last-Modified")
	for _, r := range []reply{
		get(t, addr, "/a.txt"),
		get(t, addr, "/a.txt", "If-Modified-Since: "+modified),
		get(t, addr, "/a.txt", "Range: bytes=1-2"),
		get(t, addr, "/a.txt", "Host: fs"),
		get(t, addr, "/none"),
		get(t, addr, "/../"),
		get(t, addr, "/dir"),
		request(t, addr, "POST", "/"),
	} {
		r.header(t, "X-Frame-Options", "DENY")
		r.header(t, "Cache-Control", "max-age=60")
	}
}

func TestHosts(t *testing.T) {
	root := func(name string) string { return files(t, map[string]string{"index.html": name}) }
	addr := serve(t, func(s *WebServer) {
		s.AddRoot("www.Example.com:8080", root("first"))
		s.AddRoot("files.example.com", root("files"))
		s.AddRoot("[::1]", root("six"))
		s.AddRoot("127.0.0.1", root("four"))
		s.AddFS("embedded", fstest.MapFS{"index.html": {Data: []byte("embedded")}})
	})
	for host, want := range map[string]string{
		"www.example.com":        "first",
		"WWW.EXAMPLE.COM:80":     "first",
		"files.example.com":      "files",
		"Files.Example.Com:8080": "files",
		"files.example.com.":     "files",
		"[::1]:80":               "six",
		"127.0.0.1":              "four",
		"127.0.0.1:1234":         "four",
		"embedded":               "embedded",
		"unknown":                "first", // trap T118
		"10.0.0.1":               "first",
	} {
		get(t, addr, "/", "Host: "+host).want(t, 200, want)
	}
	get(t, addr, "http://files.example.com/", "Host: files.example.com").want(t, 200, "files")
}

func TestWithoutAHost(t *testing.T) {
	addr := serve(t, func(s *WebServer) {
		s.AddRoot("one", files(t, small))
		s.AddRoot("two", t.TempDir())
	})
	conn := dial(t, addr)
	defer conn.Close()
	io.WriteString(conn, "GET /a.txt HTTP/1.0\r\n\r\n")
	read(t, bufio.NewReader(conn), "GET").want(t, 200, "text")
}

func TestConditionsAndRanges(t *testing.T) {
	addr := serve(t, func(s *WebServer) { s.AddRoot("", files(t, small)) })
	r := get(t, addr, "/a.txt")
	modified, tag := r.Header.Get("Last-Modified"), r.Header.Get("Etag")
	if modified == "" || tag == "" {
		t.Fatalf("Last-Modified %q, Etag %q", modified, tag)
	}
	r.header(t, "Accept-Ranges", "bytes")
	get(t, addr, "/a.txt", "If-Modified-Since: "+modified).want(t, 304, "")
	get(t, addr, "/a.txt", "If-None-Match: "+tag).want(t, 304, "")
	r = get(t, addr, "/a.txt", "Range: bytes=1-2")
	r.want(t, 206, "ex")
	r.header(t, "Content-Range", "bytes 1-2/4")
	get(t, addr, "/a.txt", "Range: bytes=-1").want(t, 206, "t")
}

//go:embed *.go
var sources embed.FS

func TestFilesInTheBinary(t *testing.T) {
	addr := serve(t, func(s *WebServer) { s.AddFS("", sources) })
	want, err := os.ReadFile("path.go")
	must(t, err)
	r := get(t, addr, "/path.go")
	r.want(t, 200, string(want))
	tag := r.Header.Get("Etag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	get(t, addr, "/path.go", "If-None-Match: "+tag).want(t, 304, "")
	get(t, addr, "/path.go", "Range: bytes=0-6").want(t, 206, "package")
	get(t, addr, "/").want(t, 404, "*")
	get(t, addr, "/../path.go").want(t, 400, "*")
}

func TestWhatIsNoFileIsNotFound(t *testing.T) {
	dir := files(t, small)
	must(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	addr := serve(t, func(s *WebServer) { s.AddRoot("", dir) })
	get(t, addr, "/pipe").want(t, 404, "*")
}

func TestFilesThatMayNotBeRead(t *testing.T) {
	addr := serve(t, func(s *WebServer) { s.AddFS("", closed{fstest.MapFS{"a": {}}}) })
	get(t, addr, "/a").want(t, 403, "*")
}

// closed lets nobody open a file.
type closed struct{ fstest.MapFS }

func (closed) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

func (c closed) Stat(name string) (fs.FileInfo, error) {
	_, err := c.Open(name)
	return nil, err
}
