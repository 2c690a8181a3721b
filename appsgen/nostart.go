package appsgen

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// noStart reports a folder without any start function, and what its author may
// have meant.
func (f *folder) noStart(entries []fs.DirEntry) {
	if f.startElsewhere(entries) {
		return
	}
	var code, tests, left []string // names of Go files
	for _, e := range entries {
		switch name := e.Name(); {
		case !strings.HasSuffix(name, ".go") || skipped(name):
		case strings.HasSuffix(name, "_test.go"):
			tests = append(tests, name)
		case f.compiled(name):
			code = append(code, name)
		case strings.HasPrefix(name, "start"):
			left = append(left, name)
		}
	}
	switch {
	case slices.Contains(code, "start.go"):
		f.blocked("start.go", 0, "no func Start() in it: write one, or rename the file "+
			"if the folder is no app")
	case len(left) > 0:
		f.noted(left[0], "left out by its name or its build constraints on linux: not an app")
	case len(code) == 0 && len(tests) > 0:
		f.noted("", "only tests, no start*.go with func Start(): not an app")
	case len(entries) == 0:
		f.noted("", "an empty folder, no start*.go with func Start(): not an app")
	default:
		f.noted("", "no start*.go with func Start(): not an app")
	}
}

// noted reports something that changes nothing.
func (f *folder) noted(file, text string) {
	f.problems = append(f.problems, Problem{App: f.name, File: f.path(file), Text: text})
}

// startElsewhere reports a Start that stands where it is not looked for.
func (f *folder) startElsewhere(entries []fs.DirEntry) bool {
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "start") || !f.compiled(e.Name()) {
			continue
		}
		found, _ := f.parseFile(e.Name())
		for _, s := range found {
			if s.fn == "Start" && s.flaw == "" {
				f.blocked(s.file, s.line,
					"func Start is only looked for in files called start*.go: rename this one")
				return true
			}
		}
	}
	return false
}

// onePackage reports files that belong to another package than the start
// functions. What stands below the package clause is the compiler's.
func (f *folder) onePackage(entries []fs.DirEntry) {
	first := f.starts[0]
	for _, e := range entries {
		if !f.compiled(e.Name()) {
			continue
		}
		fset := token.NewFileSet()
		path := filepath.Join(f.root, f.path(e.Name()))
		tree, err := parser.ParseFile(fset, path, nil, parser.PackageClauseOnly)
		if err != nil || tree.Name.Name == first.pkg || tree.Name.Name == "documentation" {
			continue // the go tool leaves package documentation out
		}
		f.blocked(e.Name(), fset.Position(tree.Name.Pos()).Line, "package %s in the folder of "+
			"package %s (%s): a folder holds one package, so rename this one or move the file",
			tree.Name.Name, first.pkg, first.file)
	}
}
