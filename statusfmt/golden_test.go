package statusfmt

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

var update = flag.Bool("update", false, "write the golden files anew")

const goldenDir = "../testdata/statusfmt"

// input is what one NAME.in holds; NAME begins with the view that draws it.
type input struct {
	Options  Options
	Snapshot ipc.Snapshot
	Rows     []ipc.ConnectionRow
	Unlisted []ipc.UnlistedRow
	Plan     ipc.Plan
	Check    ipc.Check
	Entries  []rundir.HistoryEntry
	Damaged  int
}

func (in *input) draw(view string) (string, error) {
	var buf bytes.Buffer
	var err error
	switch view {
	case "banner":
		err = Banner(&buf, &in.Snapshot, in.Options)
	case "status":
		err = Status(&buf, &in.Snapshot, in.Options)
	case "json":
		err = JSON(&buf, &in.Snapshot)
	case "connections":
		err = Connections(&buf, in.Rows, in.Unlisted, in.Options)
	case "plan":
		err = Plan(&buf, &in.Plan, in.Options)
	case "planjson":
		err = PlanJSON(&buf, &in.Plan)
	case "check":
		err = Check(&buf, &in.Check, in.Options)
	case "checkjson":
		err = CheckJSON(&buf, &in.Check)
	case "history":
		err = History(&buf, in.Entries, in.Damaged, in.Options)
	case "historyjson":
		err = HistoryJSON(&buf, in.Entries, in.Damaged)
	case "connectionsjson":
		err = ConnectionsJSON(&buf, in.Rows, in.Unlisted)
	}
	return buf.String(), err
}

func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob(goldenDir + "/*.in")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs in %s: %v", goldenDir, err)
	}
	for _, path := range inputs {
		name := strings.TrimSuffix(filepath.Base(path), ".in")
		t.Run(name, func(t *testing.T) {
			in := readInput(t, path)
			view, _, _ := strings.Cut(name, "_")
			got, err := in.draw(view)
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, name, got)
			if again, _ := in.draw(view); again != got {
				t.Errorf("drawn twice, the second differs:\n%s", again)
			}
		})
	}
}

func readInput(t *testing.T, path string) *input {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	in := new(input)
	if err := dec.Decode(in); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return in
}

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join(goldenDir, name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update if that is meant)\ngot:\n%s\nwant:\n%s",
			path, got, want)
	}
}
