package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// buildLimit is for what needs a build: several of them share the machine.
const buildLimit = 3 * time.Minute

// watching starts the service of a source tree with `wm dev`, or with args, in
// a process group of its own, and waits until changes are seen.
func (s *service) watching(args ...string) *command {
	s.t.Helper()
	if len(args) == 0 {
		args = []string{"dev"}
	}
	c := s.begin(func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	}, args...)
	s.wantShown(c, "watching apps/ for changes\n", 1)
	return c
}

// wantShown waits until the terminal of c has shown a piece of text n times.
func (s *service) wantShown(c *command, piece string, n int) {
	s.t.Helper()
	if !poll(buildLimit, func() bool { return strings.Count(c.both.String(), piece) >= n }) {
		s.t.Fatalf("%s: %q is not shown %d times:\n%s", c.line, piece, n, c.both.String())
	}
	if got := strings.Count(c.both.String(), piece); got != n {
		s.t.Fatalf("%s: %q is shown %d times, want %d:\n%s", c.line, piece, got, n, c.both.String())
	}
}

// wantLive waits for the line of a reload.
func (s *service) wantLive(c *command, subject string, generation int) {
	s.t.Helper()
	s.wantShown(c, fmt.Sprintf("changed %s: generation %d is live, built in ", subject, generation), 1)
}

// watcher is the pid of the watcher of the service, 0 when there is none.
func (s *service) watcher() int {
	for _, pid := range s.processes() {
		if title(pid) == "wm: watcher" {
			return pid
		}
	}
	return 0
}

// saved writes a file as many editors do: beside it, then in its place.
func saved(t *testing.T, path, text string) {
	t.Helper()
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".swx")
	write(t, temp, text)
	if err := os.Rename(temp, path); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// developed is a service of a tree with the app extra under `wm dev`, and the
// address of that app.
func developed(t *testing.T, env ...string) (s *service, c *command, apps, address string) {
	t.Helper()
	address = freeAddress(t)
	s = newService(t, append(env, "E2E_EXTRA_A="+address)...)
	apps = s.newTree()
	s.cwd = t.TempDir()
	dropIn(t, apps, "extra")
	return s, s.watching(), apps, address
}

// What an author does all day: edit, save, look.
func TestDevServesWhatIsSaved(t *testing.T) {
	t.Parallel()
	s, c, apps, a := developed(t)
	wantEdition(t, a, "first")
	start := filepath.Join(apps, "extra", "start.go")

	edit(t, apps, "extra", `"first "`, `"second "`)
	s.wantLive(c, "apps/extra/start.go", 2)
	wantEdition(t, a, "second")

	saved(t, start, strings.ReplaceAll(read(t, start), `"second "`, `"third "`))
	s.wantLive(c, "apps/extra/start.go", 3)
	wantEdition(t, a, "third")

	// A touch and a save of the same bytes change nothing; what follows is the
	// next generation.
	saved(t, start, read(t, start))
	if err := os.Chtimes(start, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	edit(t, apps, "extra", `"third "`, `"fourth "`)
	s.wantLive(c, "apps/extra/start.go", 4)
	wantEdition(t, a, "fourth")

	s.wantLog("reload complete, generation 4 is live")
	s.run("stop").wantCode(0)
	s.wait(c).wantCode(0)
	s.waitGone(0)
	wantNoScratch(t, filepath.Dir(s.bin))
}

// Writes that come close together lead to one reload.
func TestDevWaitsForTheLastOfManyWrites(t *testing.T) {
	t.Parallel()
	s, c, apps, a := developed(t)
	other := filepath.Join(apps, "extra", "other.go")
	generation, edition := 1, "first"
	for try := 1; ; try++ {
		began := time.Now()
		next := fmt.Sprintf("e%d", try)
		edit(t, apps, "extra", `"`+edition+` "`, `"`+next+` "`)
		write(t, other, fmt.Sprintf("package extra\n\nconst try = %d\n", try))
		quick := time.Since(began) < 100*time.Millisecond
		edition = next
		if quick {
			break
		}
		waitFor(t, buildLimit, "the new edition is served", func() bool {
			line, err := newClient(t, a).line("x", replyLimit)
			return err == nil && line == edition+" x"
		})
		generation = s.snapshot().Generation
	}
	s.wantLive(c, "apps/extra/other.go and 1 more", generation+1)
	wantEdition(t, a, edition)
}

func TestDevShowsAnErrorOnce(t *testing.T) {
	t.Parallel()
	s, c, apps, a := developed(t)
	before := s.snapshot()
	edit(t, apps, "extra", "w.Count = 2", "w.Count = thisNameDoesNotExist")
	const sentence = "the build failed, everything keeps running as it was"
	s.wantShown(c, "changed apps/extra/start.go: "+sentence, 1)
	s.wantShown(c, "undefined: thisNameDoesNotExist", 1)
	wantEdition(t, a, "first")
	s.snapshot().wantSame(t, before, "extra")

	dropIn(t, apps, "panics") // the error of the other app is the same
	s.wantShown(c, "changed apps/panics/start.go: as before, "+sentence, 1)
	s.wantShown(c, "undefined: thisNameDoesNotExist", 1)

	// It compiles now, and does not start.
	edit(t, apps, "extra", "w.Count = thisNameDoesNotExist", "w.Count = 3")
	s.wantShown(c, "changed apps/extra/start.go: not reloaded, everything keeps running as it was", 1)
	s.wantShown(c, "dropped in and gone wrong", 1)
	s.wantShown(c, "/apps/panics/start.go:", 1)
	s.wantShown(c, " lines of wm below", 1)
	s.wantShown(c, "main.main()", 0)
	s.wantLog("main.main()") // the whole trace
	wantEdition(t, a, "first")
	s.snapshot().wantSame(t, before, "extra")

	remove(t, apps, "panics")
	waitFor(t, buildLimit, "the reload", func() bool {
		return strings.Contains(c.both.String(), "changed apps/panics/start.go: generation ")
	})
	s.waitWhole("extra", 3)
}

// Apps come, are renamed and go.
func TestDevTakesUpNewApps(t *testing.T) {
	t.Parallel()
	web, a := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_HTTP="+web, "E2E_COUNT=1", "E2E_EXTRA_A="+a)
	apps := s.newTree()
	c := s.watching()
	pause := paced(t, web)
	dropIn(t, apps, "extra")
	s.wantLive(c, "apps/extra/start.go", 2)
	wantEdition(t, a, "first")

	edit(t, apps, "extra", `"first "`, `"second "`)
	s.wantLive(c, "apps/extra/start.go", 3)
	wantEdition(t, a, "second")

	if err := os.Rename(filepath.Join(apps, "extra"), filepath.Join(apps, "other")); err != nil {
		t.Fatal(err)
	}
	s.wantLive(c, "apps/extra/start.go and 1 more", 4)
	edit(t, apps, "other", `"second "`, `"third "`)
	s.wantLive(c, "apps/other/start.go", 5)
	wantEdition(t, a, "third")

	remove(t, apps, "other")
	s.wantLive(c, "apps/other/start.go", 6)
	waitFor(t, eventLimit, "the removed address is closed", func() bool { return free(a) })
	pause()
}

// A test does not concern what runs; a comment behind all code changes nothing
// in the binary.
func TestDevDoesNotReloadTheSameProgram(t *testing.T) {
	t.Parallel()
	s, c, apps, a := developed(t)
	before := s.snapshot()
	write(t, filepath.Join(apps, "extra", "start_test.go"), "package extra\n")
	start := filepath.Join(apps, "extra", "start.go")
	write(t, start, read(t, start)+"\n// The end.\n")
	s.wantShown(c, "changed apps/extra/start.go: generation 1 runs this program already", 1)
	s.snapshot().wantSame(t, before, "extra")
	wantEdition(t, a, "first")
}

func TestDevPolls(t *testing.T) {
	t.Parallel()
	s, c, apps, a := developed(t, "WM_WATCH=poll")
	for fd, to := range descriptors(s.watcher()) {
		if strings.Contains(to, "inotify") {
			t.Errorf("descriptor %d of the watcher is %s", fd, to)
		}
	}
	edit(t, apps, "extra", `"first "`, `"second "`)
	s.wantLive(c, "apps/extra/start.go", 2)
	wantEdition(t, a, "second")
}

// A killed watcher is replaced, and the new one takes in what was written
// meanwhile.
func TestKilledWatcherIsReplaced(t *testing.T) {
	t.Parallel()
	s, c, apps, a := developed(t)
	old := s.watcher()
	kill(t, old, unix.SIGSTOP)
	edit(t, apps, "extra", `"first "`, `"second "`)
	kill(t, old, unix.SIGKILL)
	s.wantShown(c, "changed meanwhile: generation 2 is live", 1)
	wantEdition(t, a, "second")
	if now := s.watcher(); now == old || now == 0 {
		t.Errorf("the watcher was %d and is %d", old, now)
	}
	edit(t, apps, "extra", `"second "`, `"third "`)
	s.wantLive(c, "apps/extra/start.go", 3)
	wantEdition(t, a, "third")
}

// A daemon is not watched, nor is a binary that is to run as it is.
func TestNobodyWatchesADaemon(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_EXTRA_A="+freeAddress(t))
	apps := s.newTree()
	dropIn(t, apps, "extra")
	s.start()
	s.wantUnwatched()
	s.run("stop").wantCode(0)
	c := s.begin(func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	}, "start", "--no-build")
	s.wantShown(c, "Start success.", 1)
	s.waitWhole("extra", 2)
	s.wantUnwatched()
	s.run("stop").wantCode(0)
	s.wait(c).wantCode(0)
}

// wantUnwatched reports a watcher, and whoever has an inotify descriptor.
func (s *service) wantUnwatched() {
	s.t.Helper()
	for _, pid := range s.processes() {
		if title(pid) == "wm: watcher" {
			s.t.Errorf("%d is a watcher", pid)
		}
		for fd, to := range descriptors(pid) {
			if strings.Contains(to, "inotify") {
				s.t.Errorf("descriptor %d of %d %s is %s", fd, pid, title(pid), to)
			}
		}
	}
}

func TestStartInItsTreeWatchesToo(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	s := newService(t, "E2E_EXTRA_A="+a)
	apps := s.newTree()
	dropIn(t, apps, "extra")
	c := s.watching("start")
	edit(t, apps, "extra", `"first "`, `"second "`)
	s.wantLive(c, "apps/extra/start.go", 2)
	wantEdition(t, a, "second")
}

func TestDevSaysWhyItCannotWatch(t *testing.T) {
	t.Parallel()
	s := newService(t, "E2E_EXTRA_A="+freeAddress(t))
	s.run("dev").wantCode(1).wantText("cannot watch", "does not stand in its source tree")
	apps := s.newTree()
	dropIn(t, apps, "extra")
	s.run("dev", "--no-build").wantCode(2).wantText("cannot watch: --no-build")
	s.env = append(s.env, "WM_WATCH=twice")
	s.run("dev").wantCode(1).wantText(`WM_WATCH is "twice"`)
	s.env = s.env[:len(s.env)-1]
	s.start()
	s.run("dev").wantCode(1).wantText("already running")
}

// The keys of the terminal reach the watcher and its build too.
func TestCtrlCEndsTheWatching(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	s := newService(t, "E2E_EXTRA_A="+a)
	apps := s.newTree()
	dropIn(t, apps, "extra")
	for _, key := range []string{"\x03", "\x1a"} { // Ctrl+C, Ctrl+Z
		term := s.onTerminal("dev")
		waitFor(t, buildLimit, "the watching", func() bool {
			return strings.Contains(term.screen.String(), "watching apps/ for changes")
		})
		edit(t, apps, "extra", "w.Count", "w.Count ") // a build may run, or have run
		term.press(key)
		s.wait(term.command).wantCode(0)
		s.waitGone(0)
		if text := term.screen.String(); strings.Contains(text, "watcher:") {
			t.Errorf("the end of the watcher is told:\n%s", text)
		}
	}
}

// A master that is killed takes its watcher along.
func TestWatcherDoesNotOutliveTheMaster(t *testing.T) {
	t.Parallel()
	s, c, _, _ := developed(t)
	s.killed = true
	kill(t, c.cmd.Process.Pid, unix.SIGKILL)
	<-c.done
	s.waitGone(eventLimit)
}
