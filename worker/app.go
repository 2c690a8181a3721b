package worker

import (
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/timer"
)

// App is one application: one line of apps/all.go.
type App struct {
	// Name is how command lines and messages call it: "chat", or
	// "todpole/gateway" for one role of an app.
	Name string
	// Dir is its source folder, for AppDir and for messages.
	Dir string
	// Start declares its Workers with New. It runs in the probe and in the
	// worker processes of this app, never in the master, so it must do
	// nothing but declare; it must not block. A timer that it adds runs in
	// every process of the app, from OnWorkerStart on.
	Start func()
}

// mainApp is the app of Workers that were made outside any App.Start.
const mainApp = "main"

// declared is what New has collected so far. Starts run one after another, on
// the goroutine that called Declare.
var declared struct {
	mu       sync.Mutex // guards the fields below
	app      App        // the one whose Start runs now; empty outside
	workers  []*Worker  // of that Start
	main     []*Worker  // made outside any Start
	all      []*Worker  // of all Starts, and main
	settings map[string]SettingsValues
}

// Declare runs the Start of one app and returns the Workers it made, in
// order. For the harness only: it is called in the probe and in worker
// processes, before there is a loop. A panic of Start is not caught.
func Declare(app App) []*Worker {
	timer.Forget() // those of the main program, or of another app in the probe
	return DeclareBeside(app)
}

// DeclareBeside is Declare for a process that runs more than this app: timers
// that were added before run too. For the harness only.
func DeclareBeside(app App) []*Worker {
	before := Settings
	declared.mu.Lock()
	declared.app, declared.workers = app, nil
	declared.mu.Unlock()
	if app.Start != nil {
		app.Start()
	}
	declared.mu.Lock()
	defer declared.mu.Unlock()
	made := declared.workers
	declared.app, declared.workers = App{}, nil
	if declared.settings == nil {
		declared.settings = make(map[string]SettingsValues)
	}
	declared.settings[app.Name] = Settings.since(before)
	return made
}

// DeclaredMain returns the Workers made outside any Declare: those of a main
// program that embeds wm. Their app is "main". For the harness only.
func DeclaredMain() []*Worker {
	declared.mu.Lock()
	defer declared.mu.Unlock()
	return append([]*Worker(nil), declared.main...)
}

// Neighbours returns all Workers that were declared in this program so far, for
// checks of Require that compare with others. Called by them.
func Neighbours() []*Worker {
	declared.mu.Lock()
	defer declared.mu.Unlock()
	return append([]*Worker(nil), declared.all...)
}

// Conflicts returns one sentence for each call of protocol.Register that could
// not be followed; the probe refuses to start with any. For the harness only,
// after every Start has run.
func Conflicts() []string { return protocol.Conflicts() }

// AppDir returns the source folder of the app being started, below the module
// that the binary stands in or else beside the binary, and, in a worker
// process, of the app it belongs to. Empty in a main program of your own. It
// may be called by any goroutine.
func AppDir() string {
	declared.mu.Lock()
	dir := declared.app.Dir
	declared.mu.Unlock()
	if dir != "" {
		return dir
	}
	if p := current.Load(); p != nil {
		return p.acting().appDir
	}
	return ""
}

// register adds a new Worker to the declarations of its app. Workers made in
// a running worker process belong to that process alone.
func register(w *Worker) {
	if p := current.Load(); p != nil {
		owner := p.acting()
		w.app, w.appDir = owner.app, owner.appDir
		w.source = caller(w.appDir)
		return
	}
	declared.mu.Lock()
	defer declared.mu.Unlock()
	w.app, w.appDir = declared.app.Name, declared.app.Dir
	w.source = caller(w.appDir)
	declared.all = append(declared.all, w)
	if declared.app.Start == nil {
		w.app = mainApp
		declared.main = append(declared.main, w)
		return
	}
	declared.workers = append(declared.workers, w)
}

// folder is how the files of an app are recognised wherever the binary was
// built: by the last two folders, apps/hello.
func folder(dir string) string {
	dir = filepath.ToSlash(dir)
	return "/" + path.Base(path.Dir(dir)) + "/" + path.Base(dir) + "/"
}

// caller finds the line of the author that led to New: the nearest one inside
// the app's folder, because New is also called by other kinds of Worker;
// without such a line the nearest one outside this package.
func caller(dir string) (source string) {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	for {
		f, more := frames.Next()
		if dir != "" && strings.Contains(filepath.ToSlash(f.File), folder(dir)) {
			return place(f.File, f.Line)
		}
		if source == "" && f.File != "" {
			source = place(f.File, f.Line)
		}
		if !more {
			return source
		}
	}
}
