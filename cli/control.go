package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

const (
	// answerTimeout is for a busy machine: a living master answers at once, but
	// for the 2 s that it may stand still when an upgrade fails.
	answerTimeout = 4 * time.Second
	// restoreTimeout is for a master whose socket is gone: it makes another one.
	restoreTimeout = rundir.RestoreEvery + time.Second
	// lookEvery is how often a master that comes or goes is looked at.
	lookEvery = 10 * time.Millisecond
)

var (
	// errSilent is returned by ask when the master does not answer in time.
	errSilent = errors.New("the master does not answer")
	// errGone is returned by ask when the master ended before the result.
	errGone = errors.New("the master is gone")
)

// question is one request to the master of a run directory.
type question struct {
	request ipc.Request
	silence time.Duration // longest wait for the next record
	// patient waits on while the master, asked again after each silence,
	// still answers a ping.
	patient bool
	each    func(ipc.Message) // called with every message before the result
}

// ask sends q and reads until its result.
func (in *invocation) ask(q question) (*ipc.Result, error) {
	conn, err := in.dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(in.ctx, func() { conn.Close() })
	defer stop()
	conn.SetDeadline(time.Now().Add(q.silence))
	if err := conn.Send(&q.request); err != nil {
		return nil, in.explain(err)
	}
	return in.answer(conn, q)
}

// dial connects to the master. One that begins or ends holds the lock and does
// not listen, so it is tried again for a moment, and for a longer one when the
// socket is gone.
func (in *invocation) dial() (*ipc.Conn, error) {
	for began := time.Now(); ; {
		conn, err := ipc.DialControl(in.dir.Socket)
		if !notListening(err) {
			return conn, err
		}
		if held, lockErr := in.held(); lockErr != nil || !held {
			return nil, errGone
		}
		patience := answerTimeout
		if errors.Is(err, unix.ENOENT) {
			patience = restoreTimeout
		}
		if time.Since(began) > patience {
			return nil, errSilent
		}
		select {
		case <-in.ctx.Done():
			return nil, in.ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// notListening tells whether nobody is behind the control socket.
func notListening(err error) bool {
	return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOENT)
}

// answer reads what the master says to q.
func (in *invocation) answer(conn *ipc.Conn, q question) (*ipc.Result, error) {
	for {
		conn.SetDeadline(time.Now().Add(q.silence))
		m, _, err := conn.Recv()
		if errors.Is(err, os.ErrDeadlineExceeded) && q.patient && in.ping() == nil {
			continue
		}
		if err != nil {
			return nil, in.explain(err)
		}
		if result, last := m.(*ipc.Result); last {
			return result, nil
		}
		if q.each != nil {
			q.each(m)
		}
	}
}

// ping tells whether the master answers at all.
func (in *invocation) ping() error {
	result, err := in.ask(question{
		request: ipc.Request{Command: ipc.CommandPing}, silence: answerTimeout,
	})
	if err == nil && result.Code != ipc.CodeDone {
		err = resultError(*result)
	}
	return err
}

// explain puts an error of the control socket into the words of this package.
func (in *invocation) explain(err error) error {
	switch {
	case in.ctx.Err() != nil:
		return in.ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSilent
	case errors.Is(err, io.EOF), ipc.Gone(err):
		return errGone
	}
	return err
}

// resultError is a result of the master that is not success.
type resultError ipc.Result

func (e resultError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("failed (status %d)", e.Code)
	}
	return e.Text
}

// waitFree waits a moment for the lock of a master that has stopped to answer;
// false when it is held all the time, by it or by the next one.
func (in *invocation) waitFree() bool {
	for deadline := time.Now().Add(answerTimeout); ; {
		held, err := in.held()
		if err != nil || !held {
			return err == nil
		}
		select {
		case <-in.ctx.Done():
			return false
		case <-time.After(lookEvery):
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// settle turns the end of an exchange into an exit status and tells the user
// about a failure.
func (in *invocation) settle(result *ipc.Result, err error) int {
	return in.settleAs("", result, err)
}

// settleAs is settle for a command that says how it went: what begins the line
// when the master refuses or fails.
func (in *invocation) settleAs(what string, result *ipc.Result, err error) int {
	if errors.Is(err, errGone) && in.waitFree() {
		return in.notRunning() // it was about to end when this command looked
	}
	if errors.Is(err, errSilent) {
		err = in.whySilent()
	}
	if err != nil {
		return in.fail(err)
	}
	if result.Code != ipc.CodeDone {
		in.complain("%s%v", what, resultError(*result))
	}
	return result.Code
}
