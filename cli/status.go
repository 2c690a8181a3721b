package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/statusfmt"
)

// refreshEvery is how often status -d draws a new page.
const refreshEvery = time.Second

func (in *invocation) statusCommand() *urfave.Command {
	return in.command("status", "show workers, processes and what they have done", in.status,
		toggle("d", "live, every second, until Ctrl+C"),
		wide(),
		toggle("json", "print JSON"))
}

func (in *invocation) status(c *urfave.Context) int {
	if !c.Bool("json") && !c.Bool("d") {
		in.say("status")
	}
	return in.ifRunning(ipc.CodeNoStatus, func() int {
		if c.Bool("d") {
			return in.liveStatus(c)
		}
		snap, code := in.snapshot()
		if snap == nil {
			return code
		}
		return in.printStatus(snap, c)
	})
}

// snapshot asks the master for its state; nil with an exit status when that
// failed, which the user was told then.
func (in *invocation) snapshot() (*ipc.Snapshot, int) {
	var snap *ipc.Snapshot
	code := in.settle(in.ask(question{
		request: ipc.Request{Command: ipc.CommandStatus},
		silence: answerTimeout,
		each: func(m ipc.Message) {
			if s, ok := m.(*ipc.Snapshot); ok {
				snap = s
			}
		},
	}))
	if code == ipc.CodeDone && snap == nil {
		return nil, in.fail(errors.New("the master sent no status"))
	}
	return snap, code
}

// state is that of the running service; empty when it does not tell.
func (in *invocation) state() (state string) {
	in.ask(question{
		request: ipc.Request{Command: ipc.CommandStatus},
		silence: answerTimeout,
		each: func(m ipc.Message) {
			if s, ok := m.(*ipc.Snapshot); ok {
				state = s.State
			}
		},
	})
	return state
}

func (in *invocation) printStatus(snap *ipc.Snapshot, c *urfave.Context) int {
	if c.Bool("json") {
		return in.written(statusfmt.JSON(in.stdout, snap))
	}
	return in.written(statusfmt.Status(in.stdout, snap, tableOptions(in.stdout, c)))
}

// written is the exit status of a command that ends with printing.
func (in *invocation) written(err error) int {
	if err != nil {
		return in.fail(err)
	}
	return ipc.CodeDone
}

// liveStatus draws the page again each second, and when the terminal gets another
// size, until the user or the master goes away.
func (in *invocation) liveStatus(c *urfave.Context) int {
	var prev *ipc.Snapshot
	resized := make(chan os.Signal, 1)
	if !c.Bool("json") {
		signal.Notify(resized, unix.SIGWINCH)
		defer signal.Stop(resized)
	}
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		snap, code := in.snapshot()
		if in.ctx.Err() != nil {
			return ipc.CodeDone
		}
		if snap == nil {
			return code
		}
		statusfmt.QPS(prev, snap)
		prev = snap
		if code := in.untilTick(snap, c, tick.C, resized); code != ipc.CodeDone {
			return code
		}
		if in.ctx.Err() != nil {
			fmt.Fprintln(in.stdout)
			return ipc.CodeDone
		}
	}
}

// untilTick shows snap up to the next one, or the end of the command.
func (in *invocation) untilTick(snap *ipc.Snapshot, c *urfave.Context, tick <-chan time.Time,
	resized <-chan os.Signal) int {
	for {
		if code := in.drawLive(snap, c); code != ipc.CodeDone {
			return code
		}
		select {
		case <-in.ctx.Done():
			return ipc.CodeDone
		case <-tick:
			return ipc.CodeDone
		case <-resized:
		}
	}
}

// drawLive replaces the page on a terminal; elsewhere pages follow each other.
func (in *invocation) drawLive(snap *ipc.Snapshot, c *urfave.Context) int {
	if c.Bool("json") {
		return in.printStatus(snap, c)
	}
	opt := tableOptions(in.stdout, c)
	opt.Live = true
	var page bytes.Buffer
	if err := statusfmt.Status(&page, snap, opt); err != nil {
		return in.fail(err)
	}
	text := page.Bytes()
	if _, is := terminal(in.stdout); is {
		text = overwrite(text)
	}
	_, err := in.stdout.Write(text)
	return in.written(err)
}

// overwrite draws page over the previous one line by line: a screen that was
// cleared first would flicker.
func overwrite(page []byte) []byte {
	const home, clearLine, clearBelow = "\x1b[H", "\x1b[K", "\x1b[J"
	lines := bytes.ReplaceAll(page, []byte("\n"), []byte(clearLine+"\n"))
	return append(append([]byte(home), lines...), clearBelow...)
}
