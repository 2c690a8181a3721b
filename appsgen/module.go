package appsgen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// modulePath reads the path of the module from dir/go.mod.
func modulePath(dir string) (string, error) {
	src, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("no go.mod in %s: not the root of a module", dir)
	}
	if err != nil {
		return "", fmt.Errorf("read module: %w", err)
	}
	path, err := parseModule(string(src))
	if err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Join(dir, "go.mod"), err)
	}
	return path, nil
}

// parseModule returns the argument of the module directive of a go.mod file:
// module PATH, or module ( PATH ) over three lines; PATH may be quoted.
func parseModule(src string) (string, error) {
	block := false
	for l := range strings.Lines(src) {
		text, _, _ := strings.Cut(l, "//")
		text = strings.TrimSpace(text)
		if rest, found := strings.CutPrefix(text, "module"); found && !block {
			if rest != "" && !strings.ContainsAny(rest[:1], " \t\"`(") {
				continue // another word
			}
			if text = strings.TrimSpace(rest); text == "(" {
				block = true
				continue
			}
		} else if !block || text == "" {
			continue
		}
		return unquote(text)
	}
	return "", errors.New("no module line")
}

func unquote(path string) (string, error) {
	if strings.HasPrefix(path, `"`) || strings.HasPrefix(path, "`") {
		plain, err := strconv.Unquote(path)
		if err != nil {
			return "", fmt.Errorf("module path %s: bad quotes", path)
		}
		path = plain
	}
	if path == "" || strings.ContainsAny(path, " \t\"'`()\\") {
		return "", fmt.Errorf("module path %q is none", path)
	}
	return path, nil
}
