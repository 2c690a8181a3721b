package webserver

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
)

// FuzzPath never gets anything from outside the root, in both ways of opening.
func FuzzPath(f *testing.F) {
	for _, tt := range paths {
		f.Add(tt.path)
	}
	for _, tt := range links {
		f.Add(tt.target)
	}
	root := filepath.Join(linked(f), "root")
	fast, err := openFolder(root)
	must(f, err)
	slow, err := openFolder(root)
	must(f, err)
	must(f, slow.useRoot(root))
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		path, _, _ = strings.Cut(path, "?")
		got, ok := resolve(path)
		if !ok {
			return
		}
		checkTarget(t, path, got)
		if one, other := content(t, fast, got.name), content(t, slow, got.name); one != other {
			t.Errorf("%q: %q with openat2, %q without", got.name, one, other)
		}
	})
}

// content is what a client would get.
func content(t *testing.T, f *folder, name string) string {
	found, err := f.open(name)
	if err != nil {
		return [...]string{"missing", "outside", "denied", "failed"}[reasonOf(err)]
	}
	if found.response == nil {
		return "directory"
	}
	defer found.drop()
	p := make([]byte, 100)
	n, _ := found.file.(*http1.Descriptor).ReadAt(p, 0)
	text := string(p[:n])
	if text != "text" && text != "b" {
		t.Errorf("%q: read %q", name, text)
	}
	return text
}
