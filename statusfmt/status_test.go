package statusfmt

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/workerman-go/wm/ipc"
)

// A CJK locale makes the table library count some narrow characters as wide;
// the page must not depend on where it is drawn.
func TestLocaleDoesNotMoveColumns(t *testing.T) {
	in := readInput(t, filepath.Join(goldenDir, "status_cjk_ipv6.in"))
	want, err := in.draw("status")
	if err != nil {
		t.Fatal(err)
	}
	twwidth.SetEastAsian(true)
	got, err := in.draw("status")
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("in a CJK locale:\n%s\nelsewhere:\n%s", got, want)
	}
}

func TestColumnsStayInPlace(t *testing.T) {
	const mark = "|"
	names := []string{
		"a", "聊天室服务", "채팅", "café", "emoji 👩‍👩‍👧 x", "a  b", "", " x ", "\x1b[31m",
	}
	var rows [][]string
	for _, n := range names {
		rows = append(rows, []string{clean(n), mark})
	}
	lines, err := table([]column{{"name", left}, {mark, left}}, rows, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != len(rows)+1 {
		t.Fatalf("%d lines for %d rows", len(lines), len(rows))
	}
	for i, l := range lines {
		if before, found := strings.CutSuffix(l, mark); !found || display(before) != 16 {
			t.Errorf("line %d: column at %d: %q", i, display(before), l)
		}
	}
}

func TestRowColoursOnlyTheTag(t *testing.T) {
	p := newPage(Options{Colour: true})
	p.row("1  [idle]  [idle]", "[idle]", tag{"[idle]", green})
	p.row("2  something else", "[idle]", tag{"[idle]", green})
	want := "1  [idle]  \x1b[32m[idle]\x1b[0m\n2  something else\n"
	if got := p.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDrawingLeavesTheSnapshotAlone(t *testing.T) {
	snap := &ipc.Snapshot{
		Processes: []ipc.ProcessRow{{PID: 9}, {PID: 3}},
		Exits:     []ipc.ExitRow{{Key: "b"}, {Key: "a"}},
	}
	if err := Status(io.Discard, snap, Options{}); err != nil {
		t.Fatal(err)
	}
	rows := []ipc.ConnectionRow{{PID: 9}, {PID: 3}}
	if err := Connections(io.Discard, rows, nil, Options{}); err != nil {
		t.Fatal(err)
	}
	if snap.Processes[0].PID != 9 || snap.Exits[0].Key != "b" || rows[0].PID != 9 {
		t.Errorf("input was reordered: %+v %+v", snap, rows)
	}
}

// once takes one write, as a page must need no more, and then fails.
type once struct{ writes int }

var errFull = errors.New("full")

func (o *once) Write(p []byte) (int, error) {
	o.writes++
	return 0, errFull
}

func TestWriteErrorIsReturned(t *testing.T) {
	snap := &ipc.Snapshot{}
	for i, draw := range []func(io.Writer) error{
		func(w io.Writer) error { return Banner(w, snap, Options{}) },
		func(w io.Writer) error { return Status(w, snap, Options{}) },
		func(w io.Writer) error { return Connections(w, nil, nil, Options{}) },
		func(w io.Writer) error { return JSON(w, snap) },
		func(w io.Writer) error { return ConnectionsJSON(w, nil, nil) },
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			var w once
			if err := draw(&w); !errors.Is(err, errFull) || w.writes != 1 {
				t.Errorf("err = %v after %d writes, want %v after 1", err, w.writes, errFull)
			}
		})
	}
}

// What is on its way out is told with what it waits for, and is no mixture.
func TestDrainingIsNoMixedGenerations(t *testing.T) {
	taken := time.Unix(1_000_000, 0)
	snap := &ipc.Snapshot{
		State: "running", Generation: 3, Taken: taken, Workers: []ipc.WorkerRow{{Key: "a"}},
	}
	snap.Processes = []ipc.ProcessRow{{Key: "a", PID: 1, Generation: 3, State: "running"}}
	for i := range maxDrainNotes + 2 {
		snap.Processes = append(snap.Processes, ipc.ProcessRow{
			Key: "a", Slot: i, PID: 100 + i, Generation: 2, State: "draining",
			ToldAt: taken.Add(-time.Duration(i) * time.Minute), WaitsFor: "2 connections (oldest 9 s)",
		})
	}
	snap.Processes[2].KillAt = taken.Add(3 * time.Second)
	got := notes(snap)
	if len(got) != maxDrainNotes+1 || got[maxDrainNotes] != "... and 2 processes more" ||
		got[0] != "Draining a/9 pid 109 of generation 2: for 9m, without a limit, "+
			"waits for 2 connections (oldest 9 s)" {
		t.Errorf("notes %q", got)
	}
	snap.Processes = snap.Processes[:3]
	want := "Draining a/1 pid 101 of generation 2: for 60s, 3s left, " +
		"waits for 2 connections (oldest 9 s)"
	if got := notes(snap); len(got) != 2 || got[0] != want {
		t.Errorf("notes %q, want %q", got, want)
	}
}

func TestMixedVersions(t *testing.T) {
	process := func(generation int, version, wm string) ipc.ProcessRow {
		return ipc.ProcessRow{Key: "a", PID: 1, Generation: generation, Version: version, WM: wm}
	}
	for _, tt := range []struct {
		name      string
		program   string
		processes []ipc.ProcessRow
		want      string
	}{
		{"the same", "wm", []ipc.ProcessRow{process(1, "1.0", "1.0")}, ""},
		{"nobody says", "wm", []ipc.ProcessRow{process(1, "", "")}, ""},
		{"another wm", "wm", []ipc.ProcessRow{process(2, "1.1", "1.1"), process(2, "1.1", "1.1")},
			"the master runs wm/1.0, generation 2 (2 processes) wm/1.1"},
		{"another program", "shop", []ipc.ProcessRow{process(2, "7", "1.0"), process(1, "1.0", "1.0")},
			"the master runs shop/1.0 with wm/1.0, generation 2 (1 process) shop/7 with wm/1.0"},
		{"its wm alone is known", "shop", []ipc.ProcessRow{process(1, "", "0.9")},
			"the master runs shop/1.0 with wm/1.0, generation 1 (1 process) wm/0.9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap := &ipc.Snapshot{
				Program: tt.program, Version: "1.0", WM: "1.0", Processes: tt.processes,
				Workers: []ipc.WorkerRow{{Key: "a", Kept: true}},
			}
			got := versionsNote(snap)
			if tt.want != "" {
				tt.want = "Mixed versions: " + tt.want
			}
			if got != tt.want {
				t.Errorf("note %q, want %q", got, tt.want)
			}
		})
	}
}

// A Gateway is of the generation that it was started with for as long as it runs;
// that is nothing to look into.
func TestKeptProcessesAreNoMixedGenerations(t *testing.T) {
	snap := &ipc.Snapshot{
		State: "running", Generation: 3,
		Workers: []ipc.WorkerRow{{Key: "gateway", Kept: true}, {Key: "business"}},
		Processes: []ipc.ProcessRow{
			{Key: "gateway", PID: 1, Generation: 1}, {Key: "business", PID: 2, Generation: 3},
			{Key: "business", PID: 3, Generation: 3},
		},
	}
	if got := notes(snap); len(got) > 0 {
		t.Errorf("notes %q", got)
	}
	snap.Processes[2].Generation = 2
	want := "Mixed generations: 2 (1 process), 3 (1 process); current is 3; pid file "
	if got := notes(snap); len(got) != 1 || got[0] != want {
		t.Errorf("notes %q, want %q", got, want)
	}
}
