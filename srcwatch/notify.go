package srcwatch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// notifier is told by the kernel.
type notifier struct {
	w       *Watcher
	inotify *fsnotify.Watcher
	asked   map[string]bool // folders that the kernel knows of
}

func newNotifier(w *Watcher) (*notifier, error) {
	inotify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &notifier{w: w, inotify: inotify, asked: map[string]bool{}}, nil
}

// wait reads events until one may be about the source. While nobody waits they
// queue in the kernel; a queue that was too short is a hint.
func (n *notifier) wait(ctx context.Context, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return false
		case e := <-n.inotify.Events:
			if n.matters(e) {
				return true
			}
		case <-n.inotify.Errors:
			return true
		}
	}
}

// matters tells whether an event may be about the source: a log file that is
// written in the same folder is not.
func (n *notifier) matters(e fsnotify.Event) bool {
	name := filepath.Base(e.Name)
	switch {
	case passing(name):
		return false
	case counts(name), e.Has(fsnotify.Remove), e.Has(fsnotify.Rename):
		return true // what is gone may have been a folder
	}
	if path, err := filepath.Rel(n.w.cfg.Root, e.Name); err == nil && n.w.seen.embedded(path) {
		return true
	}
	if !e.Has(fsnotify.Create) {
		return false
	}
	info, err := os.Lstat(e.Name)
	return err == nil && !info.Mode().IsRegular() // a folder, or a link to one
}

// folder asks again each time: a folder that was made anew is another one. That
// a folder cannot be read, or is gone, is none of the kernel's faults.
func (n *notifier) folder(path string) error {
	if !n.asked[path] {
		if silent := silentMount(path); silent != "" {
			return errSilent(silent)
		}
	}
	err := n.inotify.Add(path)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	n.asked[path] = err == nil
	return err
}

// keep forgets the folders that are not there any more. What was renamed keeps
// its old name in fsnotify, and folders in it are not watched any more when that
// is forgotten, so all are asked for again then.
func (n *notifier) keep(folders map[string]bool) bool {
	before := len(n.asked)
	for path := range n.asked {
		if !folders[path] {
			n.inotify.Remove(path) // most often the kernel has done so already
			delete(n.asked, path)
		}
	}
	return len(n.asked) == before
}

func (n *notifier) close() { n.inotify.Close() }

// errSilent is the kind of a mount that reports no changes.
type errSilent string

func (e errSilent) Error() string { return string(e) + " reports no changes" }

// reason says why the kernel cannot be asked.
func reason(err error) string {
	switch {
	case errors.Is(err, unix.ENOSPC):
		return "the limit of watches is reached (fs.inotify.max_user_watches)"
	case errors.Is(err, unix.EMFILE):
		return "the limit of watchers is reached (fs.inotify.max_user_instances)"
	}
	return err.Error()
}
