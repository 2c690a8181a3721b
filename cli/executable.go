package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// calledAs is the absolute path of this binary as the user called it, links not
// followed: a link decides where the run directory is. A name that leads to
// another file (argv[0] is the caller's to choose) gives the real path.
func calledAs(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	path := name
	if !strings.Contains(name, "/") {
		if path, err = exec.LookPath(name); err != nil {
			return self, nil
		}
	}
	if path, err = filepath.Abs(path); err != nil || !sameFile(path, self) {
		return self, nil
	}
	return path, nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
