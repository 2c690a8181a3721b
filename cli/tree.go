package cli

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
)

// sourceTree is the module that a binary was built from and still stands in.
type sourceTree struct {
	root   string // folder of go.mod
	pkg    string // import path of the main package
	target string // the binary, links followed
	owner  int    // uid that the tree belongs to
	flags  []string
	env    []string
}

// untrusted is why a tree is not built: somebody else could have put the code
// there.
type untrusted struct{ path, reason string }

func (e *untrusted) Error() string {
	return fmt.Sprintf("%s %s, so its source tree is not built", e.path, e.reason)
}

// findTree looks for the module that the running binary, target, was built
// from in the folders above it; nil when it stands alone. The working directory
// plays no part: what a command builds must not depend on where it is typed.
// The tree must belong to root or to one of owners.
func findTree(target string, info *debug.BuildInfo, owners ...int) (*sourceTree, error) {
	root := moduleRoot(filepath.Dir(target))
	if root == "" || info.Main.Path == "" || modulePath(root) != info.Main.Path ||
		!inModule(info.Path, info.Main.Path) {
		return nil, nil
	}
	owners = append(owners, 0)
	apps := filepath.Join(root, "apps")
	for _, path := range []string{
		root, filepath.Join(root, "go.mod"), filepath.Dir(target), apps, filepath.Join(apps, "all.go"),
	} {
		_, err := os.Stat(path)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		if err := trust(path, owners); err != nil {
			return nil, err
		}
	}
	t := &sourceTree{root: root, pkg: info.Path, target: target, owner: ownerOf(root)}
	if me := os.Geteuid(); me != 0 && me != t.owner {
		return nil, &untrusted{root, "can be built by its owner alone"}
	}
	t.flags, t.env = buildSettings(info)
	return t, nil
}

// moduleRoot is the nearest folder from dir upwards that has a go.mod.
func moduleRoot(dir string) string {
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// modulePath is the path on the module line of root's go.mod.
func modulePath(root string) string {
	file, err := os.Open(filepath.Join(root, "go.mod"))
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) >= 2 && words[0] == "module" {
			return strings.Trim(words[1], `"`)
		}
	}
	return ""
}

// inModule tells whether the main package can be named in a build: one that was
// built from a list of files cannot.
func inModule(pkg, module string) bool {
	return pkg == module || strings.HasPrefix(pkg, module+"/")
}

// trust refuses a path that another user than owners could have written.
func trust(path string, owners []int) error {
	info, err := os.Stat(path)
	if err != nil {
		return &untrusted{path, "cannot be looked at"}
	}
	if owner := ownerOf(path); !slices.Contains(owners, owner) {
		return &untrusted{path, fmt.Sprintf("belongs to uid %d", owner)}
	}
	if info.Mode().Perm()&0o002 != 0 {
		return &untrusted{path, "can be written by everybody"}
	}
	return nil
}

// ownerOf is the uid that path belongs to, -1 when that cannot be seen.
func ownerOf(path string) int {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// buildSettings repeats the choices of the build that made the running binary,
// so that the next one differs in its source only.
func buildSettings(info *debug.BuildInfo) (flags, env []string) {
	for _, s := range info.Settings {
		switch s.Key {
		case "-race", "-trimpath", "-tags", "-ldflags", "-gcflags":
			flags = append(flags, s.Key+"="+s.Value)
		case "CGO_ENABLED":
			env = append(env, s.Key+"="+s.Value)
		}
	}
	return flags, env
}
