package appsgen

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mistakes are what authors do to a folder in apps, with the folder as it is then.
var mistakes = []struct {
	name  string
	files map[string]string
}{
	{"package main", map[string]string{"start.go": "package main\n\nfunc Start() {}\n"}},
	{"only tests", map[string]string{"start_test.go": "package chat\n"}},
	{"a module of its own", map[string]string{"start.go": good, "go.mod": "module chat\n"}},
	{"two packages", map[string]string{"start.go": good, "room.go": "package room\n"}},
	{"a program beside the app", map[string]string{
		"start.go": good, "main.go": "// Main is one.\npackage main\n",
	}},
	{"Start with parameters", map[string]string{"start.go": "package chat\nfunc Start(n int) {}\n"}},
	{"Start with results", map[string]string{
		"start.go": "package chat\nfunc Start() error { return nil }\n",
	}},
	{"Start in another file", map[string]string{"chat.go": good}},
	{"start.go without Start", map[string]string{"start.go": "package chat\n\nfunc start() {}\n"}},
	{"no start file", map[string]string{"room.go": "package chat\n"}},
	{"no code", map[string]string{"public/index.html": "hello"}},
	{"an empty folder", map[string]string{"": ""}},
	{"another system", map[string]string{"start_windows.go": good}},
	{"build constraint", map[string]string{"start.go": "//go:build ignore\n\n" + good}},
	{"syntax error", map[string]string{"start.go": "package chat\n\nfunc Start( {}\n"}},
	{"not Go", map[string]string{"start.go": "<?php echo 1;\n"}},
	{"dash", map[string]string{"../my-chat/start.go": good}},
	{"upper case", map[string]string{"../Chat/start.go": good}},
	{"a digit first", map[string]string{"../2chat/start.go": good}},
	{"a blank", map[string]string{"../my chat/start.go": good}},
}

// The texts are what start, reload and check print; golden, to be read in one go.
func TestMistakesAreExplained(t *testing.T) {
	var got strings.Builder
	for _, m := range mistakes {
		root := tree(t, nil)
		for name, text := range m.files {
			if name == "" {
				if err := os.Mkdir(filepath.Join(root, "apps/chat"), 0o755); err != nil {
					t.Fatal(err)
				}
				continue
			}
			write1(t, root, filepath.Join("apps/chat", name), text)
		}
		r, err := Generate(root)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		fmt.Fprintf(&got, "%s: %s\n", m.name, outcome(r))
		for _, p := range r.Problems {
			fmt.Fprintf(&got, "\t%s\n", p)
		}
	}
	file := filepath.Join("../testdata/appsgen", "mistakes.golden")
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, file); got.String() != want {
		t.Errorf("%s differs, got\n%s", file, got.String())
	}
}

// outcome says what a reload goes on with.
func outcome(r Result) string {
	switch {
	case len(r.Blocking()) > 0:
		return "nothing is changed"
	case len(r.Apps) == 0:
		return "goes on without it"
	}
	return "works"
}

// A folder that the user who builds may not read keeps the list as it is.
func TestUnreadableFoldersAndFiles(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"apps/chat", "apps/chat: permission denied: "},
		{"apps/chat/start.go", "apps/chat/start.go: permission denied: "},
	} {
		root := tree(t, map[string]string{"apps/chat/start.go": good})
		for _, open := range []string{filepath.Dir(root), root} {
			if err := os.Chmod(open, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(root, c.path)
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		var problems []Problem
		err := asNobody(func() (err error) {
			_, problems, err = Find(root)
			return err
		})
		os.Chmod(path, 0o755)
		if err != nil || len(problems) != 1 || !problems[0].Blocking ||
			!strings.HasPrefix(problems[0].String(), c.want) {
			t.Errorf("%s: problems %q, error %v", c.path, problems, err)
		}
	}
}

// asNobody runs do without root's right to read everything.
func asNobody(do func() error) error {
	if os.Geteuid() != 0 {
		return do()
	}
	const nobody = 65534
	done := make(chan error, 1)
	go func() { // ends after do, and its thread with it: it is never unlocked
		runtime.LockOSThread()
		unix.Setfsuid(nobody)
		done <- do()
	}()
	return <-done
}

func TestTheFolderOfTheAppsMayBeALink(t *testing.T) {
	root := tree(t, map[string]string{"code/chat/start.go": good})
	link := filepath.Join(root, "apps")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ target, want string }{
		{"code", ""},
		{"gone", "/apps is a link to gone, which does not exist: make it, or remove the link"},
		{"go.mod", "/apps is a file: rename it, the apps need a folder of this name"},
	} {
		if err := os.Symlink(c.target, link); err != nil {
			t.Fatal(err)
		}
		r, err := Generate(root)
		if c.want == "" && (err != nil || len(r.Apps) != 1) ||
			c.want != "" && (err == nil || !strings.HasSuffix(err.Error(), c.want)) {
			t.Errorf("a link to %s: %d apps, %v", c.target, len(r.Apps), err)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
}
