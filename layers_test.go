package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/workerman-go/wm"

// authorsAPI is what an app may be made of.
var authorsAPI = []string{
	"worker", "timer", "eventloop", "protocol", "protocol/*", "gateway", "webserver", "store", "db",
	"wmtest",
}

// layers is the house: a package may import only what stands in its row, and
// its tests no more, but for testLayers. A star stands for everything below a folder.
var layers = map[string][]string{
	"ipc":               {},
	"eventloop":         {},
	"protocol":          {},
	"protocol/*":        {"protocol"},
	"appsgen":           {},
	"srcwatch":          {},
	"store":             {},
	"db":                {},
	"tlsengine":         {},
	"timer":             {"eventloop"},
	"statusfmt":         {"ipc", "rundir"},
	"worker":            {"eventloop", "timer", "protocol", "protocol/*", "tlsengine"},
	"gateway":           {"worker", "timer", "eventloop", "protocol", "protocol/*", "gateway/*"},
	"gateway/*":         {"protocol"},
	"webserver":         {"worker", "timer", "protocol", "protocol/*", "store"},
	"rundir":            {},
	"listen":            {},
	"wayback":           {},
	"supervisor":        {"ipc", "rundir", "listen", "wayback"},
	"child":             {"ipc", "worker", "eventloop"},
	"apps":              append([]string{"apps/*"}, authorsAPI...),
	"apps/*":            authorsAPI,
	"cli":               {"supervisor", "child", "ipc", "rundir", "statusfmt", "worker", "appsgen", "srcwatch"},
	"wmtest":            {"worker", "child", "eventloop", "timer", "protocol/*"},
	"bench":             {"bench/load"},
	"bench/load":        {},
	"bench/floor":       {},
	"bench/handshakes":  {},
	"bench/server":      {"worker", "gateway", "protocol/*", "cli"},
	"bench/soak":        {},
	"bench/soak/server": {"worker", "timer", "protocol/*", "cli"},
	"examples/*":        append([]string{"examples/*", "cli"}, authorsAPI...),
	".":                 {"cli", "apps"},
	"e2e":               {},
}

// testLayers is what tests need beyond their package's row: the Workers that
// the tests of child, of gateway, of webserver and of wmtest run are apps.
var testLayers = map[string][]string{
	"child":     {"timer", "protocol", "protocol/*"},
	"gateway":   {"wmtest"},
	"webserver": {"wmtest"},
	"wmtest":    {"protocol"},
}

// reapers start processes in one place only, supervisor/spawn: os/exec beside
// the one reaper loses exit statuses.
var reapers = []string{"supervisor", "ipc", "listen"}

// edge is one import, as the test reports it.
type edge struct{ file, from, to string }

func TestPackagesImportOnlyWhatTheirRowAllows(t *testing.T) {
	edges := importsOf(t, ".")
	if len(edges) == 0 {
		t.Fatal("no imports found")
	}
	for _, e := range edges {
		if why := forbidden(e); why != "" {
			t.Errorf("%s: %s", e.file, why)
		}
	}
}

func TestForbiddenEdgesAreFound(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"supervisor", module + "/ipc", false},
		{"supervisor", module + "/child", true},
		{"supervisor", module + "/listen", false},
		{"listen", module + "/ipc", true},
		{"cli", module + "/listen", true},
		{"supervisor", "os/exec", true},
		{"cli", "os/exec", false},
		{"apps/chat", module + "/worker", false},
		{"apps/chat", module + "/ipc", true},
		{"protocol/text", module + "/protocol", false},
		{"protocol/text", module + "/protocol/frame", true},
		{"child", module + "/timer", true},
		{"e2e", module + "/ipc", true},
		{"util", module + "/ipc", true},
		{"util", "fmt", false},
		{"worker", module + "/worker", false}, // its external test
	} {
		if got := forbidden(edge{from: c.from, to: c.to}) != ""; got != c.want {
			t.Errorf("%s -> %s: forbidden %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// forbidden says why an edge may not be; empty for a good one.
func forbidden(e edge) string {
	if e.to == "os/exec" && slices.Contains(reapers, e.from) {
		return e.from + " must not use os/exec: only supervisor/spawn starts processes"
	}
	to, inside := strings.CutPrefix(e.to+"/", module+"/")
	if to = strings.TrimSuffix(to, "/"); !inside || to == e.from {
		return ""
	}
	row, known := layers[e.from]
	if !known {
		row, known = layers[rowOfFolder(e.from)]
	}
	if !known {
		return "package " + e.from + " has no row in layers_test.go"
	}
	if strings.HasSuffix(e.file, "_test.go") {
		row = append(slices.Clip(row), testLayers[e.from]...)
	}
	for _, allowed := range row {
		if allowed == to || allowed == rowOfFolder(to) {
			return ""
		}
	}
	return e.from + " must not import " + to
}

// rowOfFolder is the row for all packages below the first folder of name.
func rowOfFolder(name string) string {
	first, _, below := strings.Cut(name, "/")
	if !below {
		return ""
	}
	return first + "/*"
}

// importsOf reads the imports of every Go file below root, tests included.
func importsOf(t *testing.T, root string) []edge {
	t.Helper()
	var edges []edge
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != root &&
			(name == "testdata" || name == "bin" || strings.ContainsAny(name[:1], "._")) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			edges = append(edges, edge{file, path.Dir(filepath.ToSlash(file)), to})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return edges
}
