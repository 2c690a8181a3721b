package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newTree gives the service a source tree of its own, whose binary the
// commands are.
func (s *service) newTree() (apps string) {
	s.t.Helper()
	tree := filepath.Join(s.t.TempDir(), "src")
	if err := copyTree(built.tree, tree); err != nil {
		s.t.Fatal(err)
	}
	s.bin = filepath.Join(tree, "bin", "wm")
	if err := install(built.lab, s.bin); err != nil {
		s.t.Fatal(err)
	}
	return filepath.Join(tree, "apps")
}

// dropIn copies an app of testdata/dropin into the tree.
func dropIn(t *testing.T, apps, name string) {
	t.Helper()
	from := filepath.Join("testdata", "dropin", name)
	if err := copyTree(from, filepath.Join(apps, name)); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, apps, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(apps, name)); err != nil {
		t.Fatal(err)
	}
}

// edit replaces a piece of text in an app's start.go.
func edit(t *testing.T, apps, name, from, to string) {
	t.Helper()
	path := filepath.Join(apps, name, "start.go")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		t.Fatalf("no %q in %s", from, path)
	}
	write(t, path, strings.ReplaceAll(string(text), from, to))
}

// All that an author does is to copy, change or remove a folder and to run wm
// reload; clients of the other apps notice nothing.
func TestDropIn(t *testing.T) {
	t.Parallel()
	web, a, b := freeAddress(t), freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+web, "E2E_COUNT=2", "E2E_EXTRA_A="+a, "E2E_EXTRA_B="+b)
	apps := s.newTree()
	makeBuild(t, apps)  // here with the path of its tree in it, as authors build
	s.cwd = t.TempDir() // the tree is found from the binary, not from here
	s.start()
	pause := paced(t, web)

	dropIn(t, apps, "extra")
	s.run("reload").wantCode(0)
	wantEdition(t, a, "first")
	s.waitWhole("extra", 2)

	edit(t, apps, "extra", `"first "`, `"second "`)
	s.run("reload").wantCode(0)
	wantEdition(t, a, "second")

	edit(t, apps, "extra", "E2E_EXTRA_A", "E2E_EXTRA_B")
	edit(t, apps, "extra", "w.Count = 2", "w.Count = 3")
	s.run("reload").wantCode(0)
	wantEdition(t, b, "second")
	s.waitWhole("extra", 3)
	waitFor(t, eventLimit, "the old address is closed", func() bool { return free(a) })

	remove(t, apps, "extra")
	s.run("reload").wantCode(0)
	waitFor(t, eventLimit, "the removed address is closed", func() bool { return free(b) })
	waitFor(t, eventLimit, "a master and 2 processes", func() bool { return len(s.processes()) == 3 })
	pause()
	wantNoScratch(t, filepath.Dir(s.bin))
}

// makeBuild runs `make build` in the tree that has the apps.
func makeBuild(t *testing.T, apps string, env ...string) {
	t.Helper()
	build := exec.Command("make", "build")
	build.Dir, build.Env = filepath.Dir(apps), append(os.Environ(), env...)
	if text, err := runCommand(build); err != nil {
		t.Fatalf("make build: %v\n%s", err, text)
	}
}

// paced asks an address again and again until the returned function is called,
// which reports the failures.
func paced(t *testing.T, address string) (stop func()) {
	t.Helper()
	var all load
	all.add(1, func() error {
		_, err := fetch(address, "/", replyLimit)
		time.Sleep(pollEvery) // leaves the processor to the compiler
		return err
	})
	return func() {
		t.Helper()
		all.stop()
		if all.bad() != 0 {
			t.Errorf("clients of the other app saw: %s", &all.outcomes)
		}
	}
}

func wantEdition(t *testing.T, address, edition string) {
	t.Helper()
	for range 6 {
		if got := newClient(t, address).mustLine(t, "x"); got != edition+" x" {
			t.Errorf("answer %q, want edition %s", got, edition)
		}
	}
}

// wantNoScratch reports what a build left beside the binary.
func wantNoScratch(t *testing.T, bin string) {
	t.Helper()
	entries, err := os.ReadDir(bin)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "next") {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

// An app that is wrong is shown with its name; everything keeps running, and
// goes on as soon as it is right.
func TestDropInOfWrongApps(t *testing.T) {
	t.Parallel()
	web, a := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+web, "E2E_COUNT=1", "E2E_EXTRA_A="+a)
	apps := s.newTree()
	s.start()
	before := s.snapshot()
	for _, c := range []struct {
		name  string
		texts []string
	}{
		{"broken", []string{"thisNameDoesNotExist", "apps/broken/start.go:5"}},
		{"panics", []string{"panics", "dropped in and gone wrong"}},
		{"exits", []string{"exits", "5"}},
		{"hangs", []string{"hangs"}},
		{"twin", []string{"twin", "web", web}},
	} {
		dropIn(t, apps, c.name)
		s.run("reload").wantCode(1).wantText(c.texts...)
		s.snapshot().wantSame(t, before, "web")
		mustFetch(t, web, "/")
		remove(t, apps, c.name)
	}
	dropIn(t, apps, "extra")
	s.run("reload").wantCode(0)
	wantEdition(t, a, "first")
}

// start, restart and check build too, and refuse what does not compile.
func TestStartAndRestartBuild(t *testing.T) {
	t.Parallel()
	web, a := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+web, "E2E_COUNT=1", "E2E_EXTRA_A="+a)
	apps := s.newTree()
	dropIn(t, apps, "broken")
	s.run("check").wantCode(1).wantText("thisNameDoesNotExist")
	s.run("start", "-d").wantCode(1).wantText("thisNameDoesNotExist")
	remove(t, apps, "broken")
	dropIn(t, apps, "extra")
	s.start()
	wantEdition(t, a, "first")
	edit(t, apps, "extra", `"first "`, `"second "`)
	dropIn(t, apps, "broken")
	s.run("restart", "-d").wantCode(1)
	wantEdition(t, a, "first")
	remove(t, apps, "broken")
	s.run("restart", "-d").wantCode(0)
	wantEdition(t, a, "second")
}

// Building alone changes nothing for what runs.
func TestRespawnAfterMakeBuild(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_EXTRA_A="+address)
	apps := s.newTree()
	dropIn(t, apps, "extra")
	s.start()
	edit(t, apps, "extra", `"first "`, `"second "`)
	makeBuild(t, apps, "GOFLAGS=-trimpath")
	old := s.snapshot().pidsOf("extra")
	for _, pid := range old {
		kill(t, pid, unix.SIGKILL)
	}
	s.waitSnapshot("two successors", func(snap snapshot) bool {
		now := snap.pidsOf("extra")
		return snap.whole("extra", 2) == nil && now[0] != old[0] && now[1] != old[1]
	})
	wantEdition(t, address, "first")
	s.run("reload").wantCode(0)
	wantEdition(t, address, "second")
}
