package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// offline is the environment of commands that build in an author's module: what is
// not in the module cache must not be fetched by a test.
var offline = []string{"GOPROXY=off", "GOFLAGS=-mod=mod -buildvcs=false", "CGO_ENABLED=0"}

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
	s.goTool(root, "test", "./...")
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
	change func(s *service, root string)
}{
	{"a workspace", inWorkspace},
	{"a vendor folder", func(s *service, root string) {
		s.env = append(s.env, "GOFLAGS=-buildvcs=false") // -mod=mod would not look into it
		s.goTool(root, "mod", "vendor")
		s.goTool(root, "build", "-o", "bin/shop", ".")
	}},
	{"a program below cmd", func(s *service, root string) {
		s.env = append(s.env, "GOFLAGS=-buildvcs=false")
		moveFile(s.t, filepath.Join(root, "main.go"), filepath.Join(root, "cmd", "svc", "main.go"))
		s.bin = filepath.Join(root, "bin", "svc")
		s.goTool(root, "build", "-o", "bin/svc", "./cmd/svc")
	}},
	{"a name of its own", func(s *service, root string) {
		path := filepath.Join(root, "main.go")
		replaceIn(s.t, path, "cli.Main(apps.All...)",
			`cli.Program{Name: "shop", Version: "7.1", Apps: apps.All}.Main()`)
		s.goTool(root, "build", "-o", "bin/shop", ".")
	}},
	{"apps as a link", func(s *service, root string) {
		moveFile(s.t, filepath.Join(root, "apps"), filepath.Join(root, "code"))
		if err := os.Symlink("code", filepath.Join(root, "apps")); err != nil {
			s.t.Fatal(err)
		}
	}},
}

// inWorkspace takes wm from a workspace instead of a replacement.
func inWorkspace(s *service, root string) {
	s.env = append(s.env, "GOFLAGS=-buildvcs=false") // -mod=mod is refused there
	s.goTool(filepath.Dir(root), "work", "init", "./shop", built.tree)
	s.goTool(root, "mod", "edit", "-dropreplace="+modulePath)
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
		"apps/bad/start.go": "package bad\n\nimport _ \"example.org/shop/apps/evil\"\n\nfunc Start() {}\n",
		"apps/evil/start.go": "package evil\n\nimport _ \"example.org/shop/apps/bad\"\n\n" +
			"func Start() {}\n",
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

// requestRate is the load, in requests per second, under which an app is dropped in.
const requestRate = 1_000

// rated asks an address requestRate times a second, over kept and over new
// connections, until the returned function is called.
func rated(t *testing.T, address string) (all *load, stop func()) {
	t.Helper()
	const clients = 10
	all = &load{}
	began := time.Now()
	for n := range clients {
		all.group.Go(func() {
			tick := time.NewTicker(clients * time.Second / requestRate)
			defer tick.Stop()
			var c *client
			for !all.stopped.Load() {
				<-tick.C
				var err error
				c, err = askKeptAlive(c, address)
				all.count(err)
				if c != nil && n%5 == 0 { // a fifth of them are new clients
					c.conn.Close()
					c = nil
				}
			}
			if c != nil {
				c.conn.Close()
			}
		})
	}
	return all, func() {
		t.Helper()
		all.stop()
		took := time.Since(began)
		t.Logf("%d requests in %v, %.0f a second: %s", all.success.Load(),
			took.Round(time.Millisecond), float64(all.success.Load())/took.Seconds(), all)
		if all.bad() != 0 || all.success.Load() == 0 {
			t.Errorf("clients saw: %s", all)
		}
	}
}

// An app that is dropped into a loaded service is live after one reload, and no
// request of the others fails.
func TestDropIntoALoadedModule(t *testing.T) {
	web, text := freeAddress(t), freeAddress(t)
	s := newService(t)
	root := s.newModule(web)
	s.start()
	all, stop := rated(t, web)
	waitFor(t, eventLimit, "a second of load", func() bool { return all.success.Load() >= requestRate })

	s.newApp(root, "talk", text)
	dropped := time.Now()
	reload := s.begin(nil, "reload")
	waitFor(t, commandLimit, "the new app answers", func() bool {
		c, err := dialClient(text, replyLimit)
		if err != nil {
			return false
		}
		defer c.conn.Close()
		line, err := c.line("Tom", replyLimit)
		return err == nil && line == "welcome"
	})
	live := time.Since(dropped)
	s.wait(reload).wantCode(0)
	wantGreeting(t, text, "hello")

	edit(t, filepath.Join(root, "apps"), "talk", `"hello "`, `"salut "`)
	check := s.run("check").wantCode(0)
	seen := all.success.Load()
	waitFor(t, eventLimit, "another second of load", func() bool {
		return all.success.Load() >= seen+requestRate
	})
	stop()
	t.Logf("live %v after it was dropped in, build included; a check, which builds and probes "+
		"only, took %v", live.Round(time.Millisecond), check.took.Round(time.Millisecond))
}
