package appsgen

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// appsDir is the folder of the apps below the root of the module.
const appsDir = "apps"

// App is one Start function: one line of apps/all.go.
type App struct {
	Name       string // "chat", or "todpole/gateway" for one role
	Package    string // name in the package clause
	ImportPath string
	Func       string // "Start", "StartGateway"
	File       string // below the root of the module: "apps/chat/start.go"
	Line       int    // of the function
}

// Dir is the folder of the app below the root of the module.
func (a App) Dir() string { return filepath.Dir(a.File) }

// Problem is something about a folder in apps that its author should know.
type Problem struct {
	App  string // name of the folder
	File string // file or folder below the root of the module
	Line int    // 0 if it is about the whole file or folder
	Text string
	// Blocking tells that an app which its author meant to have is missing
	// from the result or stands there wrongly, so that the list must not
	// replace an older one. A folder without any Start is not blocking: it
	// may hold files or code that apps share.
	Blocking bool
}

// String is the sentence for the terminal, in the form of compiler messages.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// Find returns the apps of the module whose root is dir, ordered by name, and
// what is wrong with the others, ordered by place. The error is about the
// module itself: no go.mod, no apps folder, a folder that cannot be read.
func Find(dir string) ([]App, []Problem, error) {
	module, err := modulePath(dir)
	if err != nil {
		return nil, nil, err
	}
	if err := checkAppsDir(dir); err != nil {
		return nil, nil, err
	}
	entries, err := os.ReadDir(filepath.Join(dir, appsDir))
	if err != nil {
		return nil, nil, fmt.Errorf("read apps: %w", err)
	}
	var apps []App
	var problems []Problem
	for _, e := range entries {
		if skipped(e.Name()) || !isFolder(dir, e) {
			continue
		}
		f := folder{root: dir, name: e.Name(), importPath: module + "/" + appsDir + "/" + e.Name()}
		if err := f.read(); errors.Is(err, fs.ErrPermission) {
			f.denied(err)
		} else if err != nil {
			return nil, nil, fmt.Errorf("read app %s: %w", e.Name(), err)
		}
		apps = append(apps, f.apps...)
		problems = append(problems, f.problems...)
	}
	slices.SortFunc(apps, func(a, b App) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return apps, problems, nil
}

// errNoApps is returned by checkAppsDir for a module that has no apps yet.
var errNoApps = errors.New("no folder apps")

// checkAppsDir says why the folder of the apps, at the root dir of the module, is
// none. It may be a link to a folder.
func checkAppsDir(dir string) error {
	path := filepath.Join(dir, appsDir)
	entry, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w in %s: apps live in %s/NAME", errNoApps, dir, appsDir)
	}
	if err != nil {
		return fmt.Errorf("read apps: %w", err)
	}
	info, err := os.Stat(path)
	target, _ := os.Readlink(path)
	switch {
	case entry.Mode()&fs.ModeSymlink != 0 && errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is a link to %s, which does not exist: make it, or remove the link",
			path, target)
	case err != nil:
		return fmt.Errorf("read apps: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is a file: rename it, the apps need a folder of this name", path)
	}
	return nil
}

// skipped tells the names that the go tool leaves out too.
func skipped(name string) bool {
	return strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") || name == "testdata"
}

// isFolder follows a symbolic link, as the go tool does for an imported path.
func isFolder(root string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(filepath.Join(root, appsDir, e.Name()))
	return err == nil && info.IsDir()
}

// importable is what the go tool accepts as an element of an import path.
var importable = regexp.MustCompile(`^[A-Za-z0-9_+~-][A-Za-z0-9_.+~-]*$`)

// folder collects what is found in one folder of apps.
type folder struct {
	root, name, importPath string

	starts   []start
	apps     []App
	problems []Problem
}

// path is the place of a file of the folder, below the root of the module.
func (f *folder) path(file string) string { return filepath.Join(appsDir, f.name, file) }

func (f *folder) blocked(file string, line int, format string, a ...any) {
	f.problems = append(f.problems, Problem{
		App: f.name, File: f.path(file), Line: line, Text: fmt.Sprintf(format, a...), Blocking: true,
	})
}

// denied reports that the folder, or a file in it, cannot be read.
func (f *folder) denied(err error) {
	f.apps, f.starts, f.problems = nil, nil, nil
	file := ""
	var path *fs.PathError
	if errors.As(err, &path) {
		file, _ = filepath.Rel(filepath.Join(f.root, f.path("")), path.Path)
	}
	f.blocked(file, 0, "permission denied: let the user that builds read it "+
		"(chmod -R u+rX, or chown), or remove it")
}

func (f *folder) read() error {
	entries, err := os.ReadDir(filepath.Join(f.root, f.path("")))
	if err != nil {
		return err
	}
	if !importable.MatchString(f.name) || strings.HasSuffix(f.name, ".") {
		f.blocked("", 0, "Go cannot import a folder of this name: "+
			"use letters, digits, - and _ (a leading _ leaves the folder out)")
		return nil
	}
	for _, e := range entries {
		if e.Name() == "go.mod" {
			f.blocked("go.mod", 0, "the folder is a module of its own: "+
				"remove its go.mod, apps belong to the module around them")
			return nil
		}
	}
	if err := f.parse(entries); err != nil {
		return err
	}
	f.declare()
	return nil
}
