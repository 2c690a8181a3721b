package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// offline is the environment of commands that build in an author's module: what is
// not in the module cache must not be fetched by a test, and what is compiled for
// one tree serves all.
var offline = []string{"GOPROXY=off", "GOFLAGS=-mod=mod -buildvcs=false -trimpath", "CGO_ENABLED=0"}

// newModule has wm make a module that takes wm from the built tree, with the http
// app "web", builds its program, and makes that the binary of the service.
func (s *service) newModule(address string) (root string) {
	s.t.Helper()
	root = filepath.Join(s.t.TempDir(), "shop")
	if err := os.Mkdir(root, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.env = append(s.env, offline...)
	s.ports = append(s.ports, address)
	s.bin, s.cwd = built.sample, root
	s.run("new", "web", "--module", "example.org/shop", "--replace", built.tree,
		"--listen", "http://"+address).wantCode(0).wantText("go build -o bin/shop .")
	s.bin, s.cwd = filepath.Join(root, "bin", "shop"), s.t.TempDir()
	s.goTool(root, "build", "-o", "bin/shop", ".")
	return root
}

// goTool runs the go command as the author does.
func (s *service) goTool(dir string, args ...string) {
	s.t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), s.env...)
	if text, err := runCommand(cmd); err != nil {
		s.t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, text)
	}
}

// newApp makes a second app with the binary of the module.
func (s *service) newApp(root, name, address string) result {
	s.t.Helper()
	cwd := s.cwd
	defer func() { s.cwd = cwd }()
	s.cwd = filepath.Join(root, "apps") // anywhere in the module will do
	s.ports = append(s.ports, address)
	return s.run("new", name, "--listen", "text://"+address).wantCode(0)
}

// wantGreeting talks to an app that wm new has made for text.
func wantGreeting(t *testing.T, address, greeting string) {
	t.Helper()
	c := newClient(t, address)
	if line, err := c.in.ReadString('\n'); line != "welcome\n" || err != nil {
		t.Errorf("first line %q, %v", line, err)
	}
	if got := c.mustLine(t, "Tom"); got != greeting+" Tom" {
		t.Errorf("answer %q, want %q", got, greeting+" Tom")
	}
}

// A module of an author's own lives as wm's tree does, from its first app to the
// end. Its files are beside its binary.
func TestLifeOfAnOwnModule(t *testing.T) {
	t.Parallel()
	web, text := freeAddress(t), freeAddress(t)
	s := newService(t, "WM_RUN_DIR=")
	root := s.newModule(web)
	s.dir = filepath.Join(root, "bin")
	apps := filepath.Join(root, "apps")
	s.start().wantText("wm[shop] start in DAEMON mode")
	if got := mustFetch(t, web, "/?name=Tom"); got != "hello Tom\n" {
		t.Errorf("answer %q", got)
	}
	for _, name := range []string{"wm.pid", "wm.log", "wm.sock", "wm.lock"} {
		if _, err := os.Stat(s.path(name)); err != nil {
			t.Error(err)
		}
	}

	s.newApp(root, "talk", text).wantText("type next", "bin/shop reload", "telnet")
	s.run("check").wantCode(0).wantText("2 Workers")
	s.run("reload").wantCode(0)
	wantGreeting(t, text, "hello")

	before := s.snapshot()
	edit(t, apps, "talk", `"hello "`, `nonsense`)
	s.run("reload").wantCode(1).wantText("apps/talk/start.go:", "nonsense", "nothing was changed")
	s.snapshot().wantSame(t, before, "web")
	s.snapshot().wantSame(t, before, "talk")
	edit(t, apps, "talk", `nonsense`, `"salut "`)
	s.run("restart", "-d").wantCode(0)
	wantGreeting(t, text, "salut")

	remove(t, apps, "talk")
	s.run("reload").wantCode(0)
	waitFor(t, eventLimit, "the removed address is closed", func() bool { return free(text) })
	s.run("check").wantCode(0).wantText("1 Worker,")
	s.run("stop").wantCode(0)
	wantNoScratch(t, s.dir)
}

// moduleShapes are the ways in which authors arrange a module; each is a change to
// the one that wm new makes.
var moduleShapes = []struct {
	name   string
	pid    string // file of the master
	change func(s *service, root string)
}{
	{"a workspace", "wm.pid", inWorkspace},
	{"a vendor folder", "wm.pid", func(s *service, root string) {
		s.env = append(s.env, "GOFLAGS=-buildvcs=false -trimpath") // -mod=mod would not look into it
		s.goTool(root, "mod", "vendor")
		s.goTool(root, "build", "-o", "bin/shop", ".")
	}},
	{"a program below cmd", "wm.pid", func(s *service, root string) {
		s.env = append(s.env, "GOFLAGS=-buildvcs=false -trimpath")
		moveFile(s.t, filepath.Join(root, "main.go"), filepath.Join(root, "cmd", "svc", "main.go"))
		s.bin = filepath.Join(root, "bin", "svc")
		s.goTool(root, "build", "-o", "bin/svc", "./cmd/svc")
	}},
	{"a name of its own", "shop.pid", func(s *service, root string) {
		path := filepath.Join(root, "main.go")
		replaceIn(s.t, path, "cli.Main(apps.All...)",
			`cli.Program{Name: "shop", Version: "7.1", Apps: apps.All}.Main()`)
		s.goTool(root, "build", "-o", "bin/shop", ".")
	}},
	{"apps as a link", "wm.pid", func(s *service, root string) {
		moveFile(s.t, filepath.Join(root, "apps"), filepath.Join(root, "code"))
		if err := os.Symlink("code", filepath.Join(root, "apps")); err != nil {
			s.t.Fatal(err)
		}
	}},
}

// inWorkspace takes wm from a workspace instead of a replacement.
func inWorkspace(s *service, root string) {
	s.env = append(s.env, "GOFLAGS=-buildvcs=false -trimpath") // -mod=mod is refused there
	s.goTool(filepath.Dir(root), "work", "init", "./shop", built.tree)
	s.goTool(root, "mod", "edit", "-dropreplace="+modulePath, "-droprequire="+modulePath)
	s.goTool(root, "build", "-o", "bin/shop", ".")
}

func moveFile(t testing.TB, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// put writes a file and makes the folders that it needs.
func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replaceIn replaces a piece of text in a file.
func replaceIn(t testing.TB, path, from, to string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		t.Fatalf("no %q in %s", from, path)
	}
	put(t, path, strings.ReplaceAll(string(text), from, to))
}

// However a module is arranged, an app that is dropped in is served after a reload.
// The app uses an internal package of the module.
func TestShapesOfOwnModules(t *testing.T) {
	t.Parallel()
	for _, shape := range moduleShapes {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			web, text := freeAddress(t), freeAddress(t)
			s := newService(t)
			root := s.newModule(web)
			shape.change(s, root)
			s.start()
			if _, err := os.Stat(s.path(shape.pid)); err != nil {
				t.Error(err)
			}
			put(t, filepath.Join(root, "internal", "words", "words.go"),
				"// Package words is shared by the apps.\npackage words\n\nconst Greeting = \"salut \"\n")
			s.newApp(root, "talk", text)
			start := filepath.Join(root, "apps", "talk", "start.go")
			replaceIn(t, start, `"hello "`, "words.Greeting")
			replaceIn(t, start, `import "github.com/workerman-go/wm/worker"`,
				"import (\n\t\"example.org/shop/internal/words\"\n\t\"github.com/workerman-go/wm/worker\"\n)")
			s.run("reload").wantCode(0)
			wantGreeting(t, text, "salut")
			mustFetch(t, web, "/")
			s.run("stop").wantCode(0)
		})
	}
}

// wm's own tree is a module like others.
func TestNewInTheTreeOfWm(t *testing.T) {
	t.Parallel()
	web, text := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+web)
	root := filepath.Dir(s.newTree())
	s.start()
	s.newApp(root, "talk", text).wantText("type next", "bin/wm reload")
	s.run("reload").wantCode(0)
	wantGreeting(t, text, "hello")
}

// The block of README is what a newcomer types; only the port is another one here.
func TestOwnModuleOfTheReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "## Your own module\n")
	_, block, _ = strings.Cut(block, "```\n")
	block, _, found := strings.Cut(block, "```\n")
	if !found || !strings.Contains(block, "127.0.0.1:8001") {
		t.Fatalf("README has no commands for a module:\n%s", block)
	}
	address := freeAddress(t)
	s := newService(t, append(offline, "WM_RUN_DIR=")...)
	apps := s.newTree()
	home := filepath.Dir(filepath.Dir(apps))
	if err := os.Symlink("src", filepath.Join(home, "wm")); err != nil {
		t.Fatal(err)
	}
	s.bin, s.ports = "/bin/sh", append(s.ports, address)
	s.cwd = filepath.Join(home, "wm")
	s.run("-exc", strings.ReplaceAll(block, "127.0.0.1:8001", address)).wantCode(0).
		wantText("hello Tom", "apps/talk", "stop success")
	s.bin = filepath.Join(home, "shop", "bin", "shop")
}
