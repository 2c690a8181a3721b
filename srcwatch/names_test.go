package srcwatch

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestWhatCountsByItsName(t *testing.T) {
	for name, want := range map[string]bool{
		"start.go": true, "go.mod": true, "go.sum": true, "asm_amd64.s": true,
		"start_test.go": false, "_start.go": false, ".start.go": false, ".#start.go": false,
		"#start.go#": false, "start.go~": false, ".start.go.swp": false, "start.go.tmp": false,
		"4913": false, "index.html": false, "wm.log": false,
	} {
		if got := counts(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestFoldersThatAreLeftOut(t *testing.T) {
	for path, want := range map[string]bool{
		".git": true, "apps/.idea": true, "apps/_old": true, "web/node_modules": true,
		"apps/chat/testdata": true, "bin": true, "cmd/bin": false, "apps": false, "vendor": false,
	} {
		if got := leftOut(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestEmbedPatterns(t *testing.T) {
	source := "package p\n\n//go:embed a.txt pages/*.html\n" +
		"\t//go:embed \"with space\" `back tick` all:b\n" +
		"// go:embed no\n//go:embedno\n//go:embed \"half\n"
	want := []string{"a.txt", "pages/*.html", "with space", "back tick", "b", "\"half"}
	if got := embedPatterns([]byte(source)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestEmbedded(t *testing.T) {
	s := &state{patterns: map[string][]string{
		".": {"banner.txt"}, "apps/web": {"pages", "*.css", "deep/*.js", "["},
	}}
	for path, want := range map[string]bool{
		"banner.txt": true, "sub/banner.txt": false,
		"apps/web/pages/a/b.html": true, "apps/web/x.css": true, "apps/web/deep/x.js": true,
		"apps/web/deep/er/x.js": false, "apps/web/x.html": false, "apps/chat/x.css": false,
	} {
		if got := s.embedded(path); got != want {
			t.Errorf("%s: %v", filepath.FromSlash(path), got)
		}
	}
}

func TestSilentMounts(t *testing.T) {
	if got := silentMount("/proc"); got != "" {
		t.Errorf("proc: %s", got)
	}
	if got := silentMount("/nowhere/to/be/found"); got != "" {
		t.Errorf("what is not there: %s", got)
	}
	if got := silentMounts[0x6969]; got != "NFS" { // statfs(2)
		t.Errorf("NFS is %q", got)
	}
}
