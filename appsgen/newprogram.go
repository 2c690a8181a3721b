package appsgen

import (
	"errors"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// program is the main package that serves the apps of a module.
type program struct {
	dir     string // below the root of the module
	missing bool   // it has to be made
	foreign bool   // it is there and does not import the list of the apps
}

// errFound ends a walk.
var errFound = errors.New("found")

// findProgram looks for the main package that imports the list of the apps. When
// there is none it is to be the root, or cmd/NAME in the module of a library.
func findProgram(root, module string) (program, error) {
	var found program
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil && path != root {
			return fs.SkipDir // nobody can build it either
		}
		if err != nil || !d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if rel != "." && (foreignFolder(path, d.Name()) || rel == appsDir) {
			return fs.SkipDir
		}
		if _, serves := packageIn(path, module+"/"+appsDir); serves {
			found = program{dir: rel}
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return found, nil
	}
	if err != nil {
		return program{}, err
	}
	switch name, _ := packageIn(root, ""); name {
	case "":
		return program{dir: ".", missing: true}, nil
	case "main":
		return program{dir: ".", foreign: true}, nil
	}
	dir := filepath.Join("cmd", ProgramName(module))
	name, _ := packageIn(filepath.Join(root, dir), "")
	return program{dir: dir, missing: name == "", foreign: name != ""}, nil
}

// foreignFolder tells the folders whose packages are not those of the module.
func foreignFolder(path, name string) bool {
	if skipped(name) || name == "vendor" || name == "node_modules" {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

// packageIn is the name of the package in a folder, empty if there is none, and
// whether it is a program that imports path.
func packageIn(dir, path string) (name string, imports bool) {
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	ctx := build.Default
	ctx.GOOS, ctx.CgoEnabled = "linux", false
	for _, file := range files {
		base := filepath.Base(file)
		if match, err := ctx.MatchFile(dir, base); !match || err != nil ||
			strings.HasSuffix(base, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if tree == nil || tree.Name == nil || err != nil {
			continue
		}
		name = tree.Name.Name
		for _, spec := range tree.Imports {
			got, _ := strconv.Unquote(spec.Path.Value)
			imports = imports || name == "main" && path != "" && got == path
		}
	}
	return name, imports
}
