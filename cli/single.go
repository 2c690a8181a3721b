package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/child"
	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
	"github.com/workerman-go/wm/supervisor"
)

// single runs the service in this process: nothing is built, nothing is started,
// and the code is that of this very binary, which is what a debugger has loaded.
func (in *invocation) single(daemon bool) int {
	if daemon {
		return in.usage([]string{"start"}, errors.New("-d and --single exclude each other: "+
			"one process stays in its terminal"))
	}
	in.say("start in %s mode", ipc.ModeSingle)
	root, err := in.findRoot()
	if err != nil {
		return in.fail(err)
	}
	held, err := in.mayStart()
	if err != nil {
		return in.fail(err)
	}
	if held {
		return in.runsAlready()
	}
	defer unix.Umask(unix.Umask(masterUmask))
	all, err := in.gather(root)
	if err != nil {
		return in.fail(err)
	}
	return in.serveSingle(all)
}

// gather runs the Start of every app. Ctrl+C ends the process meanwhile, as author
// code may block.
func (in *invocation) gather(root string) (*child.Together, error) {
	stop := context.AfterFunc(in.ctx, func() { os.Exit(ipc.CodeFailed) })
	defer stop()
	return child.Gather(in.Apps, in.apps, root, in.rest)
}

// serveSingle serves what was declared, up to the end.
func (in *invocation) serveSingle(all *child.Together) int {
	cfg := in.config()
	cfg.Terminal = in.stdout
	cfg.Started = func(snap *ipc.Snapshot) {
		if !in.quiet {
			// A terminal that cannot be written to will not show an error either.
			_ = banner(in.stdout, snap, "")
		}
	}
	service, err := supervisor.OpenSingle(cfg, all.Declared, os.Exit)
	if errors.Is(err, supervisor.ErrRunning) {
		return in.runsAlready()
	}
	if err != nil {
		return in.fail(err)
	}
	defer context.AfterFunc(in.ctx, service.Stop)()
	link, told, listeners := service.Handover()
	code := all.Serve(link, told, listeners, func(code int) {
		service.Close(code)
		os.Exit(code)
	})
	if err := service.Close(code); err != nil {
		in.complain("%v", err)
		return ipc.CodeFailed
	}
	return code
}

// findRoot is the folder that the apps' folders are relative to. A binary that go
// run or an IDE has thrown somewhere is taken for the one of its source tree, bin/wm
// if it is there, so that commands of that one find its run directory.
func (in *invocation) findRoot() (string, error) {
	tree := ""
	if thrownAway(in.exe) {
		tree = in.treeOfApps()
	}
	if tree == "" {
		return supervisor.AppsRoot(in.exe), nil
	}
	if in.runDirFlag != "" || in.RunDir != "" || os.Getenv("WM_RUN_DIR") != "" ||
		os.Getenv("RUNTIME_DIRECTORY") != "" {
		return tree, nil
	}
	dir := tree
	if _, err := os.Stat(filepath.Join(tree, "bin", in.Name)); err == nil {
		dir = filepath.Join(tree, "bin")
	}
	var err error
	in.dir, err = rundir.Resolve(dir, in.exe, in.Name)
	if err == nil {
		in.say("run directory %s", in.dir.Path)
	}
	return tree, err
}

// thrownAway tells whether a binary lies where go run, go test and GoLand put what
// they run once.
func thrownAway(exe string) bool {
	return slices.ContainsFunc(strings.Split(filepath.Dir(exe), "/"), func(name string) bool {
		return strings.HasPrefix(name, "go-build") || name == "GoLand"
	})
}

// treeOfApps is the module that this binary was built from, found by the source
// files of its apps or from the working directory; empty when it is not there.
func (in *invocation) treeOfApps() string {
	info, known := debug.ReadBuildInfo()
	if !known {
		return ""
	}
	var from []string
	for _, app := range in.Apps {
		if f := runtime.FuncForPC(reflect.ValueOf(app.Start).Pointer()); f != nil {
			file, _ := f.FileLine(f.Entry())
			from = append(from, filepath.Dir(file))
		}
	}
	if dir, err := os.Getwd(); err == nil {
		from = append(from, dir)
	}
	for _, dir := range from {
		if !filepath.IsAbs(dir) {
			continue // built with -trimpath
		}
		if root := moduleRoot(dir); root != "" && modulePath(root) == info.Main.Path {
			return root
		}
	}
	return ""
}
