package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checked is the part of `check --json` that the tests look at.
type checked struct {
	OK      bool `json:"ok"`
	Workers []struct {
		Key     string `json:"key"`
		Address string `json:"address"`
	} `json:"workers"`
	Findings []struct {
		Level  string `json:"level"`
		Worker string `json:"worker"`
		Source string `json:"source"`
		Text   string `json:"text"`
		Advice string `json:"advice"`
	} `json:"findings"`
}

func (s *service) check(code int, args ...string) checked {
	s.t.Helper()
	r := s.run(append([]string{"check", "--json"}, args...)...).wantCode(code)
	var c checked
	if err := json.Unmarshal([]byte(r.stdout), &c); err != nil {
		s.t.Fatalf("%s: %v\n%s", r.line, err, r.out)
	}
	return c
}

// wantFinding reports when no finding about a Worker has the text.
func (c checked) wantFinding(t *testing.T, level, worker, text string) {
	t.Helper()
	for _, f := range c.Findings {
		if f.Level == level && f.Worker == worker && strings.Contains(f.Text, text) {
			if worker != "" && !strings.HasPrefix(f.Source, "apps/") || worker != "" && f.Advice == "" {
				t.Errorf("no line or advice: %+v", f)
			}
			return
		}
	}
	t.Errorf("no %s about %q that says %q in %+v", level, worker, text, c.Findings)
}

// A check lists all that would keep a start from working, and starts nothing.
func TestCheckFindsEverything(t *testing.T) {
	t.Parallel()
	web := freeAddress(t)
	s := newService(t, "E2E_HTTP="+web, "E2E_USER=no-such-user",
		"E2E_TLS="+freeAddress(t), "E2E_CERT=nowhere.pem")
	other, err := net.Listen("tcp", web)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	got := s.check(1, "--log-file", s.path("none/wm.log"), "--pid-file", s.path("none/wm.pid"))
	got.wantFinding(t, "error", "web/web", `user "no-such-user": no such user`)
	got.wantFinding(t, "error", "web/web", fmt.Sprintf("in use by pid %d (", os.Getpid()))
	got.wantFinding(t, "error", "transports/secure", "nowhere.pem")
	got.wantFinding(t, "error", "", "log file "+s.path("none/wm.log"))
	got.wantFinding(t, "error", "", "pid file "+s.path("none/wm.pid"))
	s.run("check").wantCode(1).wantText("no such user", "nowhere.pem", "end that program",
		"check failed: 3 errors, 0 warnings")
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("the check left %v, %v", entries, err)
	}
}

func TestCheckOfTheRunDirectory(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_HTTP="+freeAddress(t))
	if err := os.Chmod(s.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	s.run("check").wantCode(4).wantText("can be written by other users", "--run-dir")
	missing := filepath.Join(s.dir, "not", "there")
	s.run("check", "--run-dir", missing).wantCode(4).wantText("nor does its parent")
	if err := os.Chmod(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.run("check", "--run-dir", filepath.Dir(missing)).wantCode(0)
	if _, err := os.Stat(filepath.Dir(missing)); err == nil {
		t.Error("the check made the run directory")
	}
}

// Beside the running service its own addresses are no finding.
func TestCheckBesideTheRunningService(t *testing.T) {
	t.Parallel()
	web := freeAddress(t)
	s := newService(t, "E2E_HTTP="+web)
	s.run("check").wantCode(0).wantText("free", "check success: 1 Worker, 2 processes")
	s.start()
	before := s.snapshot()
	got := s.check(0)
	if !got.OK || len(got.Workers) != 1 || got.Workers[0].Address != "held by this service" {
		t.Errorf("%+v", got)
	}
	elsewhere := newService(t, "E2E_HTTP="+web) // another run directory
	elsewhere.ports = nil
	elsewhere.check(1).wantFinding(t, "error", "web/web",
		fmt.Sprintf("in use by pid %d (", before.MasterPID))
	s.snapshot().wantSame(t, before, "web")
}

// A restart does not stop a service that could not get an address again.
func TestRestartLooksAtAddressesFirst(t *testing.T) {
	t.Parallel()
	web, text := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+web)
	s.start()
	before := s.snapshot()
	other, err := net.Listen("tcp", text)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s.env = append(s.env, "E2E_TEXT="+text)
	s.run("restart", "-d").wantCode(1).wantText(fmt.Sprintf("in use by pid %d (", os.Getpid()))
	s.snapshot().wantSame(t, before, "web")
	other.Close()
	s.run("restart", "-d").wantCode(0)
}
