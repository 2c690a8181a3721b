package statusfmt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// TestSchema shows every change of the JSON in review. One that takes a field
// away or changes its meaning needs a new ipc.SchemaVersion; each needs a line
// in docs/status.md.
func TestSchema(t *testing.T) {
	status := schemaLines("status", reflect.TypeFor[ipc.Snapshot]())
	conns := schemaLines("connections", reflect.TypeFor[connectionsDocument]())
	lines := append([]string{fmt.Sprintf("schema %d", ipc.SchemaVersion)},
		append(status, conns...)...)
	checkGolden(t, "schema", strings.Join(lines, "\n")+"\n")
}

func TestSchemaIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/status.md")
	if err != nil {
		t.Fatal(err)
	}
	all := append(schemaLines("", reflect.TypeFor[ipc.Snapshot]()),
		schemaLines("", reflect.TypeFor[connectionsDocument]())...)
	for _, l := range all {
		path, _, _ := strings.Cut(l, " ")
		name := path[strings.LastIndex(path, ".")+1:]
		if !bytes.Contains(page, []byte("`"+strings.TrimSuffix(name, "[]")+"`")) {
			t.Errorf("docs/status.md does not explain %s", path)
		}
	}
}

// schemaLines lists the fields of typ as "path type", with "?" behind those
// that are left out when empty.
func schemaLines(path string, typ reflect.Type) (lines []string) {
	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous {
			lines = append(lines, schemaLines(path, f.Type)...)
			continue
		}
		full, elem := path+"."+name, f.Type
		if elem.Kind() == reflect.Slice {
			full, elem = full+"[]", elem.Elem()
		}
		kind := jsonKind(elem)
		if strings.HasPrefix(options, "omit") {
			kind += "?"
		}
		lines = append(lines, full+" "+kind)
		if kind == "object" {
			lines = append(lines, schemaLines(full, elem)...)
		}
	}
	return lines
}

func jsonKind(typ reflect.Type) string {
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return "time"
	case typ.Kind() == reflect.Struct:
		return "object"
	case typ.Kind() == reflect.String:
		return "string"
	case typ.Kind() == reflect.Bool:
		return "bool"
	case typ.Kind() == reflect.Float64:
		return "number"
	}
	return "integer"
}

func TestJSONLeavesTheSnapshotAlone(t *testing.T) {
	snap := &ipc.Snapshot{Processes: []ipc.ProcessRow{{PID: 9}, {PID: 3}}}
	var buf bytes.Buffer
	if err := JSON(&buf, snap); err != nil {
		t.Fatal(err)
	}
	if snap.Processes[0].PID != 9 || snap.Schema != 0 || snap.Workers != nil {
		t.Errorf("JSON changed its input: %+v", snap)
	}
	var back ipc.Snapshot
	if err := json.Unmarshal(buf.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Schema != ipc.SchemaVersion || back.Processes[0].PID != 3 {
		t.Errorf("read back schema %d, first pid %d", back.Schema, back.Processes[0].PID)
	}
}
