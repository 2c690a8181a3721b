package cli

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/supervisor"
)

// reloadPatience is how long a reload may go without a step before the master
// is asked whether it lives.
const reloadPatience = 10 * time.Second

func (in *invocation) reloadCommand() *urfave.Command {
	return in.command("reload", "replace the worker processes one by one", in.reload,
		toggle("g", "gracefully: old ones leave with their last connection"),
		toggle("no-wait", "return at once"))
}

func (in *invocation) reload(c *urfave.Context) int {
	if err := in.refuseStartFlags(); err != nil {
		in.complain("%v", err)
		return ipc.CodeUsage
	}
	in.say("reload")
	return in.ifRunning(ipc.CodeNotRunning, func() int {
		binary, code := in.binaryOf(func(last *buildOutcome) bool {
			return last.answers(in, c.Bool("g"))
		})
		if binary == nil {
			return code
		}
		defer binary.leave()
		return in.requestReload(binary, c.Bool("g"), c.Bool("no-wait"))
	})
}

// refuseStartFlags keeps what only a start can change from being ignored.
func (in *invocation) refuseStartFlags() error {
	if len(in.apps) > 0 || len(in.rest) > 0 {
		return errors.New("apps and their arguments are chosen by start and restart")
	}
	return nil
}

// binaryOf is the binary that the service is to be reloaded from or upgraded to,
// built when the master runs this one; nil with an exit status when there is
// none, or when shares says that what another command has built and reloaded
// answers this one too.
func (in *invocation) binaryOf(shares func(*buildOutcome) bool) (*candidate, int) {
	snap, code := in.snapshot()
	if snap == nil {
		return nil, code
	}
	if snap.Mode == ipc.ModeSingle {
		in.complain("%s", supervisor.RefusedSingle)
		return nil, ipc.CodeFailed
	}
	if !in.isExecutable(snap.Executable) {
		in.complain("the master runs %s, which is taken as it is", snap.Executable)
		return &candidate{path: snap.Executable}, ipc.CodeDone
	}
	owner, err := in.masterUser()
	if err != nil {
		return nil, in.settle(nil, err)
	}
	shop, err := in.workshop(owner)
	if err != nil {
		return nil, in.failUnchanged(err)
	}
	if shop == nil {
		return &candidate{path: in.exe}, ipc.CodeDone
	}
	if last := shop.lastWord(); shares(last) {
		shop.leave()
		return nil, in.repeat(last)
	}
	return in.buildIn(shop, snap.MasterPID)
}

// neverShared is for commands that want a build of their own.
func neverShared(*buildOutcome) bool { return false }

// buildIn builds for a reload of master, and lets those who wait for the shop
// know about sources that do not compile.
func (in *invocation) buildIn(shop *workshop, master int) (*candidate, int) {
	var said complaint
	binary, err := in.candidateOf(shop, io.MultiWriter(in.stderr, &said))
	if err == nil {
		binary.master = master
		return binary, ipc.CodeDone
	}
	defer shop.leave()
	if o, ok := buildFailed(err, &said); ok {
		o.Master = master
		in.tellOthers(shop, o)
	}
	return nil, in.failUnchanged(err)
}

// failUnchanged is fail for what went wrong before the master was asked.
func (in *invocation) failUnchanged(err error) int {
	if !errors.Is(err, errBuild) { // says so itself
		err = fmt.Errorf("%w\nnothing was changed", err)
	}
	return in.fail(err)
}

// isExecutable tells whether path leads to where this binary stands. The file
// itself may be a newer one than the master was started from.
func (in *invocation) isExecutable(path string) bool {
	mine, err := filepath.EvalSymlinks(in.exe)
	if err != nil {
		return path == in.exe
	}
	theirs, err := filepath.EvalSymlinks(path)
	return err == nil && mine == theirs
}

// requestReload has the master reload from binary. The master proves it again
// and gives it its name after success.
func (in *invocation) requestReload(binary *candidate, graceful, noWait bool) int {
	request := binary.request(ipc.CommandReload)
	request.Graceful, request.NoWait = graceful, noWait
	result, err := in.ask(question{
		request: request, silence: reloadPatience, patient: true, each: in.newProgress().show,
	})
	if in.ctx.Err() != nil {
		in.complain("not waited for; the master goes on reloading")
		return ipc.CodeFailed
	}
	code := in.settleAs("reload failed: ", result, err)
	if err == nil && binary.shop != nil && !noWait {
		in.tellOthers(binary.shop, buildOutcome{
			Master: binary.master, Graceful: graceful, Code: result.Code, Text: result.Text,
		})
	}
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
