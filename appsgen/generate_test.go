package appsgen

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// awkward holds names of folders and packages that need care in the list.
var awkward = map[string]string{
	"apps/chat/start.go":       "package chat\nfunc Start() {}\n",
	"apps/chatapp/start.go":    "package chat\nfunc Start() {}\n",
	"apps/my-chat/start.go":    "package mychat\nfunc Start() {}\n",
	"apps/my_chat/start.go":    "package my_chat\nfunc Start() {}\n",
	"apps/my.chat/start.go":    "package my\nfunc Start() {}\n",
	"apps/2048/start.go":       "package game\nfunc Start() {}\n",
	"apps/worker/start.go":     "package worker\nfunc Start() {}\n",
	"apps/All/start.go":        "package All\nfunc Start() {}\n",
	"apps/go/start.go":         "package golang\nfunc Start() {}\n",
	"apps/string/start.go":     "package string\nfunc Start() {}\n",
	"apps/init/start.go":       "package init\nfunc Start() {}\n",
	"apps/todpole/start.go":    "package todpole\nfunc StartGateway() {}\n",
	"apps/todpole/start_bw.go": "package todpole\nfunc StartBusinessWorker() {}\n",
	"apps/common/common.go":    "package common\n",
	"apps/todpole/helper.go":   "package todpole\nfunc helper() {}\n",
	"apps/_draft/start.go":     "package draft\nfunc Start( {}\n",
}

func TestGenerateGolden(t *testing.T) {
	tests := []struct {
		golden string
		files  map[string]string
	}{
		{"all_awkward.golden", awkward},
		{"all_empty.golden", nil},
		{"all_one.golden", map[string]string{"apps/hello/start.go": "package hello\nfunc Start() {}\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			root := tree(t, tt.files)
			if r, err := Generate(root); err != nil || !r.Changed {
				t.Fatalf("result %+v, error %v", r, err)
			}
			got := read(t, filepath.Join(root, "apps/all.go"))
			golden := filepath.Join("../testdata/appsgen", tt.golden)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := read(t, golden); got != want {
				t.Errorf("%s differs (run with -update if that is meant)\ngot:\n%s\nwant:\n%s",
					golden, got, want)
			}
			if r, err := Generate(root); err != nil || r.Changed {
				t.Errorf("again: result %+v, error %v", r, err)
			}
		})
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The compiler has the last word about aliases.
func TestGeneratedListCompiles(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	files := map[string]string{
		"go.mod":           "module github.com/workerman-go/wm\n\ngo 1.26\n",
		"worker/worker.go": "package worker\ntype App struct { Name, Dir string; Start func() }\n",
		"linked/start.go":  "package linked\nfunc Start() {}\n",
	}
	for path, text := range awkward {
		files[path] = text
	}
	root := tree(t, files)
	if err := os.Symlink("../linked", filepath.Join(root, "apps/linked")); err != nil {
		t.Fatal(err)
	}
	r, err := Generate(root)
	if err != nil || len(r.Apps) != 14 {
		t.Fatalf("%d apps, error %v", len(r.Apps), err)
	}
	cmd := exec.Command("go", "build", "./apps")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go build: %v\n%s\n%s", err, out, read(t, filepath.Join(root, "apps/all.go")))
	}
}

func TestGenerateFollowsTheFolders(t *testing.T) {
	root := tree(t, map[string]string{"apps/a/start.go": good})
	for _, step := range []struct {
		change func() error
		want   string
	}{
		{func() error { return nil }, "a"},
		{func() error {
			write1(t, root, "apps/b/start.go", good)
			return nil
		}, "a b"},
		{func() error { return os.RemoveAll(filepath.Join(root, "apps/a")) }, "b"},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		r, err := Generate(root)
		if err != nil || !r.Changed {
			t.Fatalf("result %+v, error %v", r, err)
		}
		var names []string
		for _, a := range r.Apps {
			names = append(names, a.Name)
		}
		list := read(t, filepath.Join(root, "apps/all.go"))
		got := strings.Join(names, " ")
		if got != step.want || strings.Count(list, "Start:") != len(names) {
			t.Errorf("apps %q, want %q\n%s", got, step.want, list)
		}
	}
	leftovers, err := filepath.Glob(filepath.Join(root, "apps/.all.go*"))
	if err != nil || len(leftovers) > 0 {
		t.Errorf("left behind %v, error %v", leftovers, err)
	}
}

func TestGenerateKeepsTheListWhileAnAppIsBroken(t *testing.T) {
	root := tree(t, map[string]string{"apps/a/start.go": good, "apps/assets/x.css": ""})
	if r, err := Generate(root); err != nil || !r.Changed || len(r.Problems) != 1 {
		t.Fatalf("result %+v, error %v", r, err)
	}
	list := filepath.Join(root, "apps/all.go")
	before := read(t, list)
	write1(t, root, "apps/a/start.go", "package a\nfunc Start( {}\n")
	write1(t, root, "apps/b/start.go", good)
	r, err := Generate(root)
	if err != nil || r.Changed || len(r.Blocking()) != 1 || r.Blocking()[0].App != "a" {
		t.Errorf("result %+v, error %v", r, err)
	}
	if got := read(t, list); got != before {
		t.Errorf("the list was changed to\n%s", got)
	}
}

func TestGenerateLeavesForeignFilesAlone(t *testing.T) {
	root := tree(t, map[string]string{"apps/a/start.go": good, "apps/all.go": "package apps\n"})
	_, err := Generate(root)
	if err == nil || !strings.Contains(err.Error(), "write apps/all.go: it does not begin with") {
		t.Errorf("error %v", err)
	}
	if got := read(t, filepath.Join(root, "apps/all.go")); got != "package apps\n" {
		t.Errorf("the file was changed to\n%s", got)
	}

	root = tree(t, map[string]string{"apps/a/start.go": good, "elsewhere": "x"})
	if err := os.Symlink("../elsewhere", filepath.Join(root, "apps/all.go")); err != nil {
		t.Fatal(err)
	}
	_, err = Generate(root)
	if err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("error %v for a link", err)
	}
}

func TestGenerateKeepsModeAndOwner(t *testing.T) {
	root := tree(t, map[string]string{"apps/a/start.go": good})
	list := filepath.Join(root, "apps/all.go")
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 { // only root can meet a tree of somebody else
		uid, gid = 12345, 23456
		if err := os.Chown(filepath.Join(root, "apps"), uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Generate(root); err != nil {
		t.Fatal(err)
	}
	checkFile(t, list, 0o644, uid, gid)

	if err := os.Chmod(list, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		uid++
		if err := os.Chown(list, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	write1(t, root, "apps/b/start.go", good)
	if _, err := Generate(root); err != nil {
		t.Fatal(err)
	}
	checkFile(t, list, 0o600, uid, gid)
}

func checkFile(t *testing.T, path string, mode os.FileMode, uid, gid int) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	if info.Mode() != mode || int(st.Uid) != uid || int(st.Gid) != gid {
		t.Errorf("mode %v owner %d:%d, want %v %d:%d", info.Mode(), st.Uid, st.Gid, mode, uid, gid)
	}
}
