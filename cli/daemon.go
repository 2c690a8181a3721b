package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	daemon "github.com/sevlyar/go-daemon"
	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
	"github.com/workerman-go/wm/supervisor"
)

// firstHigh is where the start channel's descriptor is put: above all those
// that go-daemon deals out.
const firstHigh = 16

// detach starts the master as a daemon and waits until its service is ready or
// has failed.
func (in *invocation) detach() int {
	channel, child, err := in.reborn()
	if err != nil {
		return in.fail(err)
	}
	defer channel.Close()
	// Whoever gives up a start does not want half a service.
	stop := context.AfterFunc(in.ctx, func() { child.Signal(unix.SIGINT) })
	last, err := in.follow(channel)
	stop()
	if err != nil {
		state, _ := child.Wait()
		return in.fail(fmt.Errorf("the daemon ended before it was ready (%v)", state))
	}
	return in.started(last, child)
}

// started reports the result of a start.
func (in *invocation) started(last news, child *os.Process) int {
	if last.Snapshot == nil {
		child.Wait() // nothing of it is left when this command returns
		tell := in.say
		if last.Result.Code != ipc.CodeDone {
			tell = in.complain
		}
		tell("%s", last.Result.Text)
		return last.Result.Code
	}
	child.Release()
	if in.quiet {
		return ipc.CodeDone
	}
	return in.written(banner(in.stdout, last.Snapshot, in.typedStop()))
}

// reborn lets go-daemon start the daemon. It gets only the output file:
// go-daemon's own pid file lock would leak into worker processes.
func (in *invocation) reborn() (channel io.ReadCloser, child *os.Process, err error) {
	if name := in.stdoutFile; name == "/dev/stdout" || name == "/dev/stderr" {
		return nil, nil, fmt.Errorf("stdout file %s: a daemon has no terminal", name)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer w.Close()
	// Not close-on-exec, unlike all else here: the daemon inherits it.
	high, err := unix.FcntlInt(w.Fd(), unix.F_DUPFD, firstHigh)
	if err == nil {
		defer unix.Close(high)
		child, err = in.rebornWith(high)
	}
	if err != nil {
		r.Close()
		return nil, nil, fmt.Errorf("detach: %w", err)
	}
	return r, child, nil
}

func (in *invocation) rebornWith(channel int) (*os.Process, error) {
	entry, err := in.handover(ipc.MasterHandover{Daemon: true, Progress: channel}).Encode()
	if err != nil {
		return nil, err
	}
	// A mark that somebody else's go-daemon left would make this the child.
	os.Unsetenv(daemon.MARK_NAME)
	detached := &daemon.Context{
		// The master opens the real file, and with more care.
		LogFileName: os.DevNull,
		Umask:       masterUmask,
		Args:        []string{rundir.MasterTitle(in.Name, in.exe)},
		Env:         append(os.Environ(), entry),
	}
	var child *os.Process
	err = supervisor.WithWaitingSignals(func() (err error) {
		child, err = detached.Reborn()
		return err
	})
	if child != nil && errors.Is(err, unix.EPIPE) {
		err = nil // the daemon had read enough before go-daemon's last line
	}
	return child, err
}

// follow reads the start channel up to the result.
func (in *invocation) follow(channel io.Reader) (news, error) {
	steps := in.newProgress()
	for lines := json.NewDecoder(channel); ; {
		var n news
		if err := lines.Decode(&n); err != nil {
			return n, err
		}
		if n.Result != nil {
			return n, nil
		}
		if n.Progress != nil {
			steps.step(*n.Progress)
		}
	}
}

// settleDaemon finishes in the daemon what Reborn began in the command. The
// channel is there even when that failed, so that the command hears why.
func settleDaemon(fd int) (*startChannel, error) {
	channel, err := openChannel(fd)
	if err != nil {
		return nil, err
	}
	if !daemon.WasReborn() {
		return channel, errors.New("detach: not started by go-daemon")
	}
	if _, err := new(daemon.Context).Reborn(); err != nil {
		return channel, fmt.Errorf("detach: %w", err)
	}
	os.Unsetenv(daemon.MARK_NAME)
	if err := closeInherited(); err != nil {
		return channel, fmt.Errorf("detach: %w", err)
	}
	return channel, nil
}
