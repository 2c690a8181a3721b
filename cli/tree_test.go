package cli

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// buildInfo is that of a binary of the module.
func buildInfo(pkg, module string, settings ...debug.BuildSetting) *debug.BuildInfo {
	return &debug.BuildInfo{Path: pkg, Main: debug.Module{Path: module}, Settings: settings}
}

// makeTree makes files below a new folder; content by path.
func makeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "tree")
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFindTree(t *testing.T) {
	root := makeTree(t, map[string]string{
		"go.mod":             "// a comment\nmodule  \"example.org/shop\" // the shop\n\ngo 1.26\n",
		"bin/wm":             "",
		"cmd/shop/bin/wm":    "",
		"other/go.mod":       "module example.org/other\n",
		"other/bin/wm":       "",
		"other/bin/deep/x/y": "",
	})
	for _, c := range []struct {
		name, target, pkg, module, root string
	}{
		{"at the root", "bin/wm", "example.org/shop", "example.org/shop", "."},
		{"main package below", "bin/wm", "example.org/shop/cmd/shop", "example.org/shop", "."},
		{"deeper", "cmd/shop/bin/wm", "example.org/shop", "example.org/shop", "."},
		{"another module's binary", "bin/wm", "example.org/wm", "example.org/wm", ""},
		{"the nearest module decides", "other/bin/wm", "example.org/shop", "example.org/shop", ""},
		{"built from files", "bin/wm", "command-line-arguments", "example.org/shop", ""},
		{"a path that only begins alike", "bin/wm", "example.org/shopping", "example.org/shop", ""},
		{"no build information", "bin/wm", "", "", ""},
	} {
		got, err := findTree(filepath.Join(root, c.target), buildInfo(c.pkg, c.module), os.Geteuid())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if (got != nil) != (c.root != "") {
			t.Errorf("%s: found %+v", c.name, got)
			continue
		}
		if got != nil && (got.root != filepath.Join(root, c.root) || got.pkg != c.pkg) {
			t.Errorf("%s: root %s, package %s", c.name, got.root, got.pkg)
		}
	}
}

// Standing in a source tree does not make the binary a part of it.
func TestWorkingDirectoryIsNoTree(t *testing.T) {
	root := makeTree(t, map[string]string{"go.mod": "module example.org/shop\n"})
	t.Chdir(root)
	target := filepath.Join(t.TempDir(), "wm")
	got, err := findTree(target, buildInfo("example.org/shop", "example.org/shop"), os.Geteuid())
	if got != nil || err != nil {
		t.Errorf("found %+v, %v", got, err)
	}
}

func TestTreeOfOthersIsNotTrusted(t *testing.T) {
	info := buildInfo("example.org/shop", "example.org/shop")
	for _, open := range []string{".", "go.mod", "bin"} {
		root := makeTree(t, map[string]string{"go.mod": "module example.org/shop\n", "bin/wm": ""})
		if err := os.Chmod(filepath.Join(root, open), 0o777); err != nil {
			t.Fatal(err)
		}
		_, err := findTree(filepath.Join(root, "bin/wm"), info, os.Geteuid())
		var foreign *untrusted
		if !errors.As(err, &foreign) {
			t.Errorf("%s is open to everybody: %v", open, err)
		}
	}
}

func TestTreeMustBelongToTheUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give files away")
	}
	const nobody = 65534
	root := makeTree(t, map[string]string{"go.mod": "module example.org/shop\n", "bin/wm": ""})
	for _, name := range []string{".", "go.mod", "bin"} {
		if err := os.Chown(filepath.Join(root, name), nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	target := filepath.Join(root, "bin/wm")
	info := buildInfo("example.org/shop", "example.org/shop")
	var foreign *untrusted
	if _, err := findTree(target, info, 0); !errors.As(err, &foreign) {
		t.Errorf("a tree of nobody: %v", err)
	}
	got, err := findTree(target, info, 0, nobody) // the master runs as nobody
	if err != nil || got == nil || got.owner != nobody {
		t.Errorf("a tree of the master's user: %+v, %v", got, err)
	}
}

func TestBuildRepeatsTheChoicesOfTheRunningBinary(t *testing.T) {
	info := buildInfo("p", "p",
		debug.BuildSetting{Key: "-race", Value: "true"},
		debug.BuildSetting{Key: "-ldflags", Value: "-X p.q=a b"},
		debug.BuildSetting{Key: "-compiler", Value: "gc"},
		debug.BuildSetting{Key: "CGO_ENABLED", Value: "0"},
		debug.BuildSetting{Key: "GOARCH", Value: "amd64"},
	)
	flags, env := buildSettings(info)
	if want := []string{"-race=true", "-ldflags=-X p.q=a b"}; !slices.Equal(flags, want) {
		t.Errorf("flags %q, want %q", flags, want)
	}
	if want := []string{"CGO_ENABLED=0"}; !slices.Equal(env, want) {
		t.Errorf("env %q, want %q", env, want)
	}
}

// A binary among apps that it is not built from says so, and runs as it is.
func TestAstray(t *testing.T) {
	const list = "package apps\n"
	for _, c := range []struct {
		name        string
		files       map[string]string
		pkg, module string
		want        string // BIN and ROOT for the two paths
	}{
		{"alone", map[string]string{"bin/wm": ""}, "example.org/shop", "example.org/shop", ""},
		{"assets of apps only", map[string]string{"bin/wm": "", "apps/web/index.html": ""},
			"example.org/shop", "example.org/shop", ""},
		{"no go.mod", map[string]string{"bin/wm": "", "apps/all.go": list},
			"example.org/shop", "example.org/shop",
			"BIN stands among apps without a go.mod in ROOT (go mod init example.org/shop makes one)"},
		{"built from files", map[string]string{
			"bin/wm": "", "apps/all.go": list, "go.mod": "module example.org/shop\n",
		}, "command-line-arguments", "", "BIN was built from a list of files, so its apps are not " +
			"built (go build -o BIN . is the way)"},
		{"of another module", map[string]string{
			"bin/wm": "", "apps/all.go": list, "go.mod": "module example.org/shop\n",
		}, wmModule, wmModule, "BIN was built from " + wmModule + ", the apps in ROOT belong to " +
			"example.org/shop"},
	} {
		root := makeTree(t, c.files)
		target := filepath.Join(root, "bin/wm")
		info := buildInfo(c.pkg, c.module)
		if tree, err := findTree(target, info, os.Geteuid()); c.want != "" && tree != nil || err != nil {
			t.Errorf("%s: found %+v, %v", c.name, tree, err)
		}
		got := strings.ReplaceAll(astray(target, info), target, "BIN")
		if got = strings.ReplaceAll(got, root, "ROOT"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
