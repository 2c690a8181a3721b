package main

import (
	"encoding/json"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// page is the table for people who know Workerman.
const page = "docs/from-workerman.md"

// listed is how many rows each group of the list of features has; each must be
// in the table, and singly as well.
var listed = map[int]int{
	10: 19, 11: 16, 12: 19, 13: 18, 14: 19, 15: 12, 16: 25, 17: 18, 18: 10, 19: 25,
	20: 7, 21: 21, 22: 10, 23: 15, 24: 9, 25: 23, 26: 19, 27: 17, 28: 13, 29: 16,
	30: 22, 31: 12, 32: 7, 33: 10, 34: 6, 35: 21, 36: 10, 37: 21, 38: 21, 39: 15, 40: 8,
	41: 11, 42: 37, 43: 18, 44: 9, 45: 12, 46: 18, 47: 8,
}

// singly are rows of other groups, and the surprises, whose number has a T.
var singly = []string{
	"6.1", "6.3", "6.4", "6.6", "6.7", "6.8", "6.9", "6.10", "6.13", "6.20",
	"54.5", "54.6", "54.16", "T56", "T63", "T64", "T65", "T66", "T67", "T68", "T69", "T70", "T71",
	"T72", "T73", "T74", "T75", "T88", "T89", "T90", "T91", "T92", "T93", "T94", "T95", "T96",
	"T97", "T98", "T99", "T100", "T101", "T102", "T103", "T104", "T105", "T106", "T107", "T108",
	"T109", "T117", "T118",
}

// line is one line of a table of the page.
type line struct {
	number       int // of the page
	rows         []string
	workmans, wm string // the names
	test         string
}

var row = regexp.MustCompile(`^(\d+\.|T)\d+$`)

// linesOf returns the lines that name rows of the list of features.
func linesOf(t *testing.T, text string) []line {
	t.Helper()
	var lines []line
	for i, s := range strings.Split(text, "\n") {
		cells := strings.Split(strings.Trim(s, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != 5 || !row.MatchString(strings.Split(cells[3], ", ")[0]) {
			continue
		}
		lines = append(lines, line{
			number: i + 1, workmans: cells[0], wm: cells[1],
			rows: strings.Split(cells[3], ", "), test: cells[4],
		})
	}
	return lines
}

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryRowIsInTheTable(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range linesOf(t, readPage(t)) {
		for _, number := range l.rows {
			group, item, _ := strings.Cut(number, ".")
			g, _ := strconv.Atoi(group)
			n, _ := strconv.Atoi(item)
			known := n >= 1 && n <= listed[g] || slices.Contains(singly, number)
			if !row.MatchString(number) || !known {
				t.Errorf("%s:%d: there is no row %s", page, l.number, number)
			}
			seen[number] = true
		}
		if l.workmans == "" || l.wm == "" {
			t.Errorf("%s:%d: an empty name", page, l.number)
		}
	}
	all := slices.Clone(singly)
	for group, rows := range listed {
		for n := 1; n <= rows; n++ {
			all = append(all, strconv.Itoa(group)+"."+strconv.Itoa(n))
		}
	}
	for _, number := range all {
		if !seen[number] {
			t.Errorf("%s: row %s is missing", page, number)
		}
	}
}

var (
	goBlock = regexp.MustCompile("(?ms)^```go\n(package .*?)^```$")
	comment = regexp.MustCompile(`(?m)^//\tpackage .*\n(?://(?:\t.*)?\n)*//\t.*\n`)
)

// appsOn returns the whole apps of a page, or of a package comment.
func appsOn(t *testing.T, page string) (apps []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range goBlock.FindAllStringSubmatch(string(text), -1) {
		apps = append(apps, block[1])
	}
	for _, block := range comment.FindAllString(string(text), -1) {
		block = strings.ReplaceAll("\n"+block, "\n//\t", "\n")
		apps = append(apps, strings.ReplaceAll(block, "\n//\n", "\n\n")[1:])
	}
	return apps
}

// TestTheAppsOnThePagesCompile builds each whole app as if it stood in apps/.
func TestTheAppsOnThePagesCompile(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	replace, folders := map[string]string{}, []string{}
	for _, page := range append(pages, "README.md", "worker/doc.go", "gateway/doc.go") {
		apps := appsOn(t, page)
		if strings.HasSuffix(page, ".go") && len(apps) != 1 {
			t.Errorf("%s has %d apps", page, len(apps))
		}
		for _, app := range apps {
			folder := "apps/onpage" + strconv.Itoa(len(folders))
			file := filepath.Join(t.TempDir(), "start.go")
			if err := os.WriteFile(file, []byte(app), 0o600); err != nil {
				t.Fatal(err)
			}
			replace[folder+"/start.go"] = file
			folders = append(folders, "./"+folder)
			if formatted, err := format.Source([]byte(app)); string(formatted) != app {
				t.Errorf("%s: not formatted, or not Go: %v\n%s", page, err, app)
			}
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", append([]string{"build", "-overlay", list}, folders...)...).
		CombinedOutput()
	if err != nil || len(folders) < 5 {
		t.Errorf("%d apps: %v\n%s", len(folders), err, out)
	}
}

// A test is written folder.TestName; without one the reason follows a dash.
func TestTheTestsOfTheTableExist(t *testing.T) {
	tests := map[string][]string{}
	for _, l := range linesOf(t, readPage(t)) {
		if reason, none := strings.CutPrefix(l.test, "— "); none && len(reason) > 5 {
			continue
		}
		for _, quoted := range strings.Split(l.test, ", ") {
			folder, name, ok := strings.Cut(strings.Trim(quoted, "`"), ".")
			if _, read := tests[folder]; !read {
				tests[folder] = testsOf(t, folder)
			}
			if !ok || !slices.Contains(tests[folder], name) {
				t.Errorf("%s:%d: there is no test %s", page, l.number, quoted)
			}
		}
	}
}

// testsOf returns the names of the tests and fuzz targets of a folder.
func testsOf(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	for _, file := range parse(t, folder, true) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// parse reads the Go files of a folder, those of the tests or all others.
func parse(t *testing.T, folder string, tests bool) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") != tests {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

var (
	code  = regexp.MustCompile("(?s)```go\n(.*?)```")
	fence = regexp.MustCompile("(?s)```.*?```")
	quote = regexp.MustCompile("`([^`]+)`")
	// dotted is a name of Go that others may use.
	dotted = regexp.MustCompile(`\b([A-Za-z]\w*)\.([A-Z]\w*)(?:\.([A-Z]\w*))?`)
	// foreign are names with a dot that are no names of wm: PHP, tests, and those
	// of the sample.
	foreign = regexp.MustCompile(`->|::|\$|\\|\.(?:Test|Fuzz)[A-Z]|^room\.|chat\.Start`)
)

func TestTheNamesOfThePageExist(t *testing.T) {
	api := readAPI(t)
	text := readPage(t)
	var names [][]string
	for _, quoted := range quote.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		if !foreign.MatchString(quoted[1]) {
			names = append(names, dotted.FindAllStringSubmatch(quoted[1], -1)...)
		}
	}
	if len(names) < 100 {
		t.Fatalf("found %d names only", len(names))
	}
	for _, name := range names {
		if !api.has(name[1:]) {
			t.Errorf("%s: %s is no name of wm", page, name[0])
		}
	}
}

func TestTheGoOfThePageIsGo(t *testing.T) {
	api := readAPI(t)
	blocks := code.FindAllStringSubmatch(readPage(t), -1)
	if len(blocks) == 0 {
		t.Fatal("no Go on the page")
	}
	for _, block := range blocks {
		formatted, err := format.Source([]byte(block[1]))
		if err != nil || string(formatted) != block[1] {
			t.Errorf("%s: not formatted, %v:\n%s", page, err, block[1])
		}
		for _, name := range dotted.FindAllStringSubmatch(block[1], -1) {
			if api[name[1]] != nil && !api.has(name[1:]) {
				t.Errorf("%s: %s is no name of wm", page, name[0])
			}
		}
	}
}

// members has the exported names below a name: those of a package, the fields
// and methods of a type. Types are known without their package.
type members map[string]map[string]bool

// has looks up package.Name, Type.Member or package.Type.Member.
func (m members) has(name []string) bool {
	if !m[name[0]][name[1]] {
		return false
	}
	return name[2] == "" || m[name[1]][name[2]]
}

func (m members) add(of, name string) {
	if m[of] == nil {
		m[of] = map[string]bool{}
	}
	if ast.IsExported(name) {
		m[of][name] = true
	}
}

// readAPI reads what authors may use.
func readAPI(t *testing.T) members {
	t.Helper()
	api := members{}
	folders, err := filepath.Glob("protocol/*")
	if err != nil {
		t.Fatal(err)
	}
	folders = append(folders, "worker", "timer", "eventloop", "protocol", "cli", "wmtest",
		"webserver", "store", "gateway")
	for _, folder := range folders {
		for _, file := range parse(t, folder, false) {
			api.readFile(path.Base(folder), file)
		}
	}
	for name := range api["SettingsValues"] {
		api.add("Settings", name)
	}
	for name := range api["SessionSettings"] {
		api.add("Sessions", name)
	}
	for name := range api["Callbacks"] {
		api.add("Worker", name)
		api.add("Connection", name)
	}
	return api
}

func (m members) readFile(pkg string, file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				m.add(pkg, d.Name.Name)
			} else {
				m.add(receiver(d.Recv.List[0].Type), d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				m.readSpec(pkg, spec)
			}
		}
	}
}

func receiver(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if name, ok := e.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

func (m members) readSpec(pkg string, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			m.add(pkg, name.Name)
		}
	case *ast.TypeSpec:
		m.add(pkg, spec.Name.Name)
		var fields *ast.FieldList
		switch kind := spec.Type.(type) {
		case *ast.StructType:
			fields = kind.Fields
		case *ast.InterfaceType:
			fields = kind.Methods
		default:
			return
		}
		for _, field := range fields.List {
			for _, name := range field.Names {
				m.add(spec.Name.Name, name.Name)
			}
		}
	}
}
