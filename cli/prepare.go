package cli

import (
	"errors"
	"os"
	"runtime/debug"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/supervisor"
	"github.com/workerman-go/wm/worker"
)

// candidate is the binary that a start, reload or check is about.
type candidate struct {
	path string    // what to probe and to run
	shop *workshop // where it was built; nil: it is the binary as it stands
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
	asItIs := &candidate{path: in.exe}
	shop, err := in.workshop(owners...)
	if shop == nil || err != nil {
		return asItIs, err
	}
	err = shop.build(in.ctx, in.stderr)
	if errors.Is(err, errNoGo) {
		in.complain("%v: running the apps compiled into %s", err, in.exe)
		shop.leave()
		return asItIs, nil
	}
	if err != nil {
		shop.discard()
		shop.leave()
		return nil, err
	}
	return &candidate{path: shop.next(), shop: shop}, nil
}

// workshop is the source tree to build in; nil when there is none.
func (in *invocation) workshop(owners ...int) (*workshop, error) {
	info, known := debug.ReadBuildInfo()
	if in.noBuild || !known {
		return nil, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	tree, err := findTree(self, info, append(owners, os.Geteuid())...)
	var foreign *untrusted
	if errors.As(err, &foreign) {
		in.complain("%v", err)
		return nil, nil
	}
	if tree == nil || err != nil {
		return nil, err
	}
	return tree.enter(in.ctx)
}

// declared is what the apps of a binary want to run.
type declared struct {
	specs    []ipc.Spec
	settings ipc.Settings
}

// probe asks a binary what it declares, without starting anything.
func (in *invocation) probe(path string) (declared, error) {
	cfg := in.config()
	cfg.Executable = path
	specs, settings, err := supervisor.Check(in.ctx, cfg)
	return declared{specs, settings}, err
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
