package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

// TestEveryRowMeasuresTheRealServer is the whole program with short rounds and
// few connections: its figures say nothing, but each row must have some.
func TestEveryRowMeasuresTheRealServer(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	var table strings.Builder
	err := run(t.Context(), options{duration: 100 * time.Millisecond, rounds: 1, idle: 50,
		warmup: 10 * time.Millisecond, settle: 100 * time.Millisecond, receivers: 20},
		&table, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(table.String(), "\n")
	for _, r := range rows() {
		if !anyHasPrefix(lines, r.name) {
			t.Errorf("no row %q in\n%s", r.name, table.String())
		}
	}
	if strings.Count(table.String(), "encoded once ok") != 2 {
		t.Errorf("broadcasts are not encoded once:\n%s", table.String())
	}
}

func anyHasPrefix(lines []string, prefix string) bool {
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

func TestChosenRowsIncludeTheFloor(t *testing.T) {
	chosen, err := choose([]string{"text"})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, r := range chosen {
		seen[r.kind] = true
	}
	if !seen[floorKind] || !seen["text"] || len(seen) != 2 {
		t.Errorf("kinds %v", seen)
	}
	if _, err := choose([]string{"text", "smoke"}); err == nil ||
		!strings.Contains(err.Error(), `"smoke"`) {
		t.Errorf("error %v", err)
	}
}

func TestRowsHaveNamesOfTheirOwn(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range rows() {
		if seen[r.name] {
			t.Errorf("two rows are called %q", r.name)
		}
		seen[r.name] = true
	}
}
