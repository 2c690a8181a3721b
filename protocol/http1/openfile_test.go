package http1

import (
	"strings"
	"testing"
	"time"
)

// openedOnce is a file that counts how often it is closed.
type openedOnce struct {
	*strings.Reader
	closed int
}

func (f *openedOnce) Close() error {
	f.closed++
	return nil
}

func TestAFileThatIsOpenIsClosedWithItsAnswer(t *testing.T) {
	changed := time.Unix(1e9, 0)
	for name, tt := range map[string]struct{ lines, want, body string }{
		"whole": {"", "HTTP/1.1 200 OK", "hello"},
		"range": {"Range: bytes=1-2\r\n", "HTTP/1.1 206 Partial Content", "el"},
		"not modified": {"If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n",
			"HTTP/1.1 304 Not Modified", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := &openedOnce{Reader: strings.NewReader("hello")}
			e, c := &exchange{}, &conn{max: 1 << 20}
			frame := []byte("GET / HTTP/1.1\r\nHost: a\r\n" + tt.lines + "\r\n")
			if _, err := e.decode(frame, c); err != nil {
				t.Fatal(err)
			}
			out, err := e.encode(nil, OpenFile(f, "dir/a.css", 5, changed), c)
			if err != nil {
				t.Fatal(err)
			}
			head, body, _ := strings.Cut(string(out), "\r\n\r\n")
			if !strings.HasPrefix(head, tt.want) || body != tt.body {
				t.Errorf("got %q", out)
			}
			if tt.body != "" && !strings.Contains(head, "Content-Type: text/css") {
				t.Errorf("got %q", head)
			}
			if f.closed != 1 {
				t.Errorf("closed %d times", f.closed)
			}
		})
	}
}
