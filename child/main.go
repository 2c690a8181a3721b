package child

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

// exit ends the process from another goroutine than main. It is the exception
// to "os.Exit only in cli": when the master is gone, or a process that was
// told to stop does not get there, the loop goroutine may be blocked in a
// callback for ever and cannot return from Main.
var exit = os.Exit

// Main is the life of a process that was started as a worker process or a
// probe: it takes what h hands over and returns the exit status, with which
// the caller ends the process at once. version is that of the program, which a
// probe tells; apps are all apps of the binary. It must run on the main
// goroutine, before any author code.
func Main(h *ipc.Handover, version string, apps []worker.App) int {
	link, err := inherit(h)
	if err != nil {
		fmt.Fprintf(os.Stderr, "hand-over: %v\n", err)
		return ipc.ExitHandover
	}
	apps = rooted(apps, h.Root)
	if h.Role == ipc.RoleProbe {
		return probe(link, h.Apps, version, apps)
	}
	return serve(link, h, apps)
}

// rooted makes the source folders of apps absolute, for worker.AppDir.
func rooted(apps []worker.App, root string) []worker.App {
	apps = slices.Clone(apps)
	for i, app := range apps {
		if root != "" && !filepath.IsAbs(app.Dir) {
			apps[i].Dir = filepath.Join(root, app.Dir)
		}
	}
	return apps
}
