package supervisor

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// verified brings an upgrade to where only the standstill is missing. Its exec
// fails: what the world upgrades to is text.
func (w *world) verified(content string) *request {
	w.t.Helper()
	w.s.reaper = reap(w.s.exits, w.s.gone)
	r := w.upgrade(content)
	pid := w.rehearsal()
	w.t.Cleanup(func() {
		signal.Stop(w.s.signals)
		signal.Reset(masterSignals...)
		delete(w.procs, pid)
	})
	w.s.onMessage(linkMessage{from: w.s.upgrade.child.link, m: &ipc.Adopted{}})
	w.reconcile()
	return r
}

// However long a binary is read for somebody, others are answered; the upgrade
// goes on when it is read, or says who holds it up.
func TestPauseNeverCostsAnAnswer(t *testing.T) {
	for _, ends := range []bool{true, false} {
		t.Run(fmt.Sprint("ends ", ends), func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a"))
			c := w.s.control
			slow, err := ipc.DialControl(c.path)
			must(t, err)
			defer slow.Close()
			cl := w.callerOf(1)
			c.startReading(cl)
			r := w.verified("new")
			w.pass(answerTimeout - time.Millisecond)
			w.wantPong()
			for range 3 {
				w.passTo(pausing)
				w.pass(pauseTimeout)
				w.wantPong()
			}
			if ends {
				c.endReading(cl)
				w.passTo(pausing)
				w.waitForExec()
				wantNote(t, r, "rehearses")
				wantNote(t, r, "/slow is being read for pid")
				w.wantRefused(r, "execute ") // it has come to the exec
			} else {
				w.pass(quietTimeout)
				w.pass(pauseTimeout)
				w.wantRefused(r, "could not stand still", "/slow is being read for pid ",
					fmt.Sprint(os.Getpid()))
				c.endReading(cl)
			}
			w.wantPong()
		})
	}
}

// passTo lets time pass until the upgrade is at a stage.
func (w *world) passTo(stage upgradeStage) {
	w.t.Helper()
	for range 1000 {
		if w.s.upgrade == nil {
			w.t.Fatal("no upgrade is under way")
		}
		if w.s.upgrade.stage == stage {
			return
		}
		w.pass(10 * time.Millisecond)
	}
	w.t.Fatalf("stage %d, never %d", w.s.upgrade.stage, stage)
}

// waitForExec lets callers come to rest, in which no time passes. The exec
// fails.
func (w *world) waitForExec() {
	w.t.Helper()
	timeout := time.After(10 * time.Second)
	for w.s.upgrade != nil {
		select {
		case <-w.s.pokes:
		case <-timeout:
			w.t.Fatal("the callers do not come to rest")
		}
		w.reconcile()
	}
}

// callerOf waits for the one caller that has connected.
func (w *world) callerOf(n int) *caller {
	c := w.s.control
	for {
		c.mu.Lock()
		for cl := range c.callers {
			if len(c.callers) == n {
				c.mu.Unlock()
				return cl
			}
		}
		c.mu.Unlock()
		runtime.Gosched()
	}
}

// startReading plays a command whose binary is on a slow disk.
func (c *control) startReading(cl *caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asking++
	cl.reads = "/slow"
}

func (c *control) endReading(cl *caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cl.reads != "" {
		c.asking--
		cl.reads = ""
	}
}

// wantPong asks the master whether it answers.
func (w *world) wantPong() {
	w.t.Helper()
	conn, err := ipc.DialControl(w.s.control.path)
	must(w.t, err)
	defer conn.Close()
	must(w.t, conn.Send(&ipc.Request{Command: ipc.CommandPing}))
	select {
	case r := <-w.s.requests:
		w.s.onRequest(r)
	case <-time.After(10 * time.Second):
		w.t.Fatal("nobody may ask")
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if m, _, err := conn.Recv(); err != nil {
		w.t.Fatalf("got %+v, %v", m, err)
	}
}

// Who has connected, and has sent nothing or the half of a request, does not
// hold an upgrade up.
func TestSilentCallersDoNotHoldUpAnUpgrade(t *testing.T) {
	w := newWorld(t)
	w.serve(spec("a"))
	nothing, err := ipc.DialControl(w.s.control.path)
	must(t, err)
	defer nothing.Close()
	half, err := ipc.DialControl(w.s.control.path)
	must(t, err)
	defer half.Close()
	recs, err := ipc.Records(&ipc.Request{Command: strings.Repeat("x", 100_000)})
	must(t, err)
	must(t, half.SendRecord(recs[0]))
	w.callerOf(2)
	r := w.verified("new")
	w.waitForExec()
	w.wantRefused(r, "execute ")
	w.wantPong()
}

// A signal that comes in the moment of the exec is acted on when that fails.
func TestSignalsOfAFailedExec(t *testing.T) {
	for sig, want := range map[unix.Signal]string{
		unix.SIGUSR1: "execute ", unix.SIGTERM: stoppingText,
	} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			w := newWorld(t)
			w.serve(spec("a"))
			w.s.signals <- sig // the loop has not seen it
			r := w.verified("new")
			w.waitForExec()
			wantResult(t, r, 1, want)
			w.reconcile()
			if sig == unix.SIGTERM && w.s.phase != leaving {
				t.Errorf("phase %v", w.s.phase)
			}
			if sig == unix.SIGUSR1 && (w.s.roll == nil || w.s.roll.by[0].Signal != "SIGUSR1") {
				t.Errorf("the reload %+v follows", w.s.roll)
			}
		})
	}
}
