package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shopFiles are a whole module with one app; it stands for wm's own, so that
// it needs nothing from outside.
func shopFiles() map[string]string {
	return map[string]string{
		"go.mod": "module github.com/workerman-go/wm\n\ngo 1.26\n",
		"worker/worker.go": "package worker\n\n" +
			"type App struct {\n\tName, Dir string\n\tStart func()\n}\n",
		"apps/hello/start.go": "package hello\n\nfunc Start() {}\n",
		"main.go": "package main\n\nimport \"github.com/workerman-go/wm/apps\"\n\n" +
			"func main() {\n\tfor _, a := range apps.All {\n\t\tprintln(a.Name)\n\t}\n}\n",
		"bin/wm": "\x7fELF, but not built yet",
	}
}

func openShop(t *testing.T, files map[string]string) *workshop {
	t.Helper()
	root := makeTree(t, files)
	tree, err := findTree(filepath.Join(root, "bin/wm"),
		buildInfo("github.com/workerman-go/wm", "github.com/workerman-go/wm"), os.Geteuid())
	if err != nil || tree == nil {
		t.Fatalf("findTree: %v, %v", tree, err)
	}
	shop, err := tree.enter(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.leave)
	return shop
}

func TestBuildTakesInTheAppsThatAreThere(t *testing.T) {
	shop := openShop(t, shopFiles())
	var out bytes.Buffer
	if err := shop.build(context.Background(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	text, err := exec.Command(shop.next()).CombinedOutput()
	if err != nil || strings.TrimSpace(string(text)) != "hello" {
		t.Errorf("the new binary printed %q, %v", text, err)
	}
	if got, _ := os.ReadFile(shop.target); string(got) != "\x7fELF, but not built yet" {
		t.Error("build touched the binary itself")
	}
	if err := shop.install(); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.Command(shop.target).CombinedOutput(); err != nil {
		t.Errorf("after install: %v", err)
	}
	if _, err := os.Stat(shop.next()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after install: %v", err)
	}
}

func TestCompileErrorsAreShown(t *testing.T) {
	files := shopFiles()
	files["apps/hello/start.go"] = "package hello\n\nfunc Start() { nonsense() }\n"
	shop := openShop(t, files)
	var out bytes.Buffer
	if err := shop.build(context.Background(), &out); !errors.Is(err, errBuild) {
		t.Errorf("got %v, want %v", err, errBuild)
	}
	if !strings.Contains(out.String(), "start.go:3") || !strings.Contains(out.String(), "nonsense") {
		t.Errorf("shown:\n%s", &out)
	}
}

func TestAppsThatCannotBeListedStopTheBuild(t *testing.T) {
	files := shopFiles()
	files["apps/hello/start.go"] = "package hello\n\nfunc Start(n int) {}\n"
	shop := openShop(t, files)
	var out bytes.Buffer
	if err := shop.build(context.Background(), &out); !errors.Is(err, errBuild) {
		t.Errorf("got %v, want %v", err, errBuild)
	}
	if !strings.Contains(out.String(), "apps/hello/start.go:3") {
		t.Errorf("shown:\n%s", &out)
	}
}

func TestOneBuildAtATime(t *testing.T) {
	first := openShop(t, shopFiles())
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := first.sourceTree.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a second build entered: %v", err)
	}
	entered := make(chan error, 1)
	go func() { // ends when the first has left
		second, err := first.sourceTree.enter(context.Background())
		if err == nil {
			second.leave()
		}
		entered <- err
	}()
	first.leave()
	first.lock = -1
	select {
	case err := <-entered:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(eventLimit):
		t.Error("the second build never entered")
	}
}

func TestInterruptedBuildIsNotACompileError(t *testing.T) {
	shop := openShop(t, shopFiles())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := shop.build(ctx, new(bytes.Buffer)); err == nil || errors.Is(err, errBuild) {
		t.Errorf("got %v", err)
	}
}

// Root works in a user's tree with that user's rights only.
func TestAsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to be somebody else")
	}
	const nobody = 65534
	root := t.TempDir()
	theirs, mine := filepath.Join(root, "theirs"), filepath.Join(root, "mine")
	for _, dir := range []string{root, filepath.Dir(root), theirs, mine} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(theirs, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	tree := &sourceTree{root: theirs, owner: nobody}
	write := func(dir string) error {
		return tree.asOwner(func() error {
			return os.WriteFile(filepath.Join(dir, "file"), nil, 0o644)
		})
	}
	if err := write(theirs); err != nil {
		t.Error(err)
	}
	if got := ownerOf(filepath.Join(theirs, "file")); got != nobody {
		t.Errorf("the file belongs to %d", got)
	}
	if err := write(mine); !errors.Is(err, os.ErrPermission) {
		t.Errorf("wrote into root's folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(mine, "file"), nil, 0o644); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
