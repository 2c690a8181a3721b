package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// plan is the part of `diff --json` that the tests look at.
type plan struct {
	Refused    string `json:"refused"`
	SameBinary bool   `json:"same_binary"`
	Summary    string `json:"summary"`
	Workers    []struct {
		Key    string   `json:"key"`
		Change string   `json:"change"`
		Why    []string `json:"why"`
		Opens  []string `json:"opens"`
		Closes []string `json:"closes"`
		Steps  []struct {
			Slot       int    `json:"slot"`
			Action     string `json:"action"`
			PID        int    `json:"pid"`
			Generation int    `json:"generation"`
		} `json:"steps"`
	} `json:"workers"`
}

func planOf(t testing.TB, r result) plan {
	t.Helper()
	var p plan
	if err := json.Unmarshal([]byte(r.stdout), &p); err != nil {
		t.Fatalf("%s: %v\n%s", r.line, err, r.out)
	}
	return p
}

// standing is what a diff must leave as it is.
type standing struct {
	Pids        map[string]int
	Descriptors int // of the master
	Binary      [sha256.Size]byte
	Beside      []string // files
}

func (s *service) standing() standing {
	s.t.Helper()
	snap := s.snapshot()
	text, err := os.ReadFile(s.bin)
	if err != nil {
		s.t.Fatal(err)
	}
	st := standing{Pids: seatsOf(snap), Binary: sha256.Sum256(text)}
	entries, err := os.ReadDir(filepath.Dir(s.bin))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != ".wm.build" { // the lock of builds, which stays
			st.Beside = append(st.Beside, e.Name())
		}
	}
	var last int
	waitFor(s.t, eventLimit, "a constant number of descriptors", func() bool {
		last, st.Descriptors = st.Descriptors, len(descriptors(snap.MasterPID))
		return last == st.Descriptors
	})
	return st
}

// seatsOf is the pid of each running process by slot.
func seatsOf(snap snapshot) map[string]int {
	pids := map[string]int{}
	for _, p := range snap.Processes {
		if p.State == "running" {
			pids[fmt.Sprintf("%s/%d", p.Key, p.Slot)] = p.PID
		}
	}
	return pids
}

// A diff changes nothing, and the reload after it does what it said, whatever
// an author does to his apps.
func TestReloadDoesWhatDiffSaid(t *testing.T) {
	t.Parallel()
	web, a, b := freeAddress(t), freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+web, "E2E_COUNT=2", "E2E_EXTRA_A="+a, "E2E_EXTRA_B="+b)
	apps := s.newTree()
	s.start()
	for _, c := range []struct {
		name, summary string
		change        func()
		why           []string
	}{
		{"nothing", "2 replace", func() {}, []string{"the same build again"}},
		{"dropped in", "2 start, 2 replace, 1 address opens",
			func() { dropIn(t, apps, "extra") }, []string{"new app", "text://" + a}},
		{"Count", "1 start, 4 replace",
			func() { edit(t, apps, "extra", "w.Count = 2", "w.Count = 3") }, nil},
		{"fewer", "3 replace, 2 drain",
			func() { edit(t, apps, "extra", "w.Count = 3", "w.Count = 1") }, []string{"Count 3 -> 1"}},
		{"address", "3 replace, 1 address opens, 1 address closes",
			func() { edit(t, apps, "extra", "E2E_EXTRA_A", "E2E_EXTRA_B") },
			[]string{"address text://" + a + " -> text://" + b, "closes text://" + a}},
		{"removed", "2 replace, 1 drain, 1 address closes",
			func() { remove(t, apps, "extra") }, []string{"app removed", "closes text://" + b}},
	} {
		c.change()
		before := s.standing()
		if c.why != nil { // each diff is a build
			s.run("diff").wantCode(0).wantText(c.why...).wantText(c.summary+"; ", " reload")
		}
		said := planOf(t, s.run("diff", "--json").wantCode(0))
		if said.Summary != c.summary {
			t.Errorf("%s: %q, want %q", c.name, said.Summary, c.summary)
		}
		if after := s.standing(); !reflect.DeepEqual(after, before) {
			t.Errorf("%s: diff made %+v of %+v", c.name, after, before)
		}
		s.run("reload").wantCode(0).wantText("plan     " + c.summary)
		said.wantDone(t, before.Pids, seatsOf(s.snapshot()))
	}
	for _, address := range []string{a, b} {
		waitFor(t, eventLimit, "closed addresses", func() bool { return free(address) })
	}
}

// wantDone compares what was said with the pids before and after a reload.
func (p plan) wantDone(t *testing.T, before, after map[string]int) {
	t.Helper()
	left := 0
	for _, w := range p.Workers {
		for _, step := range w.Steps {
			label := fmt.Sprintf("%s/%d", w.Key, step.Slot)
			old, now := before[label], after[label]
			done := map[string]bool{
				"start": old == 0 && now != 0, "replace": now != 0 && now != old,
				"drain": now == 0, "keep": now == old,
			}[step.Action]
			if !done || step.PID != old {
				t.Errorf("%s: said %+v; process %d became %d", label, step, old, now)
			}
			if now != 0 {
				left++
			}
		}
	}
	if left != len(after) {
		t.Errorf("%d slots are served, the plan has %d", len(after), left)
	}
}

// What would make a reload fail is told before, with who is in the way.
func TestDiffOfWhatAReloadWouldRefuse(t *testing.T) {
	t.Parallel()
	web, a := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+web, "E2E_COUNT=1", "E2E_EXTRA_A="+a)
	apps := s.newTree()
	s.start()
	other, err := net.Listen("tcp", a)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	before := s.standing()
	dropIn(t, apps, "extra")
	edit(t, apps, "extra", "w.Count = 2", `w.Count = 2; w.User = ""`)
	taken := fmt.Sprintf("listen text://%s: address already in use by pid %d (", a, os.Getpid())
	s.run("diff").wantCode(1).wantText("worker extra/extra (apps/extra/start.go:", taken)
	if got := planOf(t, s.run("diff", "--json").wantCode(1)); !strings.Contains(got.Refused, taken) {
		t.Errorf("refused: %q", got.Refused)
	}
	s.run("reload").wantCode(1).wantText("reload failed: ", taken, "\nno process was changed\n")
	other.Close()
	edit(t, apps, "extra", `w.User = ""`, `w.User = "no-such-user"`)
	s.run("diff").wantCode(1).wantText(`user "no-such-user": no such user`)
	remove(t, apps, "extra")
	dropIn(t, apps, "panics")
	s.run("diff").wantCode(1).wantText("panics", "dropped in and gone wrong")
	remove(t, apps, "panics")
	dropIn(t, apps, "broken")
	s.run("diff").wantCode(1).wantText("thisNameDoesNotExist")
	if after := s.standing(); !reflect.DeepEqual(after, before) {
		t.Errorf("diff made %+v of %+v", after, before)
	}
}

func TestDiffWhenNothingRuns(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.run("diff").wantCode(7).wantText("not run")
	s.run("diff", "--app", "web").wantCode(2)
}
