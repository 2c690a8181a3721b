package cli

import (
	"fmt"
	"os"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
	"github.com/workerman-go/wm/supervisor"
)

// alreadyRunning is what a start says that was not needed.
const alreadyRunning = "already running"

func (in *invocation) startCommand() *urfave.Command {
	return in.command("start", "start in this terminal (debug mode)", in.start,
		toggle("d", "as a daemon; returns when all processes are ready"),
		toggle("single", "in one process, unbuilt: for debuggers and go run -race"))
}

func (in *invocation) start(c *urfave.Context) int {
	daemon := c.Bool("d")
	if c.Bool("single") {
		return in.single(daemon)
	}
	in.say("start in %s mode", modeName(daemon))
	held, err := in.mayStart()
	if err != nil {
		return in.fail(err)
	}
	if held {
		return in.runsAlready()
	}
	// Addresses are left to the master, which binds them at once.
	settings, err := in.prepare(supervisor.CheckScope{Daemon: daemon})
	if err != nil {
		return in.fail(err)
	}
	if settings.Daemonize && !daemon {
		in.say("goes on in DAEMON mode, as worker.Settings.Daemonize says")
		daemon = true
	}
	return in.launch(daemon)
}

// runsAlready is the end of a start beside another master. One that is about to
// go must not be taken for the service that somebody wants to have.
func (in *invocation) runsAlready() int {
	switch state := in.state(); {
	case state == "stopping":
		in.complain("the running service is stopping; start again when it is gone")
		return ipc.CodeFailed
	case state == "" && in.missing() != "":
		in.complain("%v", in.whySilent())
	}
	in.say(alreadyRunning)
	return ipc.CodeDone
}

// mayStart looks at the run directory before anything is built.
func (in *invocation) mayStart() (held bool, err error) {
	if err := in.dir.Check(); err != nil {
		return false, err
	}
	held, err = in.held()
	return held || err == nil && in.ping() == nil, err
}

// prepare builds, proves and installs the binary that is to run. Nothing has
// changed when it fails.
func (in *invocation) prepare(scope supervisor.CheckScope) (ipc.Settings, error) {
	binary, err := in.candidate()
	if err != nil {
		return ipc.Settings{}, err
	}
	defer binary.leave()
	checked := in.probe(binary.path, scope)
	err = checked.Err()
	if err == nil {
		err = binary.install()
	}
	if err != nil {
		binary.discard()
	}
	return checked.Settings, err
}

// launch starts the master; in debug mode this process becomes it.
func (in *invocation) launch(daemon bool) int {
	if daemon {
		return in.detach()
	}
	if in.ctx.Err() != nil {
		return ipc.CodeFailed
	}
	watch := in.watchable() == nil
	entry, err := in.handover(ipc.MasterHandover{Watch: watch}).Encode()
	if err != nil {
		return in.fail(err)
	}
	title := rundir.MasterTitle(in.Name, in.exe)
	err = supervisor.WithWaitingSignals(func() error {
		return unix.Exec(in.exe, []string{title}, append(os.Environ(), entry))
	})
	return in.fail(fmt.Errorf("execute %s: %w", in.exe, err))
}

// handover is what the master is told; more holds what depends on the mode.
func (in *invocation) handover(more ipc.MasterHandover) ipc.Handover {
	more.Quiet, more.Executable, more.RunDir = in.quiet, in.exe, in.dir.Path
	more.PidFile, more.LogFile, more.StdoutFile = in.pidFile, in.logFile, in.stdoutFile
	return ipc.Handover{Role: ipc.RoleMaster, Args: in.rest, Apps: in.apps, Master: &more}
}

func modeName(daemon bool) string {
	if daemon {
		return "DAEMON"
	}
	return "DEBUG"
}
