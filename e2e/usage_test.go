package e2e

import (
	"strings"
	"testing"
)

var commands = []string{"start", "stop", "restart", "reload", "status", "connections"}

func TestUsage(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, args := range [][]string{{}, {"help"}, {"--help"}, {"-h"}} {
		r := s.run(args...).wantCode(0)
		r.wantText(commands...)
		r.wantText("-d", "-g")
	}
}

func TestUnknownWordsAreRefused(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, args := range [][]string{
		{"strat"},
		{"start", "--nonsense"},
		{"--nonsense", "start", "-d"},
		{"start", "-x"},
		{"status", "--run-dir"},
		{"stop", "now"},
	} {
		r := s.run(args...).wantCode(2)
		if bad := args[len(args)-1]; len(args) == 1 && !strings.Contains(r.out, bad) {
			t.Errorf("%s: does not name %q:\n%s", r.line, bad, r.out)
		}
	}
	if n := len(s.processes()); n != 0 {
		t.Errorf("%d processes after refused commands", n)
	}
}

// Exit statuses are those of LSB init scripts.
func TestStatusWhenNothingRuns(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, c := range []struct {
		command string
		code    int
	}{{"stop", 0}, {"status", 3}, {"reload", 7}, {"connections", 7}} {
		s.run(c.command).wantCode(c.code).wantText("not run")
	}
	s.run("status", "--json").wantCode(3)
}

func TestFlagsMayStandBeforeTheCommand(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	s.run("-d", "start").wantCode(0).wantText("DAEMON mode")
	s.run("--json", "status").wantCode(0).wantText(`"schema"`)
	s.run("-g", "stop").wantCode(0)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.run("version").wantCode(0).wantText("0.1.0")
}

func TestCheckStartsNothing(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HTTP="+address)
	s.run("check").wantCode(0)
	if !free(address) || len(s.processes()) != 0 {
		t.Error("check left something running")
	}
	s.env = append(s.env, "E2E_ADDRESS=nonsense://"+freeAddress(t))
	s.run("check").wantCode(1).wantText("nonsense://")
}

// Without a terminal nothing is coloured, so that scripts read plain text.
func TestOutputIsPlainWithoutATerminal(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t), "NO_COLOR=")
	out := s.start().out + s.run("status").wantCode(0).out + s.run("connections").wantCode(0).out
	if strings.Contains(out, "\x1b") {
		t.Errorf("escape sequences in:\n%q", out)
	}
}
