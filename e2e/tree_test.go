package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// notCopied are the folders of the repository that a built tree does not need.
var notCopied = map[string]bool{".git": true, "bin": true, "e2e": true, "apps": true, "run": true}

// labTree copies the module at root to dir with the apps of testdata/apps in
// place of its own, and has the product write apps/all.go for them.
func labTree(root, dir string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if notCopied[e.Name()] {
			continue
		}
		if err := copyTree(filepath.Join(root, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	if err := copyTree(filepath.Join("testdata", "apps"), filepath.Join(dir, "apps")); err != nil {
		return err
	}
	if err := guideApps(dir); err != nil {
		return err
	}
	return generate(dir)
}

// generate runs the binary inside the tree, as an author would: it finds the
// apps, writes apps/all.go and builds.
func generate(dir string) error {
	bin := filepath.Join(dir, "bin", "wm")
	if err := copyTree(built.sample, bin); err != nil {
		return err
	}
	cmd := exec.Command(bin, "check")
	cmd.Dir = dir
	// The lab's apps declare nothing without an address, which check refuses.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "E2E_HTTP=127.0.0.1:0")
	text, err := runCommand(cmd)
	if err != nil {
		return fmt.Errorf("wm check in %s: %w\n%s", dir, err, text)
	}
	all, err := os.ReadFile(filepath.Join(dir, "apps", "all.go"))
	if err != nil {
		return fmt.Errorf("wm check wrote no apps/all.go: %w\n%s", err, text)
	}
	if !strings.Contains(string(all), "apps/web") {
		return fmt.Errorf("apps/all.go does not list the app web:\n%s", all)
	}
	return nil
}

// copyTree copies a file or a folder with its modes; a target that exists is
// written over.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		return copyFile(path, target)
	})
}

// copyFile keeps commands from being started while it writes: one would hold
// the descriptor for a moment, and a program that is open for writing cannot be
// executed (golang/go#22315).
func copyFile(from, to string) error {
	children.Lock()
	defer children.Unlock()
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	body, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, body, info.Mode().Perm())
}

// install puts a binary at path by rename, as `make build` and packages do, so
// that the file that runs is never written to.
func install(from, path string) error {
	next := path + ".next"
	if err := copyFile(from, next); err != nil {
		return err
	}
	return os.Rename(next, path)
}
