package wayback_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/workerman-go/wm/wayback"
)

// What is imported here decides how early the guard begins, see doc.go. None of
// these imports os or time, and none is initialised behind them.
var early = []string{"strconv", "sync/atomic", "syscall", "unsafe"}

func TestGuardBeginsBeforePackagesOfAuthors(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			if path, _ := strconv.Unquote(spec.Path.Value); !slices.Contains(early, path) {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
}

// Only the new image of a master has a way back.
func TestWhoHasAWayBack(t *testing.T) {
	for name, c := range map[string]struct {
		handover string
		image    int
	}{
		"a new image":     {`{"role":"master","master":{"adopt":{"state":7,"image":12}}}`, 12},
		"the old one":     {`{"role":"master","master":{"adopt":{"state":7,"image":-1}}}`, -1},
		"a rehearsal":     {`{"role":"rehearsal","master":{"adopt":{"state":7,"image":12}}}`, -1},
		"a master":        {`{"role":"master","master":{"daemon":true}}`, -1},
		"a process":       {`{"role":"worker","worker":{}}`, -1},
		"a person":        {"", -1},
		"an argument":     {`{"role":"master","args":["\"adopt\":{\"image\":9"],"master":{}}`, -1},
		"another 'image'": {`{"role":"master","args":["image",":12"],"master":{"adopt":{}}}`, -1},
		"cut off":         {`{"role":"master","master":{"adopt":{"state":7,"image":`, -1},
		"no number":       {`{"role":"master","master":{"adopt":{"state":7,"image":"9"}}}`, -1},
	} {
		image, back, found := wayback.Back(c.handover)
		if image != c.image || found != (c.image >= 0) || found != (back != "") {
			t.Errorf("%s: descriptor %d, %v, %q", name, image, found, back)
		}
	}
}

// This process is no new image.
func TestAllOfTheTimeIsLeftWithoutAGuard(t *testing.T) {
	if left := wayback.Disarm(); left != wayback.Limit {
		t.Errorf("%d ns are left", left)
	}
}
