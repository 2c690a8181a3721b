package upload

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/examples/servicetest"
)

func TestSavesUnderTheLastElementOfTheName(t *testing.T) {
	long := strings.Repeat("x", maxNameBytes)
	for _, tt := range []struct{ name, want string }{
		{"logo.png", "logo.png"},
		{"a b.txt", "a b.txt"},
		{"文件.txt", "文件.txt"},
		{"../../../../etc/passwd", "passwd"},
		{"/etc/shadow", "shadow"},
		{`C:\Windows\system.ini`, "system.ini"},
		{`..\..\boot.ini`, "boot.ini"},
		{"a/../../b", "b"},
		{"-rf", "-rf"},
		{long, long},
		{"", ""},
		{".", ""},
		{"..", ""},
		{"folder/", ""},
		{"folder/..", ""},
		{".bashrc", ""},
		{"../.ssh/.rc", ""},
		{"a\x00b", ""},
		{"a/b\x00", ""},
		{"a\nupload success", ""},
		{"\x1b[2J", ""},
		{"\xff\xfe", ""},
		{long + "x", ""},
	} {
		folder := t.TempDir()
		path, err := Save(folder, File{Name: tt.name, Data: []byte("content")})
		if tt.want == "" {
			if !errors.Is(err, errName) {
				t.Errorf("%q: %q, %v, want errName", tt.name, path, err)
			}
			servicetest.WantFiles(t, folder)
			continue
		}
		if err != nil || path != filepath.Join(folder, tt.want) {
			t.Errorf("%q: saved as %q, %v, want %q", tt.name, path, err, tt.want)
			continue
		}
		wantContent(t, path, "content")
		servicetest.WantFiles(t, folder, tt.want)
	}
}

func TestOverwritesNothing(t *testing.T) {
	folder := t.TempDir()
	for _, want := range []string{"logo.png", "logo-2.png", "logo-3.png"} {
		path, err := Save(folder, File{Name: "logo.png", Data: []byte(want)})
		if err != nil || path != filepath.Join(folder, want) {
			t.Errorf("saved as %q, %v, want %q", path, err, want)
		}
	}
	wantContent(t, filepath.Join(folder, "logo.png"), "logo.png")
	servicetest.WantFiles(t, folder, "logo-2.png", "logo-3.png", "logo.png")
}

func TestFollowsNoLink(t *testing.T) {
	outside, folder := t.TempDir(), t.TempDir()
	target := filepath.Join(outside, "target")
	for _, name := range []string{"nowhere", "existing"} {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
		path, err := Save(folder, File{Name: name, Data: []byte("content")})
		if err != nil || path != filepath.Join(folder, name+"-2") {
			t.Errorf("saved as %q, %v", path, err)
		}
		if name == "nowhere" {
			servicetest.WantFiles(t, outside)
		}
		if err := os.WriteFile(target, []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantContent(t, target, "kept")
}

func TestGivesUpOnTooManyOfAName(t *testing.T) {
	folder := t.TempDir()
	for range maxTwins - 1 {
		if _, err := Save(folder, File{Name: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	if path, err := Save(folder, File{Name: "a"}); !errors.Is(err, errFull) {
		t.Errorf("saved as %q, %v, want errFull", path, err)
	}
}

func TestSaysWhenTheFolderIsNotThere(t *testing.T) {
	path, err := Save(filepath.Join(t.TempDir(), "none"), File{Name: "a"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("saved as %q, %v, want ErrNotExist", path, err)
	}
}

func FuzzSavesInsideTheFolder(f *testing.F) {
	f.Add("../../etc/passwd")
	f.Add("logo.png")
	f.Fuzz(func(t *testing.T, name string) {
		folder := t.TempDir()
		path, err := Save(folder, File{Name: name})
		if err == nil && filepath.Dir(path) != folder {
			t.Errorf("%q was saved as %q", name, path)
		}
		if err != nil && !errors.Is(err, errName) {
			t.Errorf("%q: %v", name, err)
		}
	})
}

func wantContent(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s has %q, %v, want %q", path, got, err, want)
	}
}
