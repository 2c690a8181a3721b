package srcwatch

import (
	"os"
	"strings"
	"testing"
	"time"
)

// eventLimit is for what happens by itself on a busy machine.
const eventLimit = 20 * time.Second

// notified watches a tree with the kernel's help.
func notified(t *testing.T, tr *tree) *Watcher {
	t.Helper()
	cfg := tr.config()
	cfg.Poll = false
	cfg.Note = func(why string) { t.Skipf("no inotify here: %s", why) }
	w, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// Each change is followed by one that is surely reported, so that nobody has to
// wait for nothing.
func TestChangesAreNotified(t *testing.T) {
	t.Parallel()
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t)
			w := notified(t, tr)
			c.do(tr)
			if c.want == "" {
				tr.write("last/last.go", "package last\n")
				c.want = "last/last.go"
			}
			if got := strings.Join(next(t, w, eventLimit), " "); got != c.want {
				t.Errorf("changed: %s, want %s", got, c.want)
			}
		})
	}
}

// The watching goes on in folders that were made, renamed and made again.
func TestFoldersAreTakenUpAndForgotten(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	w := notified(t, tr)
	want := func(paths string) {
		t.Helper()
		if got := strings.Join(next(t, w, eventLimit), " "); got != paths {
			t.Errorf("changed: %s, want %s", got, paths)
		}
	}
	tr.do(os.MkdirAll(tr.path("apps/new/deep"), 0o755))
	tr.write("apps/new/start.go", "package new\n")
	want("apps/new/start.go")
	tr.write("apps/new/deep/x.go", "package deep\n")
	want("apps/new/deep/x.go")
	tr.do(os.Rename(tr.path("apps/new"), tr.path("apps/newer")))
	want("apps/new/deep/x.go apps/new/start.go apps/newer/deep/x.go apps/newer/start.go")
	tr.write("apps/newer/deep/x.go", "package deep // 2\n")
	want("apps/newer/deep/x.go")
	tr.do(os.RemoveAll(tr.path("apps/newer")))
	want("apps/newer/deep/x.go apps/newer/start.go")
	tr.write("apps/newer/deep/x.go", "package deep\n")
	want("apps/newer/deep/x.go")
	tr.write("apps/newer/deep/x.go", "package deep // 2\n")
	want("apps/newer/deep/x.go")
	n := w.hints.(*notifier)
	for path := range n.asked {
		if !w.seen.folders[path] {
			t.Errorf("still watched: %s", path)
		}
	}
}

// A log that is written beside the source is no reason to look at it.
func TestWritesToOtherFilesDoNotMatter(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	w := notified(t, tr)
	tr.write("wm.log", "a line\n")
	tr.write("apps/chat/data.db", "1")
	tr.write(".wm.next", "ELF")
	if w.hints.wait(t.Context(), 100*time.Millisecond) {
		t.Error("a hint")
	}
	tr.write("main.go", "package main\n")
	if !w.hints.wait(t.Context(), eventLimit) {
		t.Error("no hint after a write to a source")
	}
}
