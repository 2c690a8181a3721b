package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/child"
	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/worker"
)

// Program is a service with a name of its own: a binary other than wm that
// offers the same commands. The zero value is wm.
type Program struct {
	// Name stands in messages, process titles and file names; default "wm".
	Name string
	// Version is what the version command and the banner show; default is
	// that of wm.
	Version string
	// RunDir is used when neither --run-dir nor the environment names a run
	// directory; default is the directory of the binary.
	RunDir string
	// Apps are the apps of the service. Workers that were declared before
	// Main or Run belong to it too.
	Apps []worker.App
}

// Main runs the command line of a service made of apps and of the Workers
// declared before it, and ends the process with the exit status of the command.
// It is the last call of a main function; code before it runs in every process
// of the service.
func Main(apps ...worker.App) { Program{Apps: apps}.Main() }

// Main is like the function Main, for a service with its own name.
func (p Program) Main() { os.Exit(p.main()) }

// main tells what this process is to be. The hand-over is taken first of all,
// so that nothing which runs later can inherit it.
func (p Program) main() int {
	p = p.withDefaults()
	h, err := ipc.TakeHandover()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
		return ipc.ExitHandover
	}
	if h != nil {
		return p.become(h)
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	return p.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

// become plays the role that the starting process chose.
func (p Program) become(h *ipc.Handover) int {
	switch h.Role {
	case ipc.RoleWorker, ipc.RoleProbe:
		return child.Main(h, p.Version, p.Apps)
	case ipc.RoleMaster:
		return p.master(h)
	case ipc.RoleWatcher:
		return p.watch(h)
	case ipc.RoleRehearsal:
		return p.rehearse(h)
	}
	fmt.Fprintf(os.Stderr, "%s: hand-over for unknown role %q\n", p.Name, h.Role)
	return ipc.ExitHandover
}

// Run runs one command and returns its exit status. args are the words after
// the program's name. The command is given up when ctx ends; a service that was
// started by it lives on. A start in debug mode replaces this process by the
// master and so does not return when it succeeds; start --single returns when the
// service has ended, which it does in order when ctx ends.
func (p Program) Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p = p.withDefaults()
	exe, err := calledAs(os.Args[0])
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
		return ipc.CodeFailed
	}
	in := &invocation{
		Program: p, ctx: ctx, stdout: stdout, stderr: stderr, exe: exe, called: bootTime(),
	}
	return in.run(args)
}

func (p Program) withDefaults() Program {
	if p.Name == "" {
		p.Name = "wm"
	}
	if p.Version == "" {
		p.Version = worker.Version
	}
	return p
}
