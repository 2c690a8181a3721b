package supervisor

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// watcherPatience is how long the watcher may take to end a build that it runs.
const watcherPatience = 2 * time.Second

// watcher is the child that watches the source of the service in debug mode,
// builds it and asks for reloads, see cli/watch.go. It is the command line in a
// process of its own, not a worker process: status does not show it, and it
// ends at the end of its link. The zero value is a watcher that does not run.
type watcher struct {
	pid      int // 0: none runs
	pidfd    int
	link     *link
	words    *lastWords
	started  time.Time
	killAt   time.Time // of one that does not end
	ended    *ended
	linkGone bool

	crashes int
	wait    time.Time // before the next one
	done    bool      // it has said that it cannot watch
}

// tendWatcher keeps a watcher alive while the service runs, and ends it when
// that stops.
func (s *Supervisor) tendWatcher(now time.Time) {
	w := &s.watcher
	switch {
	case w.pid != 0 && w.ended != nil:
		pipesDone := w.linkGone && w.words.ended()
		if pipesDone || !now.Before(w.ended.at.Add(pipeTimeout)) {
			s.finishWatcher(now)
		}
	case w.pid != 0:
		w.end(now, s.phase == leaving)
		if !w.killAt.IsZero() && !now.Before(w.killAt) {
			w.killAt = now.Add(watcherPatience)
			s.sys.kill(w.pidfd, unix.SIGKILL)
		}
	case s.phase != serving:
		w.wait = time.Time{}
	case s.cfg.Watch && !s.cfg.Daemon && !w.done && !now.Before(w.wait):
		s.startWatcher(now)
	}
}

// startWatcher executes what the newest processes are.
func (s *Supervisor) startWatcher(now time.Time) {
	got, err := s.sys.start(launch{
		gen:   s.gen,
		title: s.cfg.Program + ": watcher",
		handover: ipc.Handover{Role: ipc.RoleWatcher, Watcher: &ipc.WatcherHandover{
			Executable: s.cfg.Executable, RunDir: s.cfg.Dir.Path, Quiet: s.cfg.Quiet,
		}},
		environ:  s.cfg.environ(),
		listener: -1,
	})
	w := &s.watcher
	w.wait = time.Time{}
	if err != nil {
		s.watchAgain(now, err.Error())
		return
	}
	w.pid, w.pidfd, w.started = got.pid, got.pidfd, now
	w.link = openLink(got.link, s.messages, s.gone)
	w.words = s.listenTo(got.words, s.sys.stderr)
}

// onMessage notes the end of the link; the watcher has nothing to say on it.
func (w *watcher) onMessage(m linkMessage) {
	if m.m == nil {
		w.linkGone = true
		w.link.close()
	}
}

// end tells the watcher to go when the service stops, and gives one a limit
// that has closed its link.
func (w *watcher) end(now time.Time, stopping bool) {
	if !w.killAt.IsZero() || !stopping && !w.linkGone {
		return
	}
	w.link.close()
	w.killAt = now.Add(watcherPatience)
}

// finishWatcher takes leave of a dead watcher. One that ends by itself with
// status 0 has said why it cannot watch; all others are started again.
func (s *Supervisor) finishWatcher(now time.Time) {
	w := s.watcher
	w.link.close()
	unix.Close(w.pidfd)
	s.watcher = watcher{crashes: w.crashes, done: w.ended.status == 0}
	if s.phase == leaving || s.watcher.done {
		return
	}
	if w.ended.at.Sub(w.started) >= stableAfter {
		s.watcher.crashes = 0
	}
	s.watchAgain(now, describeStatus(w.ended.status))
}

// watchAgain lets the next watcher wait, twice as long after every early end.
func (s *Supervisor) watchAgain(now time.Time, cause string) {
	s.watcher.crashes++
	delay := backoffDelay(s.watcher.crashes)
	s.watcher.wait = now.Add(delay)
	s.logf("watcher: %s, starts again in %v", cause, delay.Round(time.Millisecond))
}

// next is when something is due that no event announces.
func (w *watcher) next() time.Time {
	switch {
	case w.ended != nil:
		return w.ended.at.Add(pipeTimeout)
	case w.pid != 0:
		return w.killAt
	}
	return w.wait
}
