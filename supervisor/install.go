package supervisor

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// staged is a copy of a binary beside the name that it is to take. What is
// written needs space and rights; the renaming that is left needs none, so it is
// done when there is no way back any more.
type staged struct {
	path string   // empty: whatever has the name has this content already
	file *os.File // keeps path locked, also over an exec; see removeLeftovers
}

// stage copies the executable for the name. Any goroutine may call it; it takes as
// long as the disk does.
func (g *generation) stage(as string) (*staged, error) {
	removeLeftovers(as)
	if g.isContentOf(as) {
		return &staged{}, nil
	}
	return g.copyBeside(as)
}

// stageSynced is stage that also waits until the copy is on the disk. Some file
// systems find out no earlier that they have no room.
func (g *generation) stageSynced(as string) (*staged, error) {
	st, err := g.stage(as)
	if err != nil || st.path == "" {
		return st, err
	}
	if err := st.file.Sync(); err != nil {
		st.discard()
		return nil, err
	}
	return st, nil
}

// install gives the copy its name. Whatever comes of it, st is used up.
func (st *staged) install(as string) error {
	if st.path == "" {
		return nil
	}
	defer st.close()
	err := os.Rename(st.path, as)
	if err != nil {
		os.Remove(st.path)
	}
	return err
}

// discard removes a copy that is not to have the name.
func (st *staged) discard() {
	if st != nil && st.path != "" {
		os.Remove(st.path)
		st.close()
	}
}

// close gives the lock back.
func (st *staged) close() {
	if st != nil && st.file != nil {
		st.file.Close()
	}
}

// isContentOf tells whether the file of that name needs no copy.
func (g *generation) isContentOf(as string) bool {
	if info, err := os.Lstat(as); err != nil || !info.Mode().IsRegular() {
		return false
	}
	there, err := openGeneration(as)
	if err != nil {
		return false
	}
	defer there.close()
	return there.digest == g.digest
}

// copyBeside writes the executable to a file beside as that belongs to the
// same user. Where as is missing, its folder says whose it is.
func (g *generation) copyBeside(as string) (*staged, error) {
	mode := os.FileMode(0o755)
	old, err := os.Stat(as)
	if errors.Is(err, os.ErrNotExist) {
		old, err = os.Stat(filepath.Dir(as))
	} else if err == nil {
		mode = old.Mode()
	}
	if err != nil {
		return nil, err
	}
	to, st, err := createLocked(as)
	if err != nil {
		return nil, err
	}
	owner := old.Sys().(*syscall.Stat_t)
	_, err = io.Copy(to, io.NewSectionReader(g.file, 0, math.MaxInt64))
	err = errors.Join(err, to.Chmod(mode), to.Chown(int(owner.Uid), int(owner.Gid)), to.Close())
	if err != nil {
		st.discard()
		return nil, err
	}
	return st, nil
}

// copyMark is between the name that a copy is to take and the digits that make
// its own name unique.
const copyMark = ".install"

// createLocked makes an empty file for a copy. It is locked by a descriptor that
// cannot write: while one that can is open nobody could execute the file.
func createLocked(as string) (to *os.File, st *staged, err error) {
	const tries = 10 // each time somebody must come between two calls
	for range tries {
		to, err = os.CreateTemp(filepath.Dir(as), "."+filepath.Base(as)+copyMark+"*")
		if err != nil {
			return nil, nil, err
		}
		var file *os.File
		if file, err = lockFile(to.Name()); err == nil {
			return to, &staged{path: to.Name(), file: file}, nil
		}
		to.Close()
		os.Remove(to.Name())
	}
	return nil, nil, err
}

// lockFile opens and locks the file that has this name, and still has it then.
func lockFile(path string) (*os.File, error) {
	file, err := openHigh(path)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil && !(&generation{file: file}).sameFile(path) {
		err = unix.ENOENT
	}
	if err != nil {
		file.Close()
		return nil, &os.PathError{Op: "lock", Path: path, Err: err}
	}
	return file, nil
}

// removeLeftovers removes the copies for a name which a master has left that was
// killed, or was stopped while it copied. Those that another one is about to install are locked. What cannot be
// looked at stays: the copy that is to be made will tell.
func removeLeftovers(as string) {
	entries, err := os.ReadDir(filepath.Dir(as))
	if err != nil {
		return
	}
	for _, e := range entries {
		digits, found := strings.CutPrefix(e.Name(), "."+filepath.Base(as)+copyMark)
		if !found || strings.Trim(digits, "0123456789") != "" || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(filepath.Dir(as), e.Name())
		if file, err := lockFile(path); err == nil {
			os.Remove(path)
			file.Close()
		}
	}
}

// install gives the binary of a reload that is live its final name. It is done on
// the loop, because whoever looks for the name after this reload must find it: a
// rename, but when another build has taken its place meanwhile. Then what was read
// before is copied, to the memory of the kernel.
func (g *generation) install(as string) error {
	if g.sameFile(g.path) {
		if err := os.Rename(g.path, as); err != nil {
			return err
		}
	} else if st, err := g.stage(as); err != nil {
		return err
	} else if err := st.install(as); err != nil {
		return err
	}
	g.path = as
	return nil
}

// binaryOf is where the binary of a service stands that is called by this path.
func binaryOf(path string) string {
	if behind, err := filepath.EvalSymlinks(path); err == nil {
		return behind
	}
	return path
}
