package appsgen

import (
	"bytes"
	"embed"
	"go/format"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"
)

//go:embed templates
var templateFiles embed.FS

// newFile is a file to be made, below the root of the module.
type newFile struct {
	path string
	text []byte
}

// newFiles are the files of a new app, and of the program when there is none.
func newFiles(app NewApp, address address, module string, program program) ([]newFile, error) {
	kind := "message"
	if address.protocol == "http" {
		kind = "http"
	}
	values := map[string]string{
		"Name": app.Name, "Listen": app.Listen, "Try": address.try(),
		"Module": module, "Title": capital(ProgramName(module)),
	}
	dir := filepath.Join(appsDir, app.Name)
	wanted := [][2]string{
		{filepath.Join(dir, "start.go"), kind + ".go"},
		{filepath.Join(dir, "start_test.go"), kind + "_test.go"},
	}
	if program.missing {
		wanted = append(wanted, [2]string{filepath.Join(program.dir, "main.go"), "main.go"})
	}
	var files []newFile
	for _, w := range wanted {
		text, err := fill(w[1], values)
		if err != nil {
			return nil, err
		}
		files = append(files, newFile{w[0], text})
	}
	return files, nil
}

// fill is the text of a template as gofmt writes it.
func fill(name string, values map[string]string) ([]byte, error) {
	t, err := template.ParseFS(templateFiles, "templates/"+name+".tmpl")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, values); err != nil {
		return nil, err
	}
	return format.Source(b.Bytes())
}

var (
	majorVersion = regexp.MustCompile(`^v[0-9]+$`)
	plainName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
)

// ProgramName is what a binary of the module is called: the last part of the
// path of the module that is no version.
func ProgramName(module string) string {
	name := path.Base(module)
	if majorVersion.MatchString(name) && strings.Contains(module, "/") {
		name = path.Base(path.Dir(module))
	}
	if !plainName.MatchString(name) {
		return "service"
	}
	return name
}

func capital(name string) string {
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(first)) + name[size:]
}
