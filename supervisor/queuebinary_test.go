package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// ask opens a binary as a command does; deliver hands it to the loop.
func (w *world) ask(path, install string, graceful bool) *request {
	w.t.Helper()
	r := &request{
		Request: ipc.Request{Command: ipc.CommandReload, Graceful: graceful},
		out:     make(chan ipc.Message, maxReplies),
	}
	var err error
	if r.reload, err = w.s.openReload(path, install, graceful); err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) deliver(requests ...*request) {
	for _, r := range requests {
		w.s.onRequest(r)
	}
	w.reconcile()
}

// build writes what a command has built beside the binary.
func (w *world) build(content string) (next string) {
	w.t.Helper()
	next = filepath.Join(w.s.cfg.Dir.Path, ".wm.next")
	w.replace(next, content)
	return next
}

// replace gives a new file the name path, as a package manager does. Times of
// files are as coarse as the kernel's tick.
func (w *world) replace(path, content string) {
	w.t.Helper()
	was := changedAt(w.t, w.s.cfg.Executable)
	for {
		w.write(path+".new", content)
		if err := os.Rename(path+".new", path); err != nil {
			w.t.Fatal(err)
		}
		if changedAt(w.t, path).After(was) {
			return
		}
	}
}

func changedAt(t *testing.T, path string) time.Time {
	t.Helper()
	g, err := openGeneration(path)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	return g.changed
}

// content is the executable that holds the first seat.
func (w *world) content() string {
	w.t.Helper()
	text := make([]byte, 100)
	n, _ := w.s.slots()[0].current.plan.gen.file.ReadAt(text, 0)
	return string(text[:n])
}

// Requests reach the loop in another order than they found their binaries.
func TestFollowUpIsTheNewestBinary(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	first := w.reload("two", false)
	exe := w.s.cfg.Executable
	w.write(exe, "three")
	older := w.ask(exe, "", false)
	w.write(exe, "four")
	newer := w.ask(exe, "", false)
	w.deliver(newer, older)
	w.probe(spec("a"))
	w.turn(w.live()[0])
	w.pass(0)
	wantResult(t, first, 0)
	w.probe(spec("a"))
	w.turn(w.live()[0])
	wantResult(t, older, 0, "a newer binary than the one that was asked for")
	if res := result(newer); res == nil || res.Code != 0 || strings.Contains(res.Text, "newer") {
		t.Errorf("result %+v", res)
	}
	if got := w.content(); got != "four" {
		t.Errorf("%q runs", got)
	}
}

// A request that found its binary before that of the reload under way, and
// arrives after it, must not bring the older code back.
func TestLateRequestDoesNotGoBack(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	exe := w.s.cfg.Executable
	w.write(exe, "two")
	late := w.ask(exe, "", false)
	first := w.reload("three", false)
	w.probe(spec("a"))
	w.deliver(late)
	w.turn(w.live()[0])
	wantResult(t, first, 0)
	w.pass(0)
	w.probe(spec("a"))
	w.turn(w.live()[0])
	wantResult(t, late, 0, "a newer binary than the one that was asked for")
	if got := w.content(); got != "three" {
		t.Errorf("%q runs", got)
	}
}

// A reload by name that comes while a build goes live means what has the name
// then: the build.
func TestReloadByNameBehindABuild(t *testing.T) {
	for _, c := range []struct {
		name    string
		replace bool // something else is put there meanwhile
		want    string
	}{
		{"build", false, "built"},
		{"replaced", true, "by hand"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a"))
			exe := w.s.cfg.Executable
			built := w.ask(w.build("built"), exe, false)
			w.deliver(built)
			w.probe(spec("a")) // it rolls
			if c.replace {
				w.replace(w.build("by hand"), "by hand")
				if err := os.Rename(w.build("by hand"), exe); err != nil {
					t.Fatal(err)
				}
			}
			named := w.ask(exe, "", false)
			w.deliver(named)
			w.turn(w.live()[0])
			wantResult(t, built, 0)
			w.pass(0)
			w.probe(spec("a"))
			w.turn(w.live()[0])
			wantResult(t, named, 0)
			if got := w.content(); got != c.want {
				t.Errorf("%q runs, want %q", got, c.want)
			}
		})
	}
}

// The same, when both wait: the build is the newer one.
func TestBuildAndNameWaitTogether(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.reload("two", false)
	w.probe(spec("a"))
	exe := w.s.cfg.Executable
	built := w.ask(w.build("built"), exe, false)
	named := w.ask(exe, "", false)
	w.deliver(built, named)
	w.turn(w.live()[0])
	w.pass(0)
	w.probe(spec("a"))
	w.turn(w.live()[0])
	wantResult(t, built, 0)
	wantResult(t, named, 0)
	if text, _ := os.ReadFile(exe); w.content() != "built" || string(text) != "built" {
		t.Errorf("%q runs and %q is installed", w.content(), text)
	}
}

// The binary gets its name when it goes live: a drain that lasts must not bring
// an older one back under it.
func TestInstallHappensWhenTheCodeGoesLive(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	exe := w.s.cfg.Executable
	stuck := w.last
	first := w.ask(w.build("first"), exe, false)
	w.deliver(first)
	w.probe(spec("a"))
	w.say(w.last, &ipc.Ready{})
	w.pass(yieldTimeout) // settles
	second := w.ask(w.build("second"), exe, false)
	w.deliver(second)
	w.probe(spec("a"))
	w.turn(w.last - 2)
	wantResult(t, second, 0)
	w.exit(stuck, 0)
	wantResult(t, first, 0)
	if text, _ := os.ReadFile(exe); string(text) != "second" {
		t.Errorf("%q is installed", text)
	}
}

// A build that another one has replaced meanwhile is copied; one that cannot get its
// name is live all the same, which is not the whole of a success.
func TestInstallOfABuildThatWasReplaced(t *testing.T) {
	for _, folder := range []bool{false, true} {
		w := newWorld(t)
		w.serve(spec("a"))
		exe, old := filepath.Join(w.s.cfg.Dir.Path, "installed"), w.last
		r := w.ask(w.build("first"), exe, false)
		w.build("second")
		if folder {
			must(t, os.Mkdir(exe, 0o755))
		}
		w.deliver(r)
		w.probe(spec("a"))
		w.turn(old)
		if !folder {
			wantResult(t, r, 0)
			if text, err := os.ReadFile(exe); string(text) != "first" {
				t.Errorf("%q is installed, %v", text, err)
			}
			continue
		}
		wantResult(t, r, ipc.CodeFailed, "generation 2 is live", exe+" could not become its binary",
			"the next reload or restart begins with the old one")
		left, err := filepath.Glob(filepath.Join(w.s.cfg.Dir.Path, "*"+copyMark+"*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left %q, %v", left, err)
		}
	}
}

// No descriptor is left of binaries that were merged away.
func TestMergedBinariesAreClosed(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	w.reload("two", false)
	for _, content := range []string{"three", "four", "five", "six"} {
		w.reload(content, false)
	}
	if got := len(w.s.generations); got != 3 {
		t.Errorf("%d executables are open, want 3: live, under way, waiting", got)
	}
}
