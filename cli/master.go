package cli

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
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
	if err != nil {
		return ipc.CodeFailed // nobody can be told: the command sees the end of the channel
	}
	cfg, err := p.masterConfig(h)
	if err == nil {
		cfg.Daemon = true
		cfg.Progress = channel.progress
		cfg.Started = func(snap *ipc.Snapshot) { channel.result(ipc.CodeDone, "", snap) }
		err = supervisor.Run(cfg)
	}
	channel.result(outcome(err))
	return codeOf(err)
}

// outcome is what a command is told that still waits when the master ends.
func outcome(err error) (code int, text string, snap *ipc.Snapshot) {
	switch {
	case err == nil:
		return ipc.CodeFailed, "stopped before it was ready", nil
	case errors.Is(err, supervisor.ErrRunning):
		return ipc.CodeDone, "already running", nil
	}
	return codeOf(err), err.Error(), nil
}

// debug runs the master on the terminal that the command was typed in.
func (p Program) debug(h *ipc.Handover) int {
	in := &invocation{Program: p, stdout: os.Stdout, stderr: os.Stderr, exe: h.Master.Executable}
	cfg, err := p.masterConfig(h)
	if err == nil {
		err = shieldInherited()
	}
	if err == nil {
		cfg.Terminal = os.Stdout
		cfg.Started = func(snap *ipc.Snapshot) {
			if !h.Master.Quiet {
				banner(os.Stdout, snap, "")
			}
		}
		err = supervisor.Run(cfg)
	}
	switch {
	case errors.Is(err, supervisor.ErrRunning):
		in.say("already running")
	case err != nil:
		in.complain("%v", err)
	}
	return codeOf(err)
}

// masterConfig is what the hand-over says about the service.
func (p Program) masterConfig(h *ipc.Handover) (supervisor.Config, error) {
	m := h.Master
	dir, err := supervisor.ResolveRunDir(m.RunDir, m.Executable, p.Name)
	return supervisor.Config{
		Program:    p.Name,
		Version:    p.Version,
		Executable: m.Executable,
		Dir:        dir,
		PidFile:    m.PidFile,
		LogFile:    m.LogFile,
		StdoutFile: m.StdoutFile,
		Apps:       h.Apps,
		Args:       h.Args,
	}, err
}
