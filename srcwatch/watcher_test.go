package srcwatch

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// tree is a module for tests.
type tree struct {
	t    *testing.T
	root string
}

func newTree(t *testing.T) *tree {
	t.Helper()
	tr := &tree{t, filepath.Join(t.TempDir(), "src")}
	tr.write("go.mod", "module example.com/shop\n")
	tr.write("main.go", "package main\n")
	tr.write("apps/all.go", "package apps\n")
	tr.write("apps/chat/start.go", "package chat\n")
	return tr
}

func (tr *tree) path(name string) string { return filepath.Join(tr.root, name) }

func (tr *tree) write(name, text string) {
	tr.t.Helper()
	if err := os.MkdirAll(filepath.Dir(tr.path(name)), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(tr.path(name), []byte(text), 0o644); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) do(err error) {
	tr.t.Helper()
	if err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) config() Config {
	return Config{Root: tr.root, Apps: "apps", Skip: []string{"apps/all.go"}, Poll: true}
}

// next runs Next for at most limit; nil when nothing has changed.
func next(t *testing.T, w *Watcher, limit time.Duration) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	changed, err := w.Next(ctx)
	if err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	return changed
}

// change is something that happens to a tree, and what is reported then.
type change struct {
	name string
	do   func(tr *tree)
	want string // paths; empty for no report
}

var changes = []change{
	{"an edit", func(tr *tree) { tr.write("apps/chat/start.go", "package chat // 2\n") },
		"apps/chat/start.go"},
	{"an edit of the same length", func(tr *tree) { tr.write("apps/chat/start.go", "package chap\n") },
		"apps/chat/start.go"},
	{"the same bytes again", func(tr *tree) { tr.write("apps/chat/start.go", "package chat\n") }, ""},
	{"a touch", func(tr *tree) {
		tr.do(os.Chtimes(tr.path("main.go"), time.Now(), time.Now()))
	}, ""},
	{"a save by rename", func(tr *tree) {
		tr.write("apps/chat/.start.go.swx", "package chat // 3\n")
		tr.do(os.Rename(tr.path("apps/chat/start.go"), tr.path("apps/chat/start.go~")))
		tr.do(os.Rename(tr.path("apps/chat/.start.go.swx"), tr.path("apps/chat/start.go")))
	}, "apps/chat/start.go"},
	{"a new app", func(tr *tree) { tr.write("apps/new/deep/start.go", "package deep\n") },
		"apps/new/deep/start.go"},
	{"a removed app", func(tr *tree) { tr.do(os.RemoveAll(tr.path("apps/chat"))) },
		"apps/chat/start.go"},
	{"a renamed app", func(tr *tree) { tr.do(os.Rename(tr.path("apps/chat"), tr.path("apps/chap"))) },
		"apps/chap/start.go apps/chat/start.go"},
	{"a package outside apps", func(tr *tree) { tr.write("internal/x/x.go", "package x\n") },
		"internal/x/x.go"},
	{"two files", func(tr *tree) {
		tr.write("go.sum", "x\n")
		tr.write("main.go", "package main // 2\n")
	}, "go.sum main.go"},
	{"the list of the apps", func(tr *tree) { tr.write("apps/all.go", "package apps // 2\n") }, ""},
	{"a test", func(tr *tree) { tr.write("apps/chat/start_test.go", "package chat\n") }, ""},
	{"a file that no build reads", func(tr *tree) { tr.write("apps/chat/data.db", "1") }, ""},
	{"a hidden folder", func(tr *tree) { tr.write(".git/x.go", "package x\n") }, ""},
	{"the folder of the binary", func(tr *tree) { tr.write("bin/x.go", "package x\n") }, ""},
	{"another module", func(tr *tree) {
		tr.write("other/go.mod", "module other\n")
		tr.write("other/x.go", "package x\n")
	}, ""},
	{"an app that is a module", func(tr *tree) { tr.write("apps/chat/go.mod", "module chat\n") },
		"apps/chat/go.mod"},
	{"a file that becomes embedded", func(tr *tree) {
		tr.write("apps/chat/start.go", "package chat\n\n//go:embed pages\nvar x embed.FS\n")
		tr.write("apps/chat/pages/a.html", "a")
	}, "apps/chat/pages/a.html apps/chat/start.go"},
	{"a pipe with the name of a source", func(tr *tree) {
		tr.do(unix.Mkfifo(tr.path("apps/chat/pipe.go"), 0o644))
	}, ""},
}

func TestChangesArePolled(t *testing.T) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			tr := newTree(t)
			synctest.Test(t, func(t *testing.T) {
				w, err := New(tr.config())
				if err != nil {
					t.Fatal(err)
				}
				defer w.Close()
				c.do(tr)
				if got := strings.Join(next(t, w, time.Minute), " "); got != c.want {
					t.Errorf("changed: %s, want %s", got, c.want)
				}
				if again := next(t, w, time.Minute); again != nil {
					t.Errorf("reported again: %v", again)
				}
			})
		})
	}
}

func TestEmbeddedFilesCount(t *testing.T) {
	tr := newTree(t)
	tr.write("apps/chat/start.go", "package chat\n\n//go:embed pages\nvar x embed.FS\n")
	tr.write("apps/chat/pages/a.html", "a")
	synctest.Test(t, func(t *testing.T) {
		w, err := New(tr.config())
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		tr.write("apps/chat/pages/a.html", "b")
		if got := next(t, w, time.Minute); !slices.Equal(got, []string{"apps/chat/pages/a.html"}) {
			t.Errorf("changed: %v", got)
		}
	})
}

// Folders behind links are followed in apps alone, each once.
func TestLinksAreFollowedOnce(t *testing.T) {
	tr := newTree(t)
	away := t.TempDir()
	tr.do(os.WriteFile(filepath.Join(away, "start.go"), []byte("package away\n"), 0o644))
	tr.do(os.Symlink(away, tr.path("apps/away")))
	tr.do(os.Symlink(away, tr.path("apps/again")))
	tr.do(os.Symlink("..", tr.path("apps/chat/up")))
	tr.do(os.Symlink(".", tr.path("apps/chat/self")))
	tr.do(os.Symlink(away, tr.path("outside")))
	synctest.Test(t, func(t *testing.T) {
		w, err := New(tr.config())
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if n := len(w.seen.files); n != 4 {
			t.Errorf("%d files: %v", n, w.seen.files)
		}
		tr.do(os.WriteFile(filepath.Join(away, "start.go"), []byte("package away // 2\n"), 0o644))
		if got := next(t, w, time.Minute); !slices.Equal(got, []string{"apps/again/start.go"}) {
			t.Errorf("changed: %v", got)
		}
	})
}

func TestRootThatIsGoneEndsTheWatching(t *testing.T) {
	tr := newTree(t)
	synctest.Test(t, func(t *testing.T) {
		w, err := New(tr.config())
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		tr.do(os.RemoveAll(tr.root))
		if _, err := w.Next(t.Context()); err == nil {
			t.Error("no error")
		}
		if _, err := New(tr.config()); err == nil {
			t.Error("watches what is not there")
		}
	})
}

// played gives hints at times of the test's choosing.
type played struct {
	hints  chan struct{}
	folder error
	closed bool
}

func (p *played) wait(ctx context.Context, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return false
	case <-p.hints:
		return true
	}
}

type playedHints struct{ *played }

func (p playedHints) folder(string) error       { return p.played.folder }
func (p playedHints) keep(map[string]bool) bool { return true }
func (p playedHints) close()                    { p.closed = true }

// begin makes a Watcher of played hints.
func begin(t *testing.T, tr *tree, p *played, note func(string)) *Watcher {
	t.Helper()
	w := &Watcher{cfg: tr.config(), known: &state{}, seen: &state{}, hints: playedHints{p}}
	w.cfg.Note = note
	if err := w.begin(); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWritesCalmDownBeforeTheLook(t *testing.T) {
	for _, c := range []struct {
		name   string
		writes int
		every  time.Duration
		want   time.Duration // from the first write to the report
	}{
		{"one write", 1, 0, Quiet},
		{"two quick ones", 2, 100 * time.Millisecond, 100*time.Millisecond + Quiet},
		{"writing without an end", 100, 100 * time.Millisecond, MostWriting},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTree(t)
			synctest.Test(t, func(t *testing.T) {
				p := &played{hints: make(chan struct{})}
				w := begin(t, tr, p, nil)
				began := time.Now()
				done := make(chan struct{})
				go func() { // ends when Next has returned
					for range c.writes {
						tr.write("main.go", "package main // "+time.Now().String()+"\n")
						select {
						case p.hints <- struct{}{}:
						case <-done:
							return
						}
						time.Sleep(c.every)
					}
				}()
				if got := next(t, w, time.Minute); !slices.Equal(got, []string{"main.go"}) {
					t.Errorf("changed: %v", got)
				}
				close(done)
				if took := time.Since(began); took != c.want {
					t.Errorf("after %v, want %v", took, c.want)
				}
			})
		})
	}
}

func TestHintsWithoutAChangeAreNoNews(t *testing.T) {
	tr := newTree(t)
	synctest.Test(t, func(t *testing.T) {
		p := &played{hints: make(chan struct{}, 1)}
		w := begin(t, tr, p, nil)
		p.hints <- struct{}{}
		if got := next(t, w, time.Minute); got != nil {
			t.Errorf("changed: %v", got)
		}
	})
}

// Where the kernel cannot be asked, the files are looked at, and why is said
// once.
func TestPollingWhereTheKernelTellsNothing(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{unix.ENOSPC, "the limit of watches is reached (fs.inotify.max_user_watches)"},
		{unix.EMFILE, "the limit of watchers is reached (fs.inotify.max_user_instances)"},
		{errSilent("NFS"), "NFS reports no changes"},
	} {
		tr := newTree(t)
		synctest.Test(t, func(t *testing.T) {
			var notes []string
			p := &played{folder: c.err}
			w := begin(t, tr, p, func(why string) { notes = append(notes, why) })
			if !slices.Equal(notes, []string{c.want}) || !p.closed {
				t.Errorf("notes %q, closed %v", notes, p.closed)
			}
			tr.write("main.go", "package main // 2\n")
			if got := next(t, w, time.Minute); !slices.Equal(got, []string{"main.go"}) {
				t.Errorf("changed: %v", got)
			}
		})
	}
}
