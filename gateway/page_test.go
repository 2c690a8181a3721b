package gateway

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// page is what operators read.
const page = "../docs/gateway.md"

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var pageDefault = regexp.MustCompile("(?m)^\\| `(Gateway|BusinessWorker|Register|Client)" +
	"\\.(\\w+)` \\| ([^|]+) \\|")

func TestThePageHasTheDefaults(t *testing.T) {
	of := map[string]any{
		"Gateway": *New("text://127.0.0.1:7272"), "BusinessWorker": *NewBusinessWorker(),
		"Register": *NewRegister("text://127.0.0.1:1236"),
	}
	var c Client
	calls := map[string]any{
		"Timeout": c.timeout(), "ConnectTimeout": c.connectTimeout(),
		"IdleTimeout": c.idleTimeout(), "MaxAnswer": c.maxAnswer(),
	}
	rows := map[string]string{}
	for _, found := range pageDefault.FindAllStringSubmatch(readPage(t), -1) {
		field := found[1] + "." + found[2]
		rows[field] = found[3]
		value, ok := calls[found[2]], found[1] == "Client"
		if !ok {
			if f := reflect.ValueOf(of[found[1]]).FieldByName(found[2]); f.IsValid() {
				value = f.Interface()
			}
		}
		if got := pageValue(found[3]); got != fmt.Sprint(value) {
			t.Errorf("%s: %s is %v, not %s", page, field, value, found[3])
		}
	}
	for name, v := range of {
		for f := range reflect.TypeOf(v).Fields() {
			number := f.Type.Kind() == reflect.Int || f.Type == reflect.TypeFor[time.Duration]()
			if field := name + "." + f.Name; f.IsExported() && number && rows[field] == "" {
				if f.Name != "StartPort" {
					t.Errorf("%s: %s is missing", page, field)
				}
			}
		}
	}
}

// pageValue is a value of the page as fmt prints that of a field.
func pageValue(s string) string {
	number, unit, _ := strings.Cut(strings.ReplaceAll(s, ",", ""), " ")
	n, err := strconv.Atoi(number)
	switch {
	case err != nil:
		return s
	case unit == "KiB":
		n <<= 10
	case unit == "MiB":
		n <<= 20
	case unit == "s":
		return (time.Duration(n) * time.Second).String()
	case unit == "min":
		return (time.Duration(n) * time.Minute).String()
	}
	return strconv.Itoa(n)
}

// Who reads a line in the log at night finds it on the page.
func TestThePageHasEveryLogLine(t *testing.T) {
	text := readPage(t)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !pageLogs(call) {
				return true
			}
			lines++
			for _, arg := range pageFormats(call) {
				for _, words := range pageWords(pageLiteral(arg)) {
					if !strings.Contains(text, words) {
						t.Errorf("%s does not have the line of %s with %q", page, name, words)
					}
				}
			}
			return true
		})
	}
	if lines < 40 {
		t.Errorf("found %d lines only", lines)
	}
}

// pageLogs says that a call writes to the log.
func pageLogs(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	switch f.Sel.Name {
	case "Log", "logRarely", "complain", "refuse", "log":
		return true
	}
	return false
}

// pageFormats are the arguments that may have text for the log: the first of some is
// the kind of the line.
func pageFormats(call *ast.CallExpr) []ast.Expr {
	switch call.Fun.(*ast.SelectorExpr).Sel.Name {
	case "logRarely", "log":
		return call.Args[1:]
	}
	return call.Args
}

// pageLiteral is the text of an argument; what is no text is a verb.
func pageLiteral(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err == nil {
			return s
		}
	case *ast.BinaryExpr:
		return pageLiteral(e.X) + pageLiteral(e.Y)
	}
	return "%v"
}

var pageVerb = regexp.MustCompile(`%[^a-z]*[a-z]`)

// pageWords are the parts of a format that say something.
func pageWords(format string) (all []string) {
	for _, words := range pageVerb.Split(format, -1) {
		if words = strings.Trim(words, " :(){}"); len(words) > 8 {
			all = append(all, words)
		}
	}
	return all
}
