package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/ipc"
)

// stubWM is a module that stands for wm, so that a new module needs nothing from
// outside.
func stubWM() map[string]string {
	return map[string]string{
		"go.mod":     "module github.com/workerman-go/wm\n\ngo 1.26\n",
		"cli/cli.go": "package cli\n\nfunc Main(apps ...any) {}\n",
		"worker/worker.go": "package worker\n\n" +
			"type App struct {\n\tName, Dir string\n\tStart func()\n}\n",
		"protocol/http1/http1.go": "package http1\n",
		"wmtest/wmtest.go":        "package wmtest\n",
	}
}

// newIn types wm new in a folder, and returns what it said with root called ROOT.
func newIn(t *testing.T, root, dir string, want int, args ...string) string {
	t.Helper()
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(root, dir))
	defer t.Chdir(home) // the golden files are found from there
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "-buildvcs=false")
	var out bytes.Buffer
	if code := runProgram(t, &out, &out, append([]string{"new"}, args...)...); code != want {
		t.Errorf("wm new %q: exit status %d, want %d\n%s", args, code, want, &out)
	}
	text := strings.ReplaceAll(out.String(), root, "ROOT")
	return strings.ReplaceAll(text, os.Args[0], "wm")
}

// newCase is one call of wm new; the golden file has what all of them said.
type newCase struct {
	title string
	files map[string]string // of the module; nil is an empty folder
	dir   string            // where it is typed
	code  int
	args  string
}

const shopMod = "module example.com/shop\n\ngo 1.26\n"

var newCases = []newCase{
	{"no name", nil, "", ipc.CodeUsage, ""},
	{"upper case", nil, "", ipc.CodeUsage, "Chat"},
	{"dash", nil, "", ipc.CodeUsage, "my-chat"},
	{"digit first", nil, "", ipc.CodeUsage, "2chat"},
	{"a path", nil, "", ipc.CodeUsage, "chat/room"},
	{"above", nil, "", ipc.CodeUsage, ".."},
	{"test", nil, "", ipc.CodeUsage, "chat_test"},
	{"all", nil, "", ipc.CodeUsage, "all"},
	{"main", nil, "", ipc.CodeUsage, "main"},
	{"keyword", nil, "", ipc.CodeUsage, "func"},
	{"no module", nil, "", ipc.CodeFailed, "chat"},
	{"replace alone", nil, "", ipc.CodeUsage, "chat --replace x"},
	{"replace by something else", nil, "", ipc.CodeFailed,
		"chat --module example.com/shop --replace ."},
	{"a bad module path", nil, "", ipc.CodeFailed, "chat --module a:b --replace ../wm"},
	{"wm is nowhere", nil, "", ipc.CodeFailed, "chat --module example.com/shop"},
	{"a new module", nil, "", ipc.CodeDone, "chat --module example.com/shop/v2 --replace ../wm " +
		"--listen text://127.0.0.1:8001"},
	{"module twice", map[string]string{"go.mod": shopMod}, "", ipc.CodeFailed,
		"chat --module example.com/shop"},
	{"a module without wm", map[string]string{"go.mod": shopMod}, "", ipc.CodeDone,
		"chat --listen http://0.0.0.0:8001"},
	{"below the root of a library", map[string]string{"go.mod": shopMod, "shop.go": "package shop\n",
		"internal/x.go": "package internal\n"}, "internal", ipc.CodeDone,
		"chat --listen websocket://127.0.0.1:8001"},
	{"a program of another kind", map[string]string{
		"go.mod": shopMod, "main.go": "package main\n\nfunc main() {}\n"}, "", ipc.CodeDone,
		"chat --listen tcp://127.0.0.1:8001"},
	{"a program in cmd", map[string]string{"go.mod": shopMod, "cmd/svc/main.go": "package main\n\n" +
		"import _ \"example.com/shop/apps\"\n\nfunc main() {}\n"}, "", ipc.CodeDone,
		"chat --listen frame://127.0.0.1:8001"},
	{"taken", map[string]string{"go.mod": shopMod, "apps/chat/x": ""}, "", ipc.CodeFailed, "chat"},
	{"another app is broken", map[string]string{
		"go.mod": shopMod, "apps/hello/start.go": "package main\nfunc Start() {}\n",
	}, "", ipc.CodeFailed, "chat"},
	{"apps is a file", map[string]string{"go.mod": shopMod, "apps": ""}, "", ipc.CodeFailed, "chat"},
	{"a list written by hand", map[string]string{"go.mod": shopMod, "apps/all.go": "package apps\n"},
		"", ipc.CodeFailed, "chat"},
	{"unknown protocol", map[string]string{"go.mod": shopMod}, "", ipc.CodeFailed,
		"chat --listen gopher://127.0.0.1:70"},
	{"no port", map[string]string{"go.mod": shopMod}, "", ipc.CodeFailed,
		"chat --listen http://127.0.0.1"},
	{"port 0", map[string]string{"go.mod": shopMod}, "", ipc.CodeFailed,
		"chat --listen http://[::1]:0"},
}

func TestNew(t *testing.T) {
	var said bytes.Buffer
	for _, c := range newCases {
		base := makeTree(t, nil)
		writeFiles(t, filepath.Join(base, "wm"), stubWM())
		root := filepath.Join(base, "shop")
		writeFiles(t, root, c.files)
		before := listFiles(t, root)
		text := newIn(t, root, c.dir, c.code, strings.Fields(c.args)...)
		said.WriteString("--- " + c.title + ": wm new " + c.args + "\n" +
			strings.ReplaceAll(text, base, "BASE"))
		after := listFiles(t, root)
		for name, text := range before {
			if after[name] != text {
				t.Errorf("%s: %s was changed", c.title, name)
			}
		}
		if c.code != ipc.CodeDone && len(after) != len(before) {
			t.Errorf("%s: left behind %v", c.title, after)
		}
	}
	golden(t, "new_said", said.Bytes())
}

// writeFiles makes a folder with files; content by path.
func writeFiles(t *testing.T, root string, files map[string]string) {
	t.Helper()
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// listFiles is the content of every file and folder below root, by path.
func listFiles(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			found[path] = ""
			return err
		}
		text, err := os.ReadFile(path)
		found[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The made files of each protocol, to be read; that they work is for e2e.
func TestNewFiles(t *testing.T) {
	var all bytes.Buffer
	for _, protocol := range []string{"text", "frame", "http"} {
		root := makeTree(t, map[string]string{"go.mod": shopMod})
		newIn(t, root, "", ipc.CodeDone, "chat", "--listen", protocol+"://127.0.0.1:8001")
		for _, name := range []string{"start.go", "start_test.go", "../all.go", "../../main.go"} {
			text, err := os.ReadFile(filepath.Join(root, "apps/chat", name))
			if err != nil {
				t.Fatal(err)
			}
			if protocol == "text" || !strings.HasPrefix(name, "..") {
				all.WriteString("--- " + protocol + " " + name + "\n" + string(text))
			}
		}
	}
	golden(t, "new_files", all.Bytes())
}

// Two apps of one module are not given the same port.
func TestNewPortsDiffer(t *testing.T) {
	root := makeTree(t, map[string]string{"go.mod": shopMod})
	seen := map[string]bool{}
	for _, name := range []string{"one", "two", "three"} {
		newIn(t, root, "", ipc.CodeDone, name)
		text, err := os.ReadFile(filepath.Join(root, "apps", name, "start.go"))
		if err != nil {
			t.Fatal(err)
		}
		_, address, _ := strings.Cut(string(text), "const address = ")
		address, _, _ = strings.Cut(address, "\n")
		if address == "" || seen[address] {
			t.Errorf("%s listens on %s", name, address)
		}
		seen[address] = true
	}
}

// What root makes in somebody's module belongs to that user.
func TestNewFilesBelongToTheOwnerOfTheModule(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give files away")
	}
	const nobody = 65534
	root := makeTree(t, map[string]string{"go.mod": shopMod})
	for _, open := range []string{filepath.Dir(filepath.Dir(root)), filepath.Dir(root)} {
		if err := os.Chmod(open, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{root, filepath.Join(root, "go.mod")} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	newIn(t, root, "", ipc.CodeDone, "chat")
	for path := range listFiles(t, root) {
		if owner := ownerOf(path); owner != nobody {
			t.Errorf("%s belongs to uid %d", path, owner)
		}
	}
}
