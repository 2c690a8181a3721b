package webserver

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/workerman-go/wm/wmtest"
)

// numbers is text of at least size bytes in which every part is another one.
func numbers(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintln(&b, i)
	}
	return b.String()
}

func TestLargeFiles(t *testing.T) {
	content := numbers(3 << 20)
	dir := files(t, map[string]string{"large.txt": content, "404.html": content})
	addr := serve(t, func(s *WebServer) {
		s.NotFound = "404.html"
		s.AddRoot("", dir)
	})
	for range 2 {
		r := get(t, addr, "/large.txt")
		if r.StatusCode != 200 || r.body != content {
			t.Errorf("got %d, %d bytes of %d", r.StatusCode, len(r.body), len(content))
		}
	}
	get(t, addr, "/large.txt", "Range: bytes=1000000-1999999").want(t, 206, content[1000000:2000000])
	get(t, addr, "/large.txt", "Range: bytes=-100").want(t, 206, content[len(content)-100:])
	request(t, addr, "HEAD", "/large.txt").want(t, 200, "")
	get(t, addr, "/none").want(t, 404, content)

	// A client that leaves in the middle costs no descriptor: TestMain counts.
	conn := dial(t, addr)
	io.WriteString(conn, "GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n")
	_, err := io.ReadFull(conn, make([]byte, 1000))
	must(t, err)
	conn.Close()
}

func TestTextIsCompressedWhenAsked(t *testing.T) {
	content := numbers(10_000)
	addr := serve(t, func(s *WebServer) {
		s.Compress = true
		s.AddRoot("", files(t, map[string]string{"a.txt": content, "a.png": content}))
		s.AddFS("fs", fstest.MapFS{"a.txt": {Data: []byte(content)}})
	})
	for _, host := range []string{"a", "fs"} {
		r := get(t, addr, "/a.txt", "Host: "+host, "Accept-Encoding: gzip")
		r.header(t, "Content-Encoding", "gzip")
		r.header(t, "Vary", "Accept-Encoding")
		in, err := gzip.NewReader(strings.NewReader(r.body))
		must(t, err)
		var out bytes.Buffer
		_, err = io.Copy(&out, in)
		if out.String() != content || err != nil {
			t.Errorf("%d bytes of %d, %v", out.Len(), len(content), err)
		}
	}
	get(t, addr, "/a.txt").want(t, 200, content)
	get(t, addr, "/a.png", "Accept-Encoding: gzip").header(t, "Content-Encoding", "")
}

// broken has no descriptors left.
type broken struct{ fstest.MapFS }

func (broken) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EMFILE}
}

func (b broken) Stat(name string) (fs.FileInfo, error) {
	_, err := b.Open(name)
	return nil, err
}

func TestFilesThatCannotBeOpenedAre503(t *testing.T) {
	s := wmtest.Run(t, func() { New("http://127.0.0.1:80").AddFS("", broken{}) })
	addr := s.Addr("WebServer")
	get(t, addr, "/a.txt").want(t, 503, "*")
	get(t, addr, "/").want(t, 503, "*")
	s.ExpectLog("webserver: a.txt: open a.txt: too many open files")
}
