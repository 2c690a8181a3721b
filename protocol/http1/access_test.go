package http1

import (
	"errors"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

// notedAsked is a connection with an access log whose request waits for an answer.
func notedAsked(t *testing.T) *noted {
	t.Helper()
	c := &noted{conn: *newConn()}
	frame := []byte("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
	if n, err := (http1{}).Input(frame, c); err != nil || n != len(frame) {
		t.Fatalf("Input: %d, %v", n, err)
	}
	if _, err := (http1{}).Decode(frame, c); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *noted) wantLines(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(c.lines, want) {
		t.Errorf("the access log has %q, want %q", c.lines, want)
	}
}

// unreadable has files of a disk that fails.
type unreadable struct{ fs.FS }

type unreadableFile struct{ fs.File }

func (u unreadable) Open(name string) (fs.File, error) {
	file, err := u.FS.Open(name)
	return unreadableFile{file}, err
}

func (unreadableFile) ReadAt([]byte, int64) (int, error) { return 0, unix.EIO }

// The request of a file that cannot be read is still owed an answer, and the log
// has that one only.
func TestNothingIsLeftOfAnAnswerWhoseFileCannotBeRead(t *testing.T) {
	for name, size := range map[string]int{"short": 100, "long": 100_000, "above 1 MiB": 2 << 20} {
		t.Run(name, func(t *testing.T) {
			c := notedAsked(t)
			data := []byte(strings.Repeat("x", size))
			fsys := unreadable{fstest.MapFS{"a.txt": {Data: data, ModTime: changed}}}
			out, err := http1{}.Encode([]byte("before"), FileFS(fsys, "a.txt"), c)
			if string(out) != "before" || size <= maxHeld && !errors.Is(err, unix.EIO) || err == nil {
				t.Fatalf("Encode appended to %.99q, and %v", out, err)
			}
			http1{}.Sent(c) // of another message
			c.wantLines(t)
			if _, err := (http1{}).Encode(nil, NewResponse(503, nil, ""), c); err != nil {
				t.Fatalf("the answer after it: %v", err)
			}
			c.wantLines(t, "GET /a HTTP/1.1 503")
		})
	}
}

func TestJSONThatCannotBeMadeIsLogged(t *testing.T) {
	c := notedAsked(t)
	if _, err := (http1{}).Encode(nil, JSON(math.NaN()), c); err == nil {
		t.Fatal("no error")
	}
	c.wantLines(t, "GET /a HTTP/1.1 500")
}
