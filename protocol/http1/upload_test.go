package http1

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// upload is a file of a request that waits for its answer.
func upload(t testing.TB) (*conn, *Upload) {
	t.Helper()
	c := newConn()
	var u *Upload
	err := c.receive(func(r *Request) { u = r.File("f") },
		[]byte(post(formType, file("f", "f", "hello")+endOfForm)))
	if err != nil || u == nil || u.Err != nil {
		t.Fatal(u, err)
	}
	return c, u
}

func TestMoveKeepsTheFile(t *testing.T) {
	dir := uploadsTo(t)
	c, u := upload(t)
	info, err := os.Stat(u.TmpName)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := u.Move(filepath.Join(dir, "none", "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("moved to a folder that is missing: %v", err)
	}
	for _, name := range []string{"first", "second"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := u.Move(path); err != nil || u.TmpName != path || content(t, u) != "hello" {
			t.Errorf("moved to %s: %v, %+v", path, err, u)
		}
	}
	answerAll(t, c)
	if got := files(t, dir); !slices.Equal(got, []string{"second"}) {
		t.Errorf("files %q", got)
	}
}

func TestMoveToAnotherFileSystem(t *testing.T) {
	dir := uploadsTo(t)
	other, err := os.MkdirTemp("/dev/shm", "wm-test-*")
	if err != nil {
		t.Skip(err)
	}
	defer os.RemoveAll(other)
	c, u := upload(t)
	if err := os.Rename(u.TmpName, filepath.Join(other, "x")); !errors.Is(err, syscall.EXDEV) {
		t.Skip("one file system")
	}
	if err := u.Move(filepath.Join(other, "none", "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("moved to a folder that is missing: %v", err)
	}
	if err := os.Mkdir(filepath.Join(other, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := u.Move(filepath.Join(other, "folder")); err == nil {
		t.Error("moved over a folder")
	}
	if err := u.Move(filepath.Join(other, "x")); err != nil || content(t, u) != "hello" {
		t.Errorf("moved: %v", err)
	}
	answerAll(t, c)
	if got := files(t, other); !slices.Equal(got, []string{"folder", "x"}) || files(t, dir) != nil {
		t.Errorf("files %q and %q", got, files(t, dir))
	}
}
