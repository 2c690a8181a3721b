package appsgen

import (
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// NewApp is what an author wants to have made.
type NewApp struct {
	// Name is that of the folder below apps and of its package.
	Name string
	// Listen is the address of its Worker, PROTOCOL://HOST:PORT; empty is text
	// on a port of 127.0.0.1 that is free and that no other app names.
	Listen string
}

// Made is what New has done.
type Made struct {
	Files   []string // new ones, below the root of the module
	Listen  string   // address of the app
	Try     string   // command that talks to it; empty if there is no common one
	Program string   // folder of the main package, below the root: "." or "cmd/shop"
	// Foreign tells that the main package was there and does not import apps:
	// its author has to call cli.Main(apps.All...).
	Foreign bool
}

// ErrListed is returned by New while a folder in apps keeps the list from being
// written; the Problems of Find say which.
var ErrListed = errors.New("an app that is there already has to be mended first")

// New makes the folder of an app in the module at root: a start.go, its test, and
// a line in apps/all.go; and a main package when the module has none. No file that
// exists is changed but the list. After an error none of the new files is left.
func New(root string, app NewApp) (Made, error) {
	module, err := modulePath(root)
	if err != nil {
		return Made{}, err
	}
	if err := vacant(root, app.Name); err != nil {
		return Made{}, err
	}
	if app.Listen == "" {
		app.Listen, err = freeAddress(root)
	}
	if err != nil {
		return Made{}, err
	}
	address, err := parseAddress(app.Listen)
	if err != nil {
		return Made{}, err
	}
	program, err := findProgram(root, module)
	if err != nil {
		return Made{}, err
	}
	files, err := newFiles(app, address, module, program)
	if err != nil {
		return Made{}, err
	}
	made := Made{
		Listen: app.Listen, Try: address.try(), Program: program.dir, Foreign: program.foreign,
	}
	made.Files, err = place(root, files)
	if err != nil {
		return Made{}, err
	}
	return made, nil
}

// newName is what a package may be called that is imported by the name of its
// folder.
var newName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// reserved are names that the go tool or wm has another use for.
var reserved = map[string]string{
	"all":      "apps/all.go is the list of the apps",
	"main":     "package main cannot be imported",
	"init":     "Go has another use for it",
	"internal": "the go tool has another use for it",
	"vendor":   "the go tool has another use for it",
	"testdata": "the go tool has another use for it",
}

// CheckName says what is wrong with the name of a new app; nil if nothing is.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("an app needs a name")
	case !newName.MatchString(name), strings.HasSuffix(name, "_test"):
		return fmt.Errorf("%q cannot name an app: it names a folder and a Go package, so take "+
			"a-z, 0-9 and _, a letter first, no _test behind", name)
	case token.IsKeyword(name):
		return fmt.Errorf("%q cannot name an app: it is a keyword of Go", name)
	case reserved[name] != "":
		return fmt.Errorf("%q cannot name an app: %s", name, reserved[name])
	}
	return nil
}

// vacant tells whether the module is ready for an app of this name.
func vacant(root, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := checkAppsDir(root); errors.Is(err, errNoApps) {
		return nil // it will be made
	} else if err != nil {
		return err
	}
	switch _, err := os.Lstat(filepath.Join(root, appsDir, name)); {
	case err == nil:
		return fmt.Errorf("%s/%s exists already: take another name", appsDir, name)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	_, problems, err := Find(root)
	if err == nil && slices.ContainsFunc(problems, func(p Problem) bool { return p.Blocking }) {
		err = ErrListed
	}
	return err
}

// place writes files and the list of the apps.
func place(root string, files []newFile) (made []string, err error) {
	var undo []string
	defer func() {
		for _, path := range slices.Backward(undo) {
			if err != nil {
				os.Remove(path) // a folder that others have used stays
			}
		}
	}()
	_, statErr := os.Lstat(filepath.Join(root, appsDir, listFile))
	for _, f := range files {
		folders, err := makeFolders(root, filepath.Dir(f.path))
		undo = append(undo, folders...)
		if err != nil {
			return nil, err
		}
		full := filepath.Join(root, f.path)
		if err := create(full, f.text); err != nil {
			return nil, err
		}
		undo = append(undo, full)
		made = append(made, f.path)
	}
	r, err := Generate(root)
	if err == nil && len(r.Blocking()) > 0 {
		err = ErrListed
	}
	if err != nil {
		return nil, err
	}
	if errors.Is(statErr, fs.ErrNotExist) {
		made = append(made, filepath.Join(appsDir, listFile))
	}
	return made, nil
}

// makeFolders makes dir below root and returns those that were missing.
func makeFolders(root, dir string) (made []string, err error) {
	path := root
	for part := range strings.SplitSeq(dir, string(filepath.Separator)) {
		path = filepath.Join(path, part)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := os.Mkdir(path, 0o755); err != nil {
			return made, err
		}
		made = append(made, path)
	}
	return made, nil
}

// create writes a file that does not exist.
func create(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		os.Remove(path)
	}
	return err
}
