package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

// TestSoak is the whole program for a moment: it says little about leaks, but
// every act must be answered rightly, and every process must be in the table.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a service")
	}
	var table strings.Builder
	o := options{duration: time.Second, rate: 100, seed: 1}
	good, err := run(t.Context(), o, &table, io.Discard)
	if err != nil || !good {
		t.Fatalf("good %v, error %v\n%s", good, err, table.String())
	}
	for _, name := range append(overTCP, "unix", "udp", "master") {
		if !strings.Contains(table.String(), "\n"+name) {
			t.Errorf("no line for %s in\n%s", name, table.String())
		}
	}
}
