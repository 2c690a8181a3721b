package srcwatch

import (
	"path/filepath"
	"strings"
)

// compiled are the extensions of the files that a build reads (go help
// packages, go help c).
var compiled = map[string]bool{
	".go": true, ".s": true, ".S": true, ".sx": true, ".syso": true,
	".c": true, ".cc": true, ".cpp": true, ".cxx": true, ".m": true,
	".h": true, ".hh": true, ".hpp": true, ".hxx": true,
	".f": true, ".F": true, ".for": true, ".f90": true, ".swig": true, ".swigcxx": true,
}

// counts tells by its name whether a build reads a file wherever it lies.
func counts(name string) bool {
	switch {
	case name == "go.mod", name == "go.sum", name == "go.work":
		return true
	case passing(name), strings.HasPrefix(name, "_"), strings.HasSuffix(name, "_test.go"):
		return false
	}
	return compiled[filepath.Ext(name)]
}

// passing tells the files that editors and builds make for a moment.
func passing(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") ||
		strings.HasSuffix(name, "~") || strings.HasSuffix(name, ".tmp") ||
		name == "4913" // vim asks with it whether it may write
}

// leftOut tells the folders in which nothing is looked for: those that the go
// tool leaves out, and two that are large and hold no Go.
func leftOut(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") ||
		name == "testdata" || name == "node_modules" || path == "bin"
}
