package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
)

// upgradePatience is more than all that a master may take without saying
// something: the rehearsal, the open questions, and two executions.
const upgradePatience = 25 * time.Second

func (in *invocation) upgradeCommand() *urfave.Command {
	return in.command("upgrade", "replace wm itself; the worker processes keep running", in.upgrade,
		valued("binary", "", "upgrade to `FILE`, which becomes the binary of the service"))
}

func (in *invocation) upgrade(c *urfave.Context) int {
	if err := in.refuseStartFlags(); err != nil {
		in.complain("%v", err)
		return ipc.CodeUsage
	}
	in.say("upgrade")
	return in.ifRunning(ipc.CodeNotRunning, func() int {
		if file := absolute(c.String("binary")); file != "" {
			return in.upgradeTo(file)
		}
		binary, code := in.binaryOf(neverShared)
		if binary == nil {
			return code
		}
		defer binary.leave()
		defer binary.discard() // the master has installed a copy
		return in.requestUpgrade(binary.request(ipc.CommandUpgrade))
	})
}

// upgradeTo has the master upgrade to a file that stays where it is; a copy of
// it takes the place of the service's binary.
func (in *invocation) upgradeTo(file string) int {
	snap, code := in.snapshot()
	if snap == nil {
		return code
	}
	target := snap.Executable
	if behind, err := filepath.EvalSymlinks(target); err == nil {
		target = behind // a link goes on to lead there
	}
	return in.requestUpgrade(ipc.Request{
		Command: ipc.CommandUpgrade, Binary: file, InstallAs: target,
	})
}

// requestUpgrade asks and waits. The connection is handed from the old image of
// the master to the new one; when it breaks, neither is there.
func (in *invocation) requestUpgrade(request ipc.Request) int {
	result, err := in.ask(question{
		request: request, silence: upgradePatience, patient: true, each: in.newProgress().show,
	})
	if in.ctx.Err() != nil {
		in.complain("not waited for; the master goes on upgrading")
		return ipc.CodeFailed
	}
	if errors.Is(err, errGone) {
		return in.fail(fmt.Errorf("upgrade failed: %w, and its processes end with it; %s starts the "+
			"service again", err, in.typed("start -d")))
	}
	code := in.settleAs("upgrade failed: ", result, err)
	if code == ipc.CodeDone {
		in.say("upgrade success: %s", result.Text)
	}
	return code
}
