package cli

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/statusfmt"
)

func (in *invocation) connectionsCommand() *urfave.Command {
	return in.command("connections", "list the connections of all processes", in.connections,
		wide(),
		toggle("json", "print JSON"))
}

func (in *invocation) connections(c *urfave.Context) int {
	if !c.Bool("json") {
		in.say("connections")
	}
	return in.ifRunning(ipc.CodeNotRunning, func() int {
		var rows []ipc.ConnectionRow
		var unlisted []ipc.UnlistedRow
		code := in.settle(in.ask(question{
			request: ipc.Request{Command: ipc.CommandConnections},
			silence: answerTimeout,
			each: func(m ipc.Message) {
				if list, ok := m.(*ipc.ConnectionList); ok {
					rows = append(rows, list.Rows...)
					unlisted = append(unlisted, list.Unlisted...)
				}
			},
		}))
		if code != ipc.CodeDone {
			return code
		}
		if c.Bool("json") {
			return in.written(statusfmt.ConnectionsJSON(in.stdout, rows, unlisted))
		}
		return in.written(statusfmt.Connections(in.stdout, rows, unlisted,
			tableOptions(in.stdout, c)))
	})
}
