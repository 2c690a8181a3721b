package cli

import (
	"errors"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/supervisor"
)

func (in *invocation) restartCommand() *urfave.Command {
	return in.command("restart", "check, stop and start again", in.restart,
		toggle("d", "start as a daemon"),
		toggle("g", "stop gracefully"))
}

// restart proves the new binary first: a service that could not come back is
// not stopped.
func (in *invocation) restart(c *urfave.Context) int {
	in.say("restart in %s mode", modeName(c.Bool("d")))
	held, err := in.mayStart()
	if err != nil {
		return in.fail(err)
	}
	scope := supervisor.CheckScope{Daemon: c.Bool("d")}
	if held { // addresses that others have taken are better seen before the stop
		scope.Master = in.masterPeer()
		scope.Addresses = scope.Master != 0
	}
	settings, err := in.prepare(scope)
	switch {
	case err != nil && held && !errors.Is(err, errBuild):
		return in.fail(fmt.Errorf("restart failed: %w\nthe service was not stopped", err))
	case err != nil:
		return in.fail(err)
	}
	if held {
		if code := in.end(c.Bool("g")); code != ipc.CodeDone {
			return code
		}
	} else {
		in.say("is stopping ...")
		in.tellStalePid(in.say)
		in.say("stop success")
	}
	code := in.launch(c.Bool("d") || settings.Daemonize)
	if code != ipc.CodeDone && held {
		in.complain("restart failed: the service was stopped and did not start again, nothing runs")
	}
	return code
}
