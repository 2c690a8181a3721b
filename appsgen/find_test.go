package appsgen

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree writes files, by path below the root, into a new module.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	if _, own := files["go.mod"]; !own {
		write1(t, root, "go.mod", "module example.com/mine\n\ngo 1.26\n")
	}
	if err := os.MkdirAll(filepath.Join(root, "apps"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range files {
		write1(t, root, path, text)
	}
	return root
}

func write1(t *testing.T, root, path, text string) {
	t.Helper()
	full := filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const good = "package chat\n\nfunc Start() {}\n"

func TestFindApps(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string // apps as NAME=PACKAGE.FUNC FILE:LINE
	}{
		{"one", map[string]string{"apps/chat/start.go": good},
			[]string{"chat=chat.Start apps/chat/start.go:3"}},
		{"ordered by name", map[string]string{
			"apps/b/start.go": good, "apps/a-c/start.go": good, "apps/a/start.go": good,
		}, []string{"a=chat.Start apps/a/start.go:3", "a-c=chat.Start apps/a-c/start.go:3",
			"b=chat.Start apps/b/start.go:3"}},
		{"one function per role", map[string]string{
			"apps/todpole/start_gateway.go": "package todpole\nfunc StartGateway() {}\n",
			"apps/todpole/start.go": "package todpole\nfunc StartBusinessWorker() {}\n" +
				"func Started() {}\nfunc start() {}\nfunc (x X) StartTimer(n int) {}\ntype X int\n",
		}, []string{"todpole/businessworker=todpole.StartBusinessWorker apps/todpole/start.go:2",
			"todpole/gateway=todpole.StartGateway apps/todpole/start_gateway.go:2"}},
		{"helpers beside Start", map[string]string{"apps/chat/start.go": good +
			"type room int\nfunc (r *room) Start() {}\nfunc StartTimer(n int) {}\n"},
			[]string{"chat=chat.Start apps/chat/start.go:3"}},
		{"other files do not compile", map[string]string{
			"apps/chat/start.go": good, "apps/chat/room.go": "this is no Go {",
		}, []string{"chat=chat.Start apps/chat/start.go:3"}},
		{"types are not checked", map[string]string{
			"apps/chat/start.go": "package chat\nimport \"no/such\"\nfunc Start() { no.Such(1 + \"\") }\n",
		}, []string{"chat=chat.Start apps/chat/start.go:3"}},
		{"left out", map[string]string{
			"apps/_old/start.go": "broken", "apps/.git/start.go": "broken",
			"apps/testdata/start.go": "broken", "apps/all.go": "broken",
			"apps/chat/start.go": good, "apps/chat/start_test.go": good,
			"apps/chat/start_windows.go": good, "apps/chat/_start.go": good,
			"apps/chat/start_draft.go": "//go:build ignore\n\n" + good,
			"apps/chat/start.txt":      good, "apps/chat/web/start.go": good,
		}, []string{"chat=chat.Start apps/chat/start.go:3"}},
		{"no apps", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			apps, problems, err := Find(tree(t, tt.files))
			if err != nil || len(problems) > 0 {
				t.Fatalf("problems %v, error %v", problems, err)
			}
			var got []string
			for _, a := range apps {
				got = append(got, fmt.Sprintf("%s=%s.%s %s:%d",
					a.Name, a.Package, a.Func, a.File, a.Line))
				if want := "example.com/mine/" + a.Dir(); a.ImportPath != want {
					t.Errorf("import path %q, want %q", a.ImportPath, want)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// startFile is an app whose start file holds one line of declarations.
func startFile(decls string) map[string]string {
	return map[string]string{"apps/chat/start.go": "package chat\n" + decls + "\n"}
}

func TestFindProblems(t *testing.T) {
	tests := []struct {
		name     string
		files    map[string]string
		want     string // beginning of the only problem
		harmless bool
		apps     int
	}{
		{"no Start", map[string]string{"apps/chat/room.go": "package chat\n"},
			"apps/chat: no start*.go with func Start()", true, 0},
		{"no code at all", map[string]string{"apps/chat/index.html": ""},
			"apps/chat: no start*.go with func Start()", true, 0},
		{"Start in another file", map[string]string{"apps/chat/chat.go": good},
			"apps/chat/chat.go:3: func Start is only looked for in files called start*.go", false, 0},
		{"syntax error in Start", startFile("func Start( {}"),
			"apps/chat/start.go:2: ", false, 1},
		{"syntax error behind Start", map[string]string{"apps/chat/start.go": good + "func x( {\n"},
			"apps/chat/start.go:4: ", false, 1},
		{"not Go at all", map[string]string{"apps/chat/start.go": "<?php"},
			"apps/chat/start.go:1: expected 'package'", false, 0},
		{"empty file", map[string]string{"apps/chat/start.go": ""},
			"apps/chat/start.go:1: expected 'package'", false, 0},
		{"package main", map[string]string{"apps/chat/start.go": "package main\nfunc Start() {}\n"},
			"apps/chat/start.go:2: package main cannot be imported", false, 0},
		{"parameters", startFile("func Start(n int) {}"),
			"apps/chat/start.go:2: func Start has parameters: it must be func Start()", false, 0},
		{"results", startFile("func Start() error { return nil }"),
			"apps/chat/start.go:2: func Start has results", false, 0},
		{"type parameters", startFile("func Start[T any]() {}"),
			"apps/chat/start.go:2: func Start has type parameters", false, 0},
		{"receiver", startFile("type a int; func (a) Start() {}"),
			"apps/chat/start.go:2: func Start has a receiver", false, 0},
		{"one role of two with parameters", startFile("func StartWeb(n int) {}; func StartGateway() {}"),
			"apps/chat/start.go:2: func StartWeb has parameters: it must be func StartWeb()", false, 1},
		{"two files with Start", map[string]string{
			"apps/chat/start.go": good, "apps/chat/start_2.go": good,
		}, "apps/chat/start_2.go:3: func Start is the app chat again, which stands at " +
			"apps/chat/start.go:3", false, 1},
		{"roles that differ in case", map[string]string{
			"apps/chat/start.go": "package chat\nfunc StartWeb() {}\nfunc StartWEB() {}\n",
		}, "apps/chat/start.go:3: func StartWEB is the app chat/web again", false, 1},
		{"Start and roles", map[string]string{"apps/chat/start.go": good + "func StartWeb() {}\n"},
			"apps/chat/start.go:3: func Start stands beside functions for roles", false, 2},
		{"nested module", map[string]string{
			"apps/chat/start.go": good, "apps/chat/go.mod": "module chat\n",
		}, "apps/chat/go.mod: the folder is a module of its own", false, 0},
		{"name with a blank", map[string]string{"apps/my chat/start.go": good},
			"apps/my chat: Go cannot import a folder of this name", false, 0},
		{"name that is not ASCII", map[string]string{"apps/聊天/start.go": good},
			"apps/聊天: Go cannot import a folder of this name", false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			apps, problems, err := Find(tree(t, tt.files))
			if err != nil {
				t.Fatal(err)
			}
			if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), tt.want) {
				t.Fatalf("problems %q, want one beginning with %q", problems, tt.want)
			}
			p := problems[0]
			if p.Blocking == tt.harmless || len(apps) != tt.apps {
				t.Errorf("blocking %v, apps %v", p.Blocking, apps)
			}
			if folder, _, _ := strings.Cut(strings.TrimPrefix(p.File, "apps/"), "/"); p.App != folder {
				t.Errorf("the problem of %s is said to be one of app %q", p.File, p.App)
			}
		})
	}
}

func TestFindErrors(t *testing.T) {
	tests := []struct {
		name string
		root string
		want string
	}{
		{"no module", t.TempDir(), "no go.mod in "},
		{"no module line", tree(t, map[string]string{"go.mod": "go 1.26\n"}), "no module line"},
		{"apps is a file", func() string {
			root := tree(t, nil)
			if err := os.Remove(filepath.Join(root, "apps")); err != nil {
				t.Fatal(err)
			}
			write1(t, root, "apps", "")
			return root
		}(), "/apps is a file: rename it"},
		{"no apps", func() string {
			root := tree(t, nil)
			if err := os.Remove(filepath.Join(root, "apps")); err != nil {
				t.Fatal(err)
			}
			return root
		}(), "no folder apps in "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Find(tt.root)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestFindFollowsLinkedFolders(t *testing.T) {
	root := tree(t, map[string]string{"shared/chat/start.go": good})
	for name, target := range map[string]string{"chat": "../shared/chat", "gone": "../nowhere"} {
		if err := os.Symlink(target, filepath.Join(root, "apps", name)); err != nil {
			t.Fatal(err)
		}
	}
	apps, problems, err := Find(root)
	if err != nil || len(problems) > 0 || len(apps) != 1 || apps[0].Name != "chat" {
		t.Errorf("apps %v, problems %v, error %v", apps, problems, err)
	}
}
