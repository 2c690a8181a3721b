package cli

import (
	"errors"
	"fmt"
	"time"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// stopPatience is the master's default stop timeout and 3 s for the rest. A
// master that was given a longer one is seen to live by its answers.
const stopPatience = 13 * time.Second

func (in *invocation) stopCommand() *urfave.Command {
	return in.command("stop", "stop the service and wait until it is gone", in.stop,
		toggle("g", "gracefully: wait until all connections are closed"))
}

func (in *invocation) stop(c *urfave.Context) int {
	in.say("stop")
	return in.ifRunning(ipc.CodeDone, func() int { return in.end(c.Bool("g")) })
}

// end stops the running master. When it returns 0 the lock is free.
func (in *invocation) end(graceful bool) int {
	if graceful {
		in.say("is gracefully stopping ...")
	} else {
		in.say("is stopping ...")
	}
	deadline := time.Now().Add(stopPatience)
	master := in.masterPeer()
	if master == 0 {
		master = in.lostLock()
	}
	loss, err := in.askToStop(graceful)
	if err == nil {
		err = in.waitGone(master, graceful, deadline)
	}
	if in.ctx.Err() != nil {
		in.complain("not waited for; the master goes on stopping")
		return ipc.CodeFailed
	}
	if err != nil {
		in.complain("stop fail: %v", err)
		return stopCode(err)
	}
	if loss != "" {
		in.complain("%s", loss)
	}
	in.say("stop success")
	return ipc.CodeDone
}

// stopCode keeps the table of stop: what did not end is a failure.
func stopCode(err error) int {
	var refused resultError
	if errors.As(err, &refused) {
		return refused.Code
	}
	if code := codeOf(err); code == ipc.CodeDenied {
		return code
	}
	return ipc.CodeFailed
}

// askToStop tells the master to stop, and returns when it has done so or is
// gone. A master that does not answer gets a signal. What it says about losses
// is returned.
func (in *invocation) askToStop(graceful bool) (loss string, err error) {
	err = in.ping()
	if err == nil {
		loss, err = in.requestStop(graceful)
	}
	if errors.Is(err, errGone) {
		return "", nil
	}
	if errors.Is(err, errSilent) {
		return "", in.signalStop(graceful)
	}
	return loss, err
}

func (in *invocation) requestStop(graceful bool) (loss string, err error) {
	result, err := in.ask(question{
		request: ipc.Request{Command: ipc.CommandStop, Graceful: graceful},
		silence: stopPatience,
		patient: true,
		each:    in.newProgress().show,
	})
	if err != nil {
		return "", err
	}
	if result.Code != ipc.CodeDone {
		return "", resultError(*result)
	}
	return result.Text, nil
}

// signalStop is the way of the manual: the signal and the pid file.
func (in *invocation) signalStop(graceful bool) error {
	pid := in.masterPid()
	if pid == 0 {
		return in.whySilent()
	}
	sig := unix.SIGINT
	if graceful {
		sig = unix.SIGQUIT
	}
	if err := unix.Kill(pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("send %s to process %d: %w", unix.SignalName(sig), pid, err)
	}
	return nil
}

// masterPeer is the pid of who answers on the control socket; 0 when nobody
// does.
func (in *invocation) masterPeer() int {
	conn, err := in.dial()
	if err != nil {
		return 0
	}
	defer conn.Close()
	peer, err := conn.Peer()
	if err != nil {
		return 0
	}
	return peer.PID
}

// lastBreath is what a master may take from giving the lock back to its end.
const lastBreath = time.Second

// waitGone waits until the master that was asked is gone: another restart may
// hold the lock for a new one by then. One that is not known is gone when the
// lock is free, and so is one that stays as a zombie behind a free lock. A
// master that has just said that it is done gets a moment even when the deadline
// has passed.
func (in *invocation) waitGone(master int, graceful bool, deadline time.Time) error {
	if soon := time.Now().Add(answerTimeout); deadline.Before(soon) {
		deadline = soon
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var free time.Time // since when the lock is
	for {
		held, err := in.held()
		switch {
		case err != nil, master != 0 && !rundir.PidExists(master):
			return err
		case held:
			free = time.Time{}
		case free.IsZero():
			free = time.Now()
		}
		if !held && (master == 0 || time.Since(free) > lastBreath) {
			return nil
		}
		if held && !graceful && time.Now().After(deadline) {
			return in.whySilent()
		}
		select {
		case <-in.ctx.Done():
			return in.ctx.Err()
		case <-tick.C:
		}
	}
}
