package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each file of testdata/cli/advice is what the go tool said about one mistake.
func TestAdvice(t *testing.T) {
	files, err := filepath.Glob("../testdata/cli/advice/*.in")
	if err != nil || len(files) == 0 {
		t.Fatalf("no inputs, %v", err)
	}
	var got strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".in")
		fmt.Fprintf(&got, "%s: %s\n", name, advise(string(text)))
	}
	golden(t, "advice", []byte(got.String()))
}

// A plain compile error needs none.
func TestNoAdvice(t *testing.T) {
	const text = "# example.org/shop/apps/hello\napps/hello/start.go:5:2: undefined: nonsense\n"
	if got := advise(text); got != "" {
		t.Errorf("advice %q", got)
	}
}
