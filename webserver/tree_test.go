package webserver

import (
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// waiting has files whose Read waits; ReadAt, by which they are sent, does not.
type waiting struct {
	fs.FS
	release chan struct{}
}

type waitingFile struct {
	fs.File
	io.ReaderAt
	release chan struct{}
}

func (w waiting) Open(name string) (fs.File, error) {
	f, err := w.FS.Open(name)
	if err != nil {
		return nil, err
	}
	at, _ := f.(io.ReaderAt)
	return waitingFile{f, at, w.release}, nil
}

func (f waitingFile) Read(p []byte) (int, error) {
	<-f.release
	return f.File.Read(p)
}

// The loop answers while a large file is read for its tag.
func TestTheTagOfALargeFileIsMadeBesideTheLoop(t *testing.T) {
	content := strings.Repeat("0123456789", quickTag/10+1)
	files := waiting{fstest.MapFS{"a.txt": {Data: []byte(content)}}, make(chan struct{})}
	addr := serve(t, func(s *WebServer) { s.AddFS("", files) })
	conn := dial(t, addr)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(deadline)))
	request := "GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	_, err := io.WriteString(conn, request)
	must(t, err)
	first, err := io.ReadAll(conn)
	close(files.release)
	if head, body, _ := strings.Cut(string(first), "\r\n\r\n"); err != nil || body != content {
		t.Fatalf("got %q and %d bytes, %v", head, len(body), err)
	} else if strings.Contains(head, "Etag") {
		t.Errorf("a tag of a file that was not read: %q", head)
	}
	tag := ""
	for end := time.Now().Add(deadline); tag == ""; {
		if time.Now().After(end) {
			t.Fatal("the file gets no tag")
		}
		tag = get(t, addr, "/a.txt").Header.Get("Etag")
	}
	get(t, addr, "/a.txt", "If-None-Match: "+tag).want(t, http.StatusNotModified, "")
}

// endless has a file for each name.
type endless struct{}

func (endless) Open(name string) (fs.File, error) {
	return fstest.MapFS{name: {Data: []byte(name)}}.Open(name)
}

func TestTagsAreBounded(t *testing.T) {
	tree := &tree{files: endless{}, tags: make(map[string]http.Header)}
	for i := range maxTags + 100 {
		name := strconv.Itoa(i)
		found, err := tree.open(name)
		must(t, err)
		if found.response.Header.Get("Etag") == "" {
			t.Fatalf("%s has no tag", name)
		}
	}
	if n := len(tree.tags); n > maxTags {
		t.Errorf("%d tags are kept, want at most %d", n, maxTags)
	}
}
