package cli

import (
	"errors"
	"fmt"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/supervisor"
)

// watchVariable chooses how changes of the source are found.
const watchVariable = "WM_WATCH"

func (in *invocation) devCommand() *urfave.Command {
	return in.command("dev", "start in this terminal, build and reload at every change", in.dev)
}

// dev is a start in debug mode that insists on watching.
func (in *invocation) dev(*urfave.Context) int {
	in.say("start in %s mode", modeName(false))
	if in.noBuild {
		in.complain("%v", in.watchable())
		return ipc.CodeUsage
	}
	held, err := in.mayStart()
	if err == nil {
		err = in.watchable()
	}
	if err != nil {
		return in.fail(err)
	}
	if held {
		in.complain("already running; stop it first, a running service is not watched from here")
		return ipc.CodeFailed
	}
	settings, err := in.prepare(supervisor.CheckScope{})
	if err != nil {
		return in.fail(err)
	}
	if settings.Daemonize {
		in.say("stays in this terminal, although worker.Settings.Daemonize is set")
	}
	return in.launch(false)
}

// watchable says why the source of the service cannot be watched; nil when it
// can.
func (in *invocation) watchable() error {
	if in.noBuild {
		return errors.New("cannot watch: --no-build runs the binary as it is")
	}
	if how := os.Getenv(watchVariable); how != "" && how != "poll" {
		return fmt.Errorf("cannot watch: %s is %q, it may be poll or empty", watchVariable, how)
	}
	tree, err := in.sourceTree()
	if err == nil && tree == nil {
		err = fmt.Errorf("%s does not stand in its source tree", in.exe)
	}
	if err == nil {
		_, err = findGo()
	}
	if err != nil {
		return fmt.Errorf("cannot watch: %w", err)
	}
	return nil
}
