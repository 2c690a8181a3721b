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
	switch {
	case h.Master.Adopt != nil:
		return p.adopt(h)
	case h.Master.Daemon:
		return p.daemon(h)
	}
	return p.debug(h)
}

// adopt goes on as the master that this process is, whose image was replaced.
// What is open belongs to the state; nobody waits for a start.
func (p Program) adopt(h *ipc.Handover) int {
	err := p.supervise(h, func(cfg *supervisor.Config) {
		cfg.Daemon, cfg.Adopt = h.Master.Daemon, h.Master.Adopt
		cfg.Watch, cfg.Quiet = h.Master.Watch, h.Master.Quiet
		if !cfg.Daemon {
			cfg.Terminal = os.Stdout
		}
	})
	if err != nil {
		p.masterInvocation(h).complain("%v", err)
	}
	return codeOf(err)
}

// rehearse reads the state of the master as adopt would, and changes nothing.
func (p Program) rehearse(h *ipc.Handover) int {
	link, err := ipc.FromDescriptor(h.Link)
	if err == nil && (h.Master == nil || h.Master.Adopt == nil) {
		err = errors.New("hand-over without a state")
	}
	if err == nil {
		var cfg supervisor.Config
		if cfg, err = p.masterConfig(h); err == nil {
			cfg.Adopt = h.Master.Adopt
			err = supervisor.Rehearse(cfg, link)
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: rehearsal: %v\n", p.Name, err)
		return ipc.ExitHandover
	}
	return ipc.ExitDone
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
	inherited, err := shieldInherited()
	if err == nil {
		err = p.supervise(h, func(cfg *supervisor.Config) {
			cfg.Terminal, cfg.Watch, cfg.Quiet = os.Stdout, h.Master.Watch, h.Master.Quiet
			cfg.Inherited = inherited
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
	cfg, err := p.masterConfig(h)
	if err != nil {
		return err
	}
	complete(&cfg)
	return supervisor.Run(cfg)
}

// masterConfig is what the command line said about the service.
func (p Program) masterConfig(h *ipc.Handover) (cfg supervisor.Config, err error) {
	in := p.masterInvocation(h)
	in.dir, err = rundir.Resolve(h.Master.RunDir, in.exe, p.Name)
	return in.config(), err
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
