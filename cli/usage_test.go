package cli

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/ipc"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestHelpTexts(t *testing.T) {
	for _, c := range []struct{ golden, args string }{
		{"usage", ""},
		{"usage", "help"},
		{"usage", "--help"},
		{"usage", "-h"},
		{"start", "start --help"},
		{"dev", "dev --help"},
		{"stop", "help stop"},
		{"restart", "restart -h"},
		{"reload", "help reload"},
		{"upgrade", "help upgrade"},
		{"status", "status -h"},
		{"connections", "connections --help"},
		{"history", "history --help"},
		{"check", "check --help"},
		{"diff", "diff --help"},
		{"new", "help new"},
		{"version", "help version"},
	} {
		var out, errs bytes.Buffer
		if code := runProgram(t, &out, &errs, strings.Fields(c.args)...); code != ipc.CodeDone {
			t.Errorf("wm %s: exit status %d", c.args, code)
		}
		if errs.Len() > 0 {
			t.Errorf("wm %s: on standard error: %s", c.args, &errs)
		}
		for line := range strings.Lines(out.String()) {
			if len(line) > 80+len("\n") {
				t.Errorf("wm %s: %d columns: %s", c.args, len(line)-1, line)
			}
		}
		golden(t, c.golden, out.Bytes())
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"strat", "wm: unknown command: strat"},
		{"start --nonsense", "wm: unknown flag: --nonsense"},
		{"stop -d", "wm: stop has no flag -d"},
		{"stop now", "wm: unexpected argument: now"},
		{"new a b", "wm: unexpected argument: b"},
	} {
		var out, errs bytes.Buffer
		if code := runProgram(t, &out, &errs, strings.Fields(c.args)...); code != ipc.CodeUsage {
			t.Errorf("wm %s: exit status %d, want %d", c.args, code, ipc.CodeUsage)
		}
		if out.Len() > 0 {
			t.Errorf("wm %s: on standard output: %s", c.args, &out)
		}
		if named := c.args != "strat"; named == strings.Contains(errs.String(), "Commands:") {
			t.Errorf("wm %s: help of all commands, or not of its own:\n%s", c.args, &errs)
		}
		if lines := strings.Count(errs.String(), "\n"); lines > 20 {
			t.Errorf("wm %s: the error is %d lines above the prompt", c.args, lines)
		}
		if text := errs.String(); !strings.HasPrefix(text, c.want) || !strings.Contains(text, "Usage:") {
			t.Errorf("wm %s: no %q and usage in:\n%s", c.args, c.want, text)
		}
	}
}

func TestVersionNamesBothVersionsOfAnOwnProgram(t *testing.T) {
	var out bytes.Buffer
	p := Program{Name: "chat", Version: "7.1"}
	if code := p.Run(context.Background(), []string{"version"}, &out, &out); code != ipc.CodeDone {
		t.Errorf("exit status %d", code)
	}
	if got := out.String(); !strings.HasPrefix(got, "chat/7.1 wm/") {
		t.Errorf("printed %q", got)
	}
}

// runProgram runs a command line of a program with fixed version.
func runProgram(t *testing.T, out, errs *bytes.Buffer, args ...string) int {
	t.Helper()
	return Program{Version: "1.2.3"}.Run(context.Background(), args, out, errs)
}

// golden compares got with testdata/cli/NAME.golden.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("..", "testdata", "cli", name+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}
