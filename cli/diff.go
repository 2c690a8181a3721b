package cli

import (
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/statusfmt"
)

func (in *invocation) diffCommand() *urfave.Command {
	return in.command("diff", "build and tell what a reload would do, change nothing", in.diff,
		toggle("json", "print JSON"))
}

// diff shows the plan of a reload. Its exit status is 0 whether or not there is
// anything to do, as a reload replaces the processes in any case, and 1 when
// the reload would be refused.
func (in *invocation) diff(c *urfave.Context) int {
	if err := in.refuseStartFlags(); err != nil {
		in.complain("%v", err)
		return ipc.CodeUsage
	}
	return in.ifRunning(ipc.CodeNotRunning, func() int {
		binary, code := in.binaryOf(neverShared)
		if binary == nil {
			return code
		}
		defer binary.leave()
		defer binary.discard()
		plan, code := in.askForPlan(binary)
		switch {
		case plan != nil && c.Bool("json"):
			return max(code, in.written(statusfmt.PlanJSON(in.stdout, plan)))
		case code == ipc.CodeDone:
			opt := pageOptions(in.stdout)
			opt.ReloadCommand = in.typed("reload")
			return in.written(statusfmt.Plan(in.stdout, plan, opt))
		}
		return code
	})
}

// askForPlan has the master prove binary. A plan that would be refused says
// why, as the user was told; nil when the master did not answer.
func (in *invocation) askForPlan(binary *candidate) (plan *ipc.Plan, code int) {
	request := ipc.Request{Command: ipc.CommandDiff}
	if binary.shop != nil {
		request.Binary = binary.path
	}
	result, err := in.ask(question{
		request: request, silence: reloadPatience, patient: true,
		each: func(m ipc.Message) {
			if p, ok := m.(*ipc.Plan); ok {
				plan = p
			}
		},
	})
	code = in.settleAs("diff failed: ", result, err)
	switch {
	case code == ipc.CodeDone && plan == nil:
		return nil, in.fail(errors.New("the master sent no plan"))
	case code != ipc.CodeDone && result != nil:
		plan = &ipc.Plan{Refused: result.Text}
	}
	return plan, code
}
