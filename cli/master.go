package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
	"github.com/workerman-go/wm/supervisor"
)

// masterUmask is that of the master and of what it starts.
const masterUmask = 0o022

// master is the life of the master process, from the hand-over to its exit
// status.
func (p Program) master(h *ipc.Handover) int {
	unix.Umask(masterUmask)
	if h.Master == nil {
		fmt.Fprintf(os.Stderr, "%s: hand-over without a master\n", p.Name)
		return ipc.ExitHandover
	}
	if h.Master.Daemon {
		return p.daemon(h)
	}
	return p.debug(h)
}

// daemon runs the master without a terminal; the command that started it waits
// on the start channel.
func (p Program) daemon(h *ipc.Handover) int {
	channel, err := settleDaemon(h.Master.Progress)
	if err == nil {
		err = p.supervise(h, func(cfg *supervisor.Config) {
			cfg.Daemon = true
			cfg.Progress = channel.progress
			cfg.Started = func(snap *ipc.Snapshot) { channel.result(ipc.CodeDone, "", snap) }
		})
	}
	if channel != nil {
		channel.result(outcome(err))
	}
	return codeOf(err)
}

// outcome is what a command is told that still waits when the master ends.
func outcome(err error) (code int, text string, snap *ipc.Snapshot) {
	switch {
	case err == nil:
		return ipc.CodeFailed, "stopped before it was ready", nil
	case errors.Is(err, supervisor.ErrRunning):
		return ipc.CodeDone, alreadyRunning, nil
	}
	return codeOf(err), err.Error(), nil
}

// debug runs the master on the terminal that the command was typed in.
func (p Program) debug(h *ipc.Handover) int {
	err := shieldInherited()
	if err == nil {
		err = p.supervise(h, func(cfg *supervisor.Config) {
			cfg.Terminal, cfg.Watch, cfg.Quiet = os.Stdout, h.Master.Watch, h.Master.Quiet
			cfg.Started = func(snap *ipc.Snapshot) {
				if !h.Master.Quiet {
					banner(os.Stdout, snap, "")
				}
			}
		})
	}
	in := p.masterInvocation(h)
	switch {
	case errors.Is(err, supervisor.ErrRunning):
		in.say(alreadyRunning)
	case err != nil:
		in.complain("%v", err)
	}
	return codeOf(err)
}

// supervise runs the master from the hand-over to its end.
func (p Program) supervise(h *ipc.Handover, complete func(*supervisor.Config)) error {
	in := p.masterInvocation(h)
	var err error
	in.dir, err = rundir.Resolve(h.Master.RunDir, in.exe, p.Name)
	if err != nil {
		return err
	}
	cfg := in.config()
	complete(&cfg)
	return supervisor.Run(cfg)
}

// masterInvocation is the command line as the hand-over repeats it.
func (p Program) masterInvocation(h *ipc.Handover) *invocation {
	m := h.Master
	return &invocation{
		Program: p, ctx: context.Background(), stdout: os.Stdout, stderr: os.Stderr,
		exe: m.Executable, rest: h.Args, apps: h.Apps, quiet: m.Quiet,
		pidFile: m.PidFile, logFile: m.LogFile, stdoutFile: m.StdoutFile,
	}
}
