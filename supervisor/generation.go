package supervisor

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// generation is one executable and what its probe declared. Every process of
// a generation is executed through file, so neither a new build nor a removed
// binary changes what a respawn runs.
type generation struct {
	number   int
	path     string // as called, for messages and renaming
	file     *os.File
	digest   [sha256.Size]byte
	version  string // wm version of the binary, from the probe
	specs    []ipc.Spec
	settings ipc.Settings
}

// openGeneration opens the executable at path. Its number is given when the
// reload that brings it begins.
func openGeneration(path string) (*generation, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open executable: %w", err)
	}
	g := &generation{path: path, file: file}
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		file.Close()
		return nil, fmt.Errorf("read executable %s: %w", path, err)
	}
	sum.Sum(g.digest[:0])
	return g, nil
}

// execPath is the name under which the started process finds the executable:
// the descriptor itself, which still names it after deletion.
func (g *generation) execPath() string {
	return fmt.Sprintf("/proc/self/fd/%d", g.file.Fd())
}

// sameFile tells whether path still is the file of this generation.
func (g *generation) sameFile(path string) bool {
	mine, err := g.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(mine, there)
}

// install renames the binary of a successful reload to its final name, unless
// another build has taken its place meanwhile.
func (g *generation) install(as string) error {
	if !g.sameFile(g.path) {
		return fmt.Errorf("install %s: %s was replaced meanwhile", as, g.path)
	}
	if err := unix.Rename(g.path, as); err != nil {
		return fmt.Errorf("install %s: %w", as, err)
	}
	g.path = as
	return nil
}

func (g *generation) close() { g.file.Close() }
