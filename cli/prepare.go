package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/supervisor"
	"github.com/workerman-go/wm/worker"
)

// candidate is the binary that a start, reload or check is about.
type candidate struct {
	path string    // what to probe and to run
	shop *workshop // where it was built; nil: it is the binary as it stands

	master int // pid of the one that it was built for; of a reload only
}

// leave ends the work on the candidate; a binary that was not installed stays
// for the master to rename, or is removed by discard.
func (c *candidate) leave() {
	if c.shop != nil {
		c.shop.leave()
	}
}

// request asks the master to take the candidate. One that was built gets its
// name from the master, after success.
func (c *candidate) request(command string) ipc.Request {
	r := ipc.Request{Command: command}
	if c.shop != nil {
		r.Binary, r.InstallAs = c.path, c.shop.target
	}
	return r
}

// install makes the candidate the binary that the next command finds.
func (c *candidate) install() error {
	if c.shop == nil {
		return nil
	}
	return c.shop.install()
}

// discard removes a candidate that failed.
func (c *candidate) discard() {
	if c.shop != nil {
		c.shop.discard()
	}
}

// candidate builds the binary anew when the running one stands in its source
// tree, and otherwise takes the running one. owners are the uids that a tree
// may belong to. The caller calls leave.
func (in *invocation) candidate(owners ...int) (*candidate, error) {
	shop, err := in.workshop(owners...)
	if err != nil {
		return nil, err
	}
	binary, err := in.candidateOf(shop, in.stderr)
	if err != nil {
		shop.leave()
	}
	return binary, err
}

// candidateOf builds in shop, which may be nil. What the compiler says goes to
// out. After an error the shop is still the caller's.
func (in *invocation) candidateOf(shop *workshop, out io.Writer) (*candidate, error) {
	asItIs := &candidate{path: in.exe}
	if shop == nil {
		return asItIs, nil
	}
	err := shop.build(in.ctx, out)
	if errors.Is(err, errNoGo) {
		in.complain("%v: running the apps compiled into %s", err, in.exe)
		shop.leave()
		return asItIs, nil
	}
	if err != nil {
		shop.discard()
		return nil, err
	}
	return &candidate{path: shop.next(), shop: shop}, nil
}

// workshop is the source tree to build in; nil when there is none.
func (in *invocation) workshop(owners ...int) (*workshop, error) {
	tree, err := in.sourceTree(owners...)
	var foreign *untrusted
	if errors.As(err, &foreign) {
		in.complain("%v", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if tree == nil {
		in.tellAstray()
		return nil, nil
	}
	return tree.enter(in.ctx)
}

// sourceTree is the tree that the binary stands in; nil when there is none or
// it is not to be built.
func (in *invocation) sourceTree(owners ...int) (*sourceTree, error) {
	info, known := debug.ReadBuildInfo()
	if in.noBuild || !known {
		return nil, nil
	}
	self, err := in.standing()
	if err != nil {
		return nil, err
	}
	return findTree(self, info, append(owners, os.Geteuid())...)
}

// standing is where the binary of the service stands, links followed.
func (in *invocation) standing() (string, error) {
	if in.installed != "" {
		return filepath.EvalSymlinks(in.installed)
	}
	return os.Executable()
}

// probe asks a binary what it declares, and looks for what that needs, without
// starting anything.
func (in *invocation) probe(path string, scope supervisor.CheckScope) *supervisor.Checked {
	cfg := in.config()
	cfg.Executable = path
	return supervisor.Check(in.ctx, cfg, scope)
}

// runningMaster is the pid of the master of this run directory; 0 when none
// runs.
func (in *invocation) runningMaster() int {
	if held, err := in.held(); err == nil && held {
		return in.masterPeer()
	}
	return 0
}

// config is what this command line says about the service.
func (in *invocation) config() supervisor.Config {
	return supervisor.Config{
		Program:    in.Name,
		Version:    in.Version,
		WM:         worker.Version,
		Executable: in.exe,
		Dir:        in.dir,
		PidFile:    in.pidFile,
		LogFile:    in.logFile,
		StdoutFile: in.stdoutFile,
		Apps:       in.apps,
		Args:       in.rest,
	}
}
