package appsgen

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// start is a function named like the start of an app. flaw says why it cannot
// be called by the list of apps; empty if it can.
type start struct {
	pkg, fn, file string
	line          int
	method        bool
	flaw          string
}

// parse collects the start functions of the folder.
func (f *folder) parse(entries []fs.DirEntry) error {
	parsed := true
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "start") || !f.compiled(e.Name()) {
			continue
		}
		found, err := f.parseFile(e.Name())
		var list scanner.ErrorList
		switch {
		case errors.As(err, &list) && len(list) > 0:
			parsed = false
			f.blocked(e.Name(), list[0].Pos.Line, "%s", message(list))
		case err != nil:
			return err
		}
		f.starts = append(f.starts, found...)
	}
	if len(f.starts) > 0 {
		f.onePackage(entries)
	} else if parsed {
		f.noStart(entries)
	}
	return nil
}

// parseFile returns the start functions of one file; with a scanner.ErrorList
// those that stand in the readable part of it.
func (f *folder) parseFile(name string) ([]start, error) {
	src, err := os.ReadFile(filepath.Join(f.root, f.path(name)))
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if tree == nil || tree.Name == nil || !token.IsIdentifier(tree.Name.Name) {
		return nil, err // without a package clause; the parser said so
	}
	var found []start
	for _, d := range tree.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && isStart(fn.Name.Name) {
			found = append(found, start{
				pkg: tree.Name.Name, fn: fn.Name.Name, file: name,
				line:   fset.Position(fn.Name.Pos()).Line,
				method: fn.Recv != nil, flaw: flaw(fn),
			})
		}
	}
	return found, err
}

// compiled tells whether the go tool would give a regular file of this name
// to the compiler: for Linux, wherever this runs.
func (f *folder) compiled(name string) bool {
	if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || skipped(name) {
		return false
	}
	dir := filepath.Join(f.root, f.path(""))
	if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.Mode().IsRegular() {
		return false
	}
	ctx := build.Default
	ctx.GOOS, ctx.CgoEnabled = "linux", false
	match, err := ctx.MatchFile(dir, name)
	return match || err != nil
}

// isStart tells Start and StartGateway from Started.
func isStart(name string) bool {
	rest, found := strings.CutPrefix(name, "Start")
	first, _ := utf8.DecodeRuneInString(rest)
	return found && (rest == "" || unicode.IsUpper(first))
}

func flaw(fn *ast.FuncDecl) string {
	switch {
	case fn.Recv != nil:
		return "has a receiver"
	case fn.Type.TypeParams != nil:
		return "has type parameters"
	case fn.Type.Params.NumFields() > 0:
		return "has parameters"
	case fn.Type.Results.NumFields() > 0:
		return "has results"
	}
	return ""
}

// message is the first error of a parser and how many follow.
func message(list scanner.ErrorList) string {
	if len(list) == 1 {
		return list[0].Msg
	}
	return fmt.Sprintf("%s (and %d more)", list[0].Msg, len(list)-1)
}
