package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
	"github.com/workerman-go/wm/srcwatch"
)

// watcherDeaf are the signals that the terminal sends to the whole group, and
// those that ask the master for something. The master ends the watcher by its
// link.
var watcherDeaf = []os.Signal{
	unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGTSTP,
	unix.SIGUSR1, unix.SIGUSR2, unix.SIGPIPE,
}

// watch is the life of the watcher, from the hand-over to its exit status. The
// master takes status 0 for: it cannot watch and has said why.
func (p Program) watch(h *ipc.Handover) int {
	signal.Notify(make(chan os.Signal, 1), watcherDeaf...)
	if h.Watcher == nil {
		fmt.Fprintf(os.Stderr, "%s: hand-over without a watcher\n", p.Name)
		return ipc.ExitHandover
	}
	link, err := ipc.FromDescriptor(h.Link)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
		return ipc.ExitHandover
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with the link: the master stops, or is gone
		defer cancel()
		for err := error(nil); err == nil; {
			_, _, err = link.Recv()
		}
	}()
	in := &invocation{
		Program: p, ctx: ctx, stdout: os.Stdout, stderr: os.Stdout,
		exe: h.Watcher.Executable, installed: h.Watcher.Executable, quiet: h.Watcher.Quiet,
	}
	err = in.watchAndReload(h.Watcher.RunDir)
	if ctx.Err() == nil {
		in.complain("changes are not watched any more: %v", err)
	}
	return ipc.ExitDone
}

// watchAndReload builds and reloads at every change until ctx ends, or until
// there is nothing to watch any more.
func (in *invocation) watchAndReload(runDir string) error {
	var err error
	if in.dir, err = rundir.Resolve(runDir, in.exe, in.Name); err != nil {
		return err
	}
	tree, err := in.sourceTree()
	if err == nil && tree == nil {
		err = fmt.Errorf("%s does not stand in its source tree", in.exe)
	}
	if err != nil {
		return err
	}
	source, err := srcwatch.New(srcwatch.Config{
		Root: tree.root, Apps: "apps", Skip: []string{"apps/all.go"},
		Poll: os.Getenv(watchVariable) == "poll",
		Note: in.tellPolling,
	})
	if err != nil {
		return err
	}
	defer source.Close()
	r := &rounds{in: in, tree: tree}
	r.round(nil)
	in.tellWatching(tree)
	for {
		changed, err := source.Next(in.ctx)
		if err != nil {
			return err
		}
		r.round(changed)
	}
}

// tellWatching says that changes are seen from now on.
func (in *invocation) tellWatching(tree *sourceTree) {
	what := tree.root
	if _, err := os.Stat(filepath.Join(tree.root, "apps")); err == nil {
		what = "apps/"
	}
	if !in.quiet && in.ctx.Err() == nil {
		fmt.Fprintf(in.stdout, "watching %s for changes\n", what)
	}
}

// tellPolling says why changes are seen later than they could be.
func (in *invocation) tellPolling(why string) {
	if !in.quiet {
		fmt.Fprintf(in.stdout, "%s: the files are looked at every %v\n", why, srcwatch.PollEvery)
	}
}
