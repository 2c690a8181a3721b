package supervisor

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Neither a pipe that nobody writes nor a device without an end makes the
// master wait.
func TestExecutableMustBeAFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, dir, "/dev/zero"} {
		if g, err := openGeneration(path); !errors.Is(err, errNoFile) {
			t.Errorf("%s: %v, %v", path, g, err)
		}
	}
}

// A binary that is installed where none is belongs to whom the folder belongs.
func TestInstallWhereNoBinaryIs(t *testing.T) {
	dir := t.TempDir()
	from, as := filepath.Join(dir, "new"), filepath.Join(dir, "wm")
	if err := os.WriteFile(from, []byte("binary"), 0o755); err != nil {
		t.Fatal(err)
	}
	g, err := openGeneration(from)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	path, err := g.copyBeside(as)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
}
