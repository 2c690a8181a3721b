package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// libraryMain is a program that embeds wm: declare, then run all.
const libraryMain = `// Library is somebody's own program.
package main

import (
	"os"

	"github.com/workerman-go/wm/cli"
	"github.com/workerman-go/wm/worker"
)

func main() {
	w := worker.New("text://" + os.Getenv("E2E_LIBRARY"))
	w.Name = "library"
	w.Count = 2
	w.OnMessage = func(c *worker.Connection, data []byte) { c.WriteString("library " + string(data)) }
	cli.Main()
}
`

// libraryModule makes a module of its own that takes wm from the built tree.
func libraryModule(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	text, err := os.ReadFile(filepath.Join(built.tree, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod := strings.Replace(string(text), "module "+modulePath, "module example.org/library", 1)
	mod += "\nrequire " + modulePath + " v0.0.0\n\nreplace " + modulePath + " => " + built.tree + "\n"
	write(t, filepath.Join(dir, "go.mod"), mod)
	if err := copyFile(filepath.Join(built.tree, "go.sum"), filepath.Join(dir, "go.sum")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "main.go"), libraryMain)
	return dir
}

// A program may declare its Workers itself and then call cli.Main; it has all
// commands.
func TestLibraryMode(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	dir := libraryModule(t)
	s := newService(t, "E2E_LIBRARY="+address)
	s.bin = filepath.Join(dir, "bin", "library")
	if err := goBuild(dir, s.bin, ""); err != nil {
		t.Fatal(err)
	}
	s.start()
	if got := newClient(t, address).mustLine(t, "x"); got != "library x" {
		t.Errorf("answer %q", got)
	}
	s.snapshot().wantWhole(t, "library", 2)
	s.run("reload").wantCode(0)
	s.waitWhole("library", 2)
	s.run("stop").wantCode(0)
}

// Its source tree is built in like the repository itself.
func TestLibraryModeIsRebuilt(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	dir := libraryModule(t)
	s := newService(t, "E2E_LIBRARY="+address)
	s.bin = filepath.Join(dir, "bin", "library")
	if err := goBuild(dir, s.bin, ""); err != nil {
		t.Fatal(err)
	}
	s.start()
	text := strings.Replace(libraryMain, `"library " +`, `"second " +`, 1)
	write(t, filepath.Join(dir, "main.go"), text)
	s.run("reload").wantCode(0)
	wantEdition(t, address, "second")
}
