package srcwatch

import (
	"bytes"
	"path"
	"strconv"
	"strings"
)

// embedPatterns finds the patterns of the //go:embed lines of a Go file. What
// cannot be understood is left to the compiler.
func embedPatterns(source []byte) []string {
	var patterns []string
	for line := range bytes.Lines(source) {
		rest, found := bytes.CutPrefix(bytes.TrimSpace(line), []byte("//go:embed "))
		if !found {
			continue
		}
		for text := strings.TrimSpace(string(rest)); text != ""; text = strings.TrimSpace(text) {
			var pattern string
			pattern, text = firstPattern(text)
			patterns = append(patterns, strings.TrimPrefix(pattern, "all:"))
		}
	}
	return patterns
}

// firstPattern cuts one pattern off, which may be quoted as in Go.
func firstPattern(text string) (pattern, rest string) {
	if quoted, err := strconv.QuotedPrefix(text); err == nil {
		pattern, _ = strconv.Unquote(quoted)
		return pattern, text[len(quoted):]
	}
	pattern, rest, _ = strings.Cut(text, " ")
	return pattern, rest
}

// embedded tells whether a pattern of a folder names the file, or a folder that
// the file lies in. All paths are below the root of the module.
func (s *state) embedded(file string) bool {
	for folder := path.Dir(file); ; folder = path.Dir(folder) {
		below := file
		if folder != "." {
			below = file[len(folder)+1:]
		}
		for _, pattern := range s.patterns[folder] {
			if names(pattern, below) {
				return true
			}
		}
		if folder == "." {
			return false
		}
	}
}

// names tells whether pattern matches file or a folder above it.
func names(pattern, file string) bool {
	for ; file != "."; file = path.Dir(file) {
		if match, err := path.Match(pattern, file); match && err == nil {
			return true
		}
	}
	return pattern == "."
}
