package srcwatch

import (
	"context"
	"slices"
	"time"
)

// Bounds of a Watcher.
const (
	// Quiet is how long nothing must have been written before a look.
	Quiet = 300 * time.Millisecond
	// MostWriting is how long the first of many writes waits for the last.
	MostWriting = 2 * time.Second
	// PollEvery is the time between two looks where the kernel tells nothing.
	PollEvery = time.Second
)

// Config says what to watch.
type Config struct {
	// Root is the folder of go.mod, an absolute path. Folders of other modules
	// below it are left out, but for those in Apps.
	Root string
	// Apps is a folder below Root, "apps", in which links to folders are
	// followed; empty for none.
	Apps string
	// Skip are files below Root that are written by programs: "apps/all.go".
	Skip []string
	// Poll asks for looks every PollEvery without asking the kernel first.
	Poll bool
	// Note is told once why the files are looked at every PollEvery although
	// Poll is false. Called on the goroutine that calls New or Next.
	Note func(why string)
}

// Watcher watches the source of one module. Owned by one goroutine; no locking.
type Watcher struct {
	cfg   Config
	hints hints
	known *state // what Next has reported up to now
	seen  *state // what the last look saw
}

// hints tells when something may have changed.
type hints interface {
	// wait returns true after a hint, false when limit is over or ctx ended.
	wait(ctx context.Context, limit time.Duration) bool
	// folder is called for each folder before it is read. An error means that
	// changes in it will not be told.
	folder(path string) error
	// keep is called after each look with all folders that there are. It
	// returns false when the folders must be asked for again, in another look.
	keep(folders map[string]bool) bool
	close()
}

// New begins to watch: what changes from now on is reported by Next. The error
// is about Root itself; the caller calls Close after success.
func New(cfg Config) (*Watcher, error) {
	w := &Watcher{cfg: cfg, known: &state{}, seen: &state{}}
	w.hints = &poller{w: w}
	if !cfg.Poll {
		if n, err := newNotifier(w); err != nil {
			w.poll(reason(err))
		} else {
			w.hints = n
		}
	}
	return w, w.begin()
}

// begin takes the first look.
func (w *Watcher) begin() error {
	if err := w.look(); err != nil {
		w.Close()
		return err
	}
	w.known = w.seen
	return nil
}

// Close ends the watching; it must not be called while Next runs.
func (w *Watcher) Close() { w.hints.close() }

// Next waits until files read otherwise than at its last return and the writes
// have calmed down, and returns their paths below Root in order. It ends with
// the error of ctx, or with one about Root itself.
func (w *Watcher) Next(ctx context.Context) ([]string, error) {
	for {
		for !w.hints.wait(ctx, time.Hour) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		w.calm(ctx)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := w.look(); err != nil {
			return nil, err
		}
		changed := w.seen.differs(w.known)
		w.known = w.seen
		if len(changed) > 0 {
			slices.Sort(changed)
			return changed, nil
		}
	}
}

// calm waits for the end of writing.
func (w *Watcher) calm(ctx context.Context) {
	end := time.Now().Add(MostWriting)
	for {
		left := time.Until(end)
		if left <= 0 || !w.hints.wait(ctx, min(Quiet, left)) {
			return
		}
	}
}

// poll gives up asking the kernel.
func (w *Watcher) poll(why string) {
	w.hints.close()
	w.hints = &poller{w: w}
	if w.cfg.Note != nil {
		w.cfg.Note(why)
	}
}
