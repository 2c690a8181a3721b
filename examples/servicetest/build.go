package servicetest

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// build makes the programs of the example in the current directory, with free
// in the place of the address in their source, which somebody may be using.
func build(t testing.TB, dir, address, free string) {
	t.Helper()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	err := filepath.WalkDir(".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".go" {
			return err
		}
		source, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(source, []byte(address)) {
			return err
		}
		original, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		moved := filepath.Join(dir, strings.ReplaceAll(file, string(filepath.Separator), "_"))
		overlay.Replace[original] = moved
		source = bytes.ReplaceAll(source, []byte(address), []byte(free))
		return os.WriteFile(moved, source, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(overlay.Replace) == 0 {
		t.Fatalf("the source of the example does not mention %s", address)
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"build", "-buildvcs=false", "-overlay", file, "-o", dir + "/", "./..."}
	if out, err := run("go", environ(), args...); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}
