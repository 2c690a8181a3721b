package supervisor

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// newBinary is an executable that says text.
func newBinary(t *testing.T, path, text string) *generation {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o755))
	g, err := openGeneration(path)
	must(t, err)
	t.Cleanup(g.close)
	return g
}

// wantFiles reports what else than these is in a folder.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// A binary that is installed where none is belongs to whom the folder belongs.
func TestInstallWhereNoBinaryIs(t *testing.T) {
	dir := t.TempDir()
	as := filepath.Join(dir, "wm")
	st, err := newBinary(t, filepath.Join(t.TempDir(), "new"), "new").stage(as)
	must(t, err)
	must(t, st.install(as))
	info, err := os.Stat(as)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	wantFiles(t, dir, "wm")
}

// Where the content is there already no file is made, not even for a moment: the
// folder may be one that nobody may write to.
func TestInstallOfWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	as := filepath.Join(dir, "wm")
	there := newBinary(t, as, "same")
	must(t, os.Chmod(dir, 0o555))
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	st, err := newBinary(t, filepath.Join(t.TempDir(), "new"), "same").stageSynced(as)
	must(t, err)
	must(t, st.install(as))
	if !there.sameFile(as) {
		t.Error("the file is another one")
	}
	wantFiles(t, dir, "wm")
}

// What a killed master has left goes; what another one holds, and what only looks
// like it, stays.
func TestLeftoversAreRemoved(t *testing.T) {
	dir := t.TempDir()
	as := filepath.Join(dir, "wm")
	g := newBinary(t, filepath.Join(t.TempDir(), "new"), "new")
	held, err := g.copyBeside(as)
	must(t, err)
	other, err := g.copyBeside(filepath.Join(dir, "shop"))
	must(t, err)
	left, err := g.copyBeside(as)
	must(t, err)
	left.close()
	stays := []string{filepath.Base(held.path), filepath.Base(other.path), ".wm.install12.seed"}
	must(t, os.WriteFile(filepath.Join(dir, stays[2]), nil, 0o644))
	must(t, os.Symlink(as, filepath.Join(dir, ".wm.install7")))
	must(t, os.Mkdir(filepath.Join(dir, ".wm.install8"), 0o755))
	stays = append(stays, ".wm.install7", ".wm.install8")
	removeLeftovers(as)
	slices.Sort(stays)
	wantFiles(t, dir, stays...)
	other.discard()
	must(t, held.install(as))
	if got, err := os.ReadFile(as); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
}

// A copy that cannot be renamed does not stay.
func TestInstallWhereAFolderIs(t *testing.T) {
	dir := t.TempDir()
	as := filepath.Join(dir, "wm")
	must(t, os.Mkdir(as, 0o755))
	st, err := newBinary(t, filepath.Join(t.TempDir(), "new"), "new").stage(as)
	must(t, err)
	if err := st.install(as); !errors.Is(err, os.ErrExist) {
		t.Errorf("renamed to a folder: %v", err)
	}
	wantFiles(t, dir, "wm")
}

// A link gives its place to the binary, and where it led nothing changes.
func TestInstallInPlaceOfALink(t *testing.T) {
	dir, target := t.TempDir(), filepath.Join(t.TempDir(), "old")
	old := newBinary(t, target, "same")
	as := filepath.Join(dir, "wm")
	must(t, os.Symlink(target, as))
	st, err := newBinary(t, filepath.Join(t.TempDir(), "new"), "same").stage(as)
	must(t, err)
	must(t, st.install(as))
	if info, err := os.Lstat(as); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
	if !old.sameFile(target) {
		t.Error("the file behind the link is another one")
	}
}
