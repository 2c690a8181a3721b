package webserver

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/protocol/http1"
)

// linked is a tree with a root, a secret beside it, and links of all kinds.
func linked(t testing.TB) string {
	return files(t, map[string]string{
		"secret/passwd":    "SECRET",
		"rooted/SECRET":    "SECRET", // a name that begins as the root's
		"root/a.txt":       "text",
		"root/dir/b.txt":   "b",
		"root/in":          "->a.txt",
		"root/folder":      "->dir",
		"root/dir/up":      "->../a.txt",
		"root/out":         "->../secret/passwd",
		"root/outfolder":   "->../secret",
		"root/dir/far":     "->../../secret/passwd",
		"root/back":        "->../root/a.txt", // out and in again
		"root/etc":         "->/etc",
		"root/self":        "->self",
		"root/gone":        "->nowhere",
		"root/proc":        "->/proc/self/root",
		"root/nested":      "->dir/outlink",
		"root/dir/outlink": "->../outfolder",
	})
}

var links = []struct {
	target string
	status int
	body   string
}{
	{"/a.txt", 200, "text"},
	{"/in", 200, "text"},
	{"/folder/b.txt", 200, "b"},
	{"/dir/up", 200, "text"},
	{"/out", 400, "*"},
	{"/outfolder/passwd", 400, "*"},
	{"/outfolder", 400, "*"},
	{"/outfolder/", 400, "*"},
	{"/dir/far", 400, "*"},
	{"/back", 400, "*"},
	{"/etc/passwd", 400, "*"},
	{"/proc/etc/passwd", 400, "*"},
	{"/nested/passwd", 400, "*"},
	{"/self", 404, "*"},
	{"/gone", 404, "*"},
	{"/../secret/passwd", 400, "*"},
	{"/../rooted/SECRET", 400, "*"},
}

func TestLinksThatLeadOutOfTheRootAreRefused(t *testing.T) {
	dir := linked(t)
	for name, slow := range map[string]bool{"openat2": false, "before openat2": true} {
		t.Run(name, func(t *testing.T) {
			var web *WebServer
			addr := serve(t, func(s *WebServer) {
				web = s
				s.AddRoot("", filepath.Join(dir, "root"))
				s.OnWorkerStart = slowly(s, slow)
			})
			for _, tt := range links {
				r := get(t, addr, tt.target)
				if r.StatusCode != tt.status || tt.body != "*" && r.body != tt.body {
					t.Errorf("%s: got %d %q, want %d %q",
						tt.target, r.StatusCode, r.body, tt.status, tt.body)
				}
			}
			if f := web.sites[0].source.(*folder); (f.slow != nil) != slow {
				t.Errorf("slow: %v", f.slow)
			}
		})
	}
}

// A directory of the path becomes a link while it is opened again and again: what
// is read is never from outside.
func TestALinkMadeBetweenTwoLooksLeadsNowhere(t *testing.T) {
	dir := files(t, map[string]string{"secret/f": "SECRET", "root/dir/f": "text"})
	root := filepath.Join(dir, "root")
	f, err := openFolder(root)
	must(t, err)
	defer f.dir.Close()
	must(t, os.Symlink("../secret", filepath.Join(root, "link")))
	stop, stopped := make(chan struct{}), make(chan error)
	go func() { stopped <- swap(root, stop) }() // ends with stop
	for range 2000 {
		fd, err := f.descriptor("dir/f")
		if err != nil {
			continue
		}
		opened := http1.NewDescriptor(fd)
		content := make([]byte, 10)
		n, _ := opened.ReadAt(content, 0)
		must(t, opened.Close())
		if string(content[:n]) != "text" {
			t.Fatalf("read %q", content[:n])
		}
	}
	close(stop)
	must(t, <-stopped)
}

// swap exchanges dir and link in root until stop.
func swap(root string, stop chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		err := unix.Renameat2(unix.AT_FDCWD, filepath.Join(root, "dir"),
			unix.AT_FDCWD, filepath.Join(root, "link"), unix.RENAME_EXCHANGE)
		if err != nil {
			return err
		}
	}
}

func TestAFileCanBeClosedTwice(t *testing.T) {
	fd, err := unix.Open("folder_test.go", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	must(t, err)
	f := http1.NewDescriptor(fd)
	p := make([]byte, 7)
	if n, err := f.ReadAt(p, 0); n != 7 || err != nil || string(p) != "package" {
		t.Errorf("read %d %q, %v", n, p, err)
	}
	if n, err := f.ReadAt(p, 1<<20); n != 0 || err != io.EOF {
		t.Errorf("read %d, %v, want the end", n, err)
	}
	must(t, f.Close())
	must(t, f.Close())
	if n, err := f.ReadAt(p, 0); n != 0 || err == nil {
		t.Errorf("read %d, %v of a closed file", n, err)
	}
}

// Files of /proc come in pieces, however much is asked for.
func TestAFileIsReadToTheEndOfTheBuffer(t *testing.T) {
	f, err := openFolder("/proc/self")
	must(t, err)
	defer f.dir.Close()
	found, err := f.open("smaps")
	must(t, err)
	defer found.drop()
	p := make([]byte, 8<<10)
	if n, err := found.file.(io.ReaderAt).ReadAt(p, 0); n < len(p) || err != nil {
		t.Errorf("read %d bytes of %d, %v", n, len(p), err)
	}
}
