package supervisor

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// generation is one executable and what its probe declared. Every process of
// a generation is executed through file, so neither a new build nor a removed
// binary changes what a respawn runs.
type generation struct {
	number   int
	path     string // as called, for messages and renaming
	root     string // of the apps' source folders
	file     *os.File
	digest   [sha256.Size]byte
	changed  time.Time // when the file was written or got its name
	version  string    // wm version of the binary, from the probe
	program  string    // the program's own version, the same
	specs    []ipc.Spec
	settings ipc.Settings
}

// openGeneration opens the executable at path. Its number is given when the
// reload that brings it begins.
func openGeneration(path string) (*generation, error) {
	file, err := openHigh(path)
	if err != nil {
		return nil, err
	}
	return generationOf(path, file)
}

// generationOf reads the executable; file is closed when that fails.
func generationOf(path string, file *os.File) (*generation, error) {
	g := &generation{path: path, root: appsRoot(path), file: file}
	sum := sha256.New()
	info, err := file.Stat()
	if err == nil {
		_, err = io.Copy(sum, io.NewSectionReader(file, 0, math.MaxInt64))
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("read executable %s: %w", path, err)
	}
	sum.Sum(g.digest[:0])
	changed := info.Sys().(*syscall.Stat_t).Ctim
	g.changed = time.Unix(changed.Unix())
	return g, nil
}

// again is the same executable for another generation.
func (g *generation) again() (*generation, error) {
	fd, err := unix.FcntlInt(g.file.Fd(), unix.F_DUPFD_CLOEXEC, firstHigh)
	if err != nil {
		return nil, fmt.Errorf("open executable: %w", err)
	}
	return &generation{
		path: g.path, root: g.root, digest: g.digest, changed: g.changed,
		file: os.NewFile(uintptr(fd), g.path),
	}, nil
}

// firstHigh is above every descriptor that a started process is given: those
// take their places before the exec, and would take the executable's.
const firstHigh = 16

// errNoFile is returned for an executable that is no file: the opening of a pipe
// or the reading of a device might never end.
var errNoFile = errors.New("not a regular file")

func openHigh(path string) (*os.File, error) {
	low, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err // says what was opened
	}
	defer low.Close()
	if info, err := low.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, &os.PathError{Op: "open", Path: path, Err: errNoFile})
	}
	high, err := unix.FcntlInt(low.Fd(), unix.F_DUPFD_CLOEXEC, firstHigh)
	if err != nil {
		return nil, fmt.Errorf("open executable: %w", &os.PathError{Op: "open", Path: path, Err: err})
	}
	return os.NewFile(uintptr(high), path), nil
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

// appsRoot is the module that a binary stands in, or else its own folder: a
// binary that was taken elsewhere may have taken apps/NAME along.
func appsRoot(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return filepath.Dir(path)
		}
	}
}

func (g *generation) close() { g.file.Close() }
