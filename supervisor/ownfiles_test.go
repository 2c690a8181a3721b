package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// newLockedWorld is a served world that holds its run directory.
func newLockedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	must(t, os.Chmod(w.s.cfg.Dir.Path, 0o700))
	var err error
	w.s.lock, err = rundir.AcquireLock(w.s.cfg.Dir.Lock)
	must(t, err)
	t.Cleanup(func() { w.s.lock.Release() })
	w.serve(spec("a"))
	return w
}

// wantAnswer asks over a connection and reads the result, with the requests that
// come to the loop served.
func (w *world) wantAnswer(conn *ipc.Conn) {
	w.t.Helper()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	must(w.t, conn.Send(&ipc.Request{Command: ipc.CommandPing}))
	w.serveRequest()
	m, _, err := conn.Recv()
	if result, ok := m.(*ipc.Result); err != nil || !ok || result.Code != ipc.CodeDone {
		w.t.Errorf("answer %+v, %v", m, err)
	}
}

func (w *world) serveRequest() {
	w.t.Helper()
	select {
	case r := <-w.s.requests:
		w.s.onRequest(r)
	case <-time.After(5 * time.Second):
		w.t.Fatal("no request came")
	}
}

func (w *world) dial() *ipc.Conn {
	w.t.Helper()
	conn, err := ipc.DialControl(w.s.cfg.Dir.Socket)
	must(w.t, err)
	w.t.Cleanup(func() { conn.Close() })
	return conn
}

// Who has connected before is served all the same, and so is who connects then.
func TestSocketIsMadeAgainWithItsCallers(t *testing.T) {
	w := newLockedWorld(t)
	before := w.dial()
	must(t, os.Remove(w.s.cfg.Dir.Socket))
	w.pass(rundir.RestoreEvery)
	w.wantAnswer(before)
	w.wantAnswer(w.dial())
	if text := w.logged(); strings.Count(text, "wm.sock was removed, it is made again") != 1 {
		t.Errorf("log %s", text)
	}
}

// While nobody may ask, the socket stays as it is: an upgrade is to carry it.
// Those who wait in its queue are not lost with it.
func TestSocketIsNotMadeAgainInAPause(t *testing.T) {
	w := newLockedWorld(t)
	for !w.s.control.pause() {
		time.Sleep(time.Millisecond)
	}
	var waiting []*ipc.Conn
	for range 10 {
		waiting = append(waiting, w.dial())
	}
	must(t, os.Remove(w.s.cfg.Dir.Socket))
	must(t, os.Remove(w.s.cfg.Dir.Lock))
	w.pass(rundir.RestoreEvery)
	if _, err := os.Lstat(w.s.cfg.Dir.Socket); err == nil {
		t.Error("made in the pause")
	}
	if got := w.s.lock.Standing(); got != rundir.Own {
		t.Errorf("the lock was not made again: %d", got)
	}
	w.s.control.thaw()
	w.pass(rundir.RestoreEvery)
	for _, conn := range append(waiting, w.dial()) {
		w.wantAnswer(conn)
	}
}

// What cannot be mended is told once, and again when it comes back.
func TestReplacedFilesAreToldOnce(t *testing.T) {
	w := newLockedWorld(t)
	dir := w.s.cfg.Dir
	must(t, os.Remove(dir.PidFile))
	must(t, os.WriteFile(dir.PidFile, []byte("1\n"), 0o644))
	must(t, os.Remove(dir.Lock))
	other, err := rundir.AcquireLock(dir.Lock)
	must(t, err)
	for range 3 {
		w.pass(rundir.RestoreEvery)
	}
	text := w.logged()
	for _, want := range []string{
		"wm.pid was replaced by another file, which stays: ",
		fmt.Sprintf("ANOTHER MASTER holds wm.lock: two services run in %s, ", dir.Path),
	} {
		if strings.Count(text, want) != 1 {
			t.Errorf("want %q once, log %s", want, text)
		}
	}
	must(t, other.Release())
	w.pass(rundir.RestoreEvery)
	if got := w.s.lock.Standing(); got != rundir.Own {
		t.Errorf("the lock is not the master's: %d", got)
	}
}

func TestFilesOfADirectoryThatIsNotSafe(t *testing.T) {
	w := newLockedWorld(t)
	dir := w.s.cfg.Dir
	must(t, os.Chmod(dir.Path, 0o777))
	must(t, os.Remove(dir.Lock))
	for range 3 {
		w.pass(rundir.RestoreEvery)
	}
	const want = "wm.lock was removed and cannot be made again: run directory "
	if text := w.logged(); strings.Count(text, want) != 1 {
		t.Errorf("log %s", text)
	}
	must(t, os.Chmod(dir.Path, 0o700))
	w.pass(rundir.RestoreEvery)
	if got := w.s.lock.Standing(); got != rundir.Own {
		t.Errorf("the lock was not made again: %d", got)
	}
}

// A pid file of the operator's own place is made again, too.
func TestPidFileElsewhereIsMadeAgain(t *testing.T) {
	w := newLockedWorld(t)
	must(t, os.Remove(w.s.pidFile))
	w.s.pidFile = filepath.Join(t.TempDir(), "shop.pid")
	w.pass(rundir.RestoreEvery)
	if pid, err := rundir.ReadPidFile(w.s.pidFile); pid != os.Getpid() {
		t.Errorf("pid %d, %v", pid, err)
	}
	if text := w.logged(); !strings.Contains(text, w.s.pidFile+" was removed, it is made again") {
		t.Errorf("log %s", text)
	}
}

// Garbage costs a bounded number of lines, and nothing is hushed up.
func TestRefusedCommandsAreCounted(t *testing.T) {
	w := newLockedWorld(t)
	garbage := func(n int) {
		for range n {
			w.s.onRequest(&request{note: "control socket: garbage"})
		}
		w.s.reconcile()
	}
	garbage(1000)
	w.pass(refusedWithin)
	garbage(3)
	w.pass(refusedWithin)
	text := w.logged()
	if lines := strings.Count(text, "garbage\n"); lines != maxRefusals+3 {
		t.Errorf("%d lines, want %d, log %s", lines, maxRefusals+3, text)
	}
	more := fmt.Sprintf("control socket: %d more like this\n", 1000-maxRefusals)
	if strings.Count(text, more) != 1 || strings.Count(text, "more like") != 1 {
		t.Errorf("want %q once, log %s", more, text)
	}
	garbage(maxRefusals + 7)
	w.s.endRefused()
	if text := w.logged(); !strings.Contains(text, "control socket: 7 more like this\n") {
		t.Errorf("log %s", text)
	}
}
