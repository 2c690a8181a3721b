package gateway

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// The package comment is the way into so many files: it names each of them.
func TestPackageCommentNamesEveryFile(t *testing.T) {
	const front = "doc.go"
	file, err := parser.ParseFile(token.NewFileSet(), front, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.FieldsFunc(file.Doc.Text(), func(r rune) bool {
		return strings.ContainsRune(" \n\t(),:;", r)
	})
	told := map[string]bool{front: true}
	for _, word := range words {
		if told[word] = true; strings.HasSuffix(word, ".go") {
			if found, _ := filepath.Glob(word); found == nil {
				t.Errorf("the package comment names %s, which is not there", word)
			}
		}
	}
	for _, name := range names {
		if !told[name] && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("the package comment does not say what %s is for", name)
		}
	}
}
