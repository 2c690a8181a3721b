package supervisor

import (
	"errors"
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
