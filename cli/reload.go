package cli

import (
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
)

// reloadPatience is how long a reload may go without a step before the master
// is asked whether it lives.
const reloadPatience = 10 * time.Second

func (in *invocation) reloadCommand() *urfave.Command {
	return in.command("reload", "replace the worker processes one by one", in.reload,
		toggle("g", "gracefully: old processes leave when their connections are closed"),
		toggle("no-wait", "return at once"))
}

func (in *invocation) reload(c *urfave.Context) int {
	in.say("reload")
	return in.ifRunning(ipc.CodeNotRunning, func() int {
		master, err := in.masterUser()
		if err != nil {
			return in.settle(nil, err)
		}
		binary, err := in.candidate(master)
		if err != nil {
			return in.fail(err)
		}
		defer binary.leave()
		return in.requestReload(binary, c.Bool("g"), c.Bool("no-wait"))
	})
}

// requestReload has the master reload from binary. The master proves it again
// and gives it its name after success.
func (in *invocation) requestReload(binary *candidate, graceful, noWait bool) int {
	request := ipc.Request{
		Command: ipc.CommandReload, Graceful: graceful, NoWait: noWait, Apps: in.apps,
	}
	if binary.shop != nil {
		request.Binary, request.InstallAs = binary.path, binary.shop.target
	}
	result, err := in.ask(question{
		request: request, silence: reloadPatience, patient: true, each: in.newProgress().show,
	})
	if in.ctx.Err() != nil {
		in.complain("not waited for; the master goes on reloading")
		return ipc.CodeFailed
	}
	code := in.settle(result, err)
	switch {
	case code != ipc.CodeDone:
		binary.discard()
	case noWait:
		in.say("reload requested")
	default:
		in.say("reload success: %s", result.Text)
	}
	return code
}

// masterUser is the uid that the master runs as, seen from the connection.
func (in *invocation) masterUser() (int, error) {
	conn, err := in.dial()
	if err != nil {
		return -1, err
	}
	defer conn.Close()
	peer, err := conn.Peer()
	return peer.UID, err
}
