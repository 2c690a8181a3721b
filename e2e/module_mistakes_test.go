package e2e

import (
	"path/filepath"
	"testing"
)

// mistakes are what an author may do to a module that is served.
var mistakes = []struct {
	name  string
	files map[string]string // below the root; empty removes
	texts []string          // in what the commands print
}{
	{"package main", map[string]string{"apps/bad/start.go": "package main\n\nfunc Start() {}\n"},
		[]string{"apps/bad/start.go:3: package main cannot be imported: name the package"}},
	{"a module inside", map[string]string{
		"apps/bad/start.go": "package bad\n\nfunc Start() {}\n", "apps/bad/go.mod": "module bad\n",
	}, []string{"apps/bad/go.mod: the folder is a module of its own: remove its go.mod"}},
	{"two packages", map[string]string{
		"apps/bad/start.go": "package bad\n\nfunc Start() {}\n", "apps/bad/x.go": "package worse\n",
	}, []string{"apps/bad/x.go:1: package worse in the folder of package bad (start.go)"}},
	{"syntax error", map[string]string{"apps/bad/start.go": "package bad\n\nfunc Start( {}\n"},
		[]string{"apps/bad/start.go:3: expected"}},
	{"import cycle", map[string]string{
		"apps/bad/start.go": "package bad\n\nimport _ \"example.org/shop/apps/evil\"\n\n" +
			"func Start() {}\n",
		"apps/evil/evil.go": "package evil\n\nimport _ \"example.org/shop/apps/bad\"\n",
	}, []string{"import cycle not allowed", "move what they share into a package of its own"}},
	{"a module that is not here", map[string]string{
		"apps/bad/start.go": "package bad\n\nimport _ \"example.net/such\"\n\nfunc Start() {}\n",
	}, []string{"apps/bad/start.go:3:", "example.net/such", "cannot be downloaded now"}},
	{"a Go of the future", map[string]string{"go.mod": "module example.org/shop\n\ngo 1.99\n"},
		[]string{"go.mod requires go >= 1.99", "the module wants Go 1.99 and Go 1."}},
	{"wm is not in go.mod", map[string]string{"go.mod": "module example.org/shop\n\ngo 1.26\n"},
		[]string{"github.com/workerman-go/wm"}},
	{"a list written by hand", map[string]string{"apps/all.go": "package apps\n"},
		[]string{"apps/all.go", "written by hand: rename it"}},
	{"apps is a file", map[string]string{"apps": "x"}, []string{"apps is a file: rename it"}},
}

// Every command that builds refuses a mistake in the same words, and what runs
// stays as it is.
func TestMistakesInAnOwnModule(t *testing.T) {
	t.Parallel()
	s := newService(t)
	root := s.newModule(freeAddress(t))
	s.start()
	kept := filepath.Join(t.TempDir(), "kept")
	for _, name := range []string{"apps", "go.mod", "go.sum"} {
		if err := copyTree(filepath.Join(root, name), filepath.Join(kept, name)); err != nil {
			t.Fatal(err)
		}
	}
	other := newService(t, offline...)
	other.bin = s.bin
	before := s.snapshot()
	for _, m := range mistakes {
		for path, text := range m.files {
			if path == "apps" {
				remove(t, root, path)
			}
			put(t, filepath.Join(root, path), text)
		}
		other.run("start", "-d").wantCode(1).wantText(m.texts...)
		s.run("reload").wantCode(1).wantText(m.texts...)
		s.run("check").wantCode(1).wantText(m.texts...)
		s.snapshot().wantSame(t, before, "web")
		for _, name := range []string{"apps", "go.mod", "go.sum"} {
			remove(t, root, name)
			if err := copyTree(filepath.Join(kept, name), filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.run("reload").wantCode(0)
	remove(t, root, "go.mod")
	s.run("reload").wantCode(0).wantText("stands among apps without a go.mod in " + root)
}
