package supervisor

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
	"github.com/workerman-go/wm/rundir"
)

// world is a master whose processes, clock and sockets are played by the
// test. Events are delivered by calling what the loop would call.
type world struct {
	t     *testing.T
	s     *Supervisor
	now   time.Time
	procs map[int]*played
	last  int
	bound []string
	tried []string
	taken map[string]bool // addresses that cannot be bound
	fails error           // what the next start returns
	limit int             // of descriptors
}

// played is a process that does nothing by itself.
type played struct {
	pid    int
	launch launch
	conn   *ipc.Conn
	words  *os.File
	killed bool
}

const pidfdOffset = 1 << 20 // so that closing one hits no descriptor

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, now: time.Unix(1_000_000, 0),
		procs: map[int]*played{}, taken: map[string]bool{}, limit: math.MaxInt,
	}
	dir := t.TempDir()
	exe := filepath.Join(dir, "wm")
	w.write(exe, "one")
	cfg := Config{
		Program: "wm", Version: "0.1.0", WM: "1", Executable: exe, Environ: []string{},
		Dir: rundir.Dir{
			Path: dir, Lock: filepath.Join(dir, "wm.lock"), PidFile: filepath.Join(dir, "wm.pid"),
			LogFile: filepath.Join(dir, "wm.log"), Socket: filepath.Join(dir, "wm.sock"),
			History: filepath.Join(dir, "wm.history"),
		},
	}
	w.s = newSupervisor(cfg, system{
		start: w.start, kill: w.kill, open: w.open, try: w.try,
		now: func() time.Time { return w.now }, stderr: io.Discard,
		pidfd: func(pid int) (int, error) { return pidfdOffset + pid, nil },
		files: func() (int, int) { return w.files(), w.limit },
	})
	t.Cleanup(func() { w.end() })
	return w
}

func (w *world) end() {
	w.s.leave(false)
	for pid := range w.procs {
		w.exit(pid, 9)
	}
	w.s.reconcile()
	close(w.s.gone)
	if w.s.reaper != nil {
		<-w.s.reaper.done // it must not take the statuses of later tests
	}
}

func (w *world) write(path, content string) {
	w.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start(l launch) (*launched, error) {
	if err := w.fails; err != nil {
		w.fails = nil
		return nil, err
	}
	mine, there, err := ipc.Pair()
	if err != nil {
		return nil, err
	}
	conn, err := ipc.FromDescriptor(there)
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	w.last++
	w.procs[w.last] = &played{pid: w.last, launch: l, conn: conn, words: write}
	return &launched{pid: w.last, pidfd: pidfdOffset + w.last, link: mine, words: read}, nil
}

func (w *world) kill(pidfd int, sig unix.Signal) error {
	w.procs[pidfd-pidfdOffset].killed = true
	return nil
}

// files are the descriptors that the processes cost, and the sockets.
func (w *world) files() int { return len(w.procs)*processFiles + len(w.bound) }

func (w *world) open(a listen.Address) (*listen.Socket, error) {
	if w.taken[a.Host] {
		return nil, takenError(a)
	}
	w.bound = append(w.bound, a.Host)
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3) // something that can be passed on
	if err != nil {
		return nil, err
	}
	return &listen.Socket{FD: fd}, nil
}

func (w *world) try(a listen.Address) error {
	if w.taken[a.Host] {
		return takenError(a)
	}
	w.tried = append(w.tried, a.Host)
	return nil
}

func takenError(a listen.Address) error {
	return fmt.Errorf("listen %s: %w", a.Name, unix.EADDRINUSE)
}

// say delivers what a process sends.
func (w *world) say(pid int, messages ...ipc.Message) {
	w.t.Helper()
	p := w.played(pid)
	for _, m := range messages {
		if p.launch.handover.Role == ipc.RoleProbe {
			w.s.onMessage(linkMessage{from: w.s.probe.link, m: m})
		} else {
			w.s.onMessage(linkMessage{from: w.s.byPID[pid].link, m: m})
		}
	}
	w.reconcile()
}

func (w *world) played(pid int) *played {
	w.t.Helper()
	p := w.procs[pid]
	if p == nil {
		w.t.Fatalf("there is no process %d", pid)
	}
	return p
}

// exit plays the end of a process with a raw wait word and last words.
func (w *world) exit(pid, status int, words ...string) {
	w.t.Helper()
	p := w.played(pid)
	delete(w.procs, pid)
	io.WriteString(p.words, strings.Join(words, "\n"))
	p.words.Close()
	p.conn.Close()
	var l *link
	var said *lastWords
	switch p.launch.handover.Role {
	case ipc.RoleProbe:
		l, said = w.s.probe.link, w.s.probe.words
	case ipc.RoleWatcher:
		l, said = w.s.watcher.link, w.s.watcher.words
	default:
		l, said = w.s.byPID[pid].link, w.s.byPID[pid].words
	}
	<-said.done
	w.s.onMessage(linkMessage{from: l, err: io.EOF})
	w.s.onExit(exit{pid, status})
	w.reconcile()
}

// leave plays an orderly end.
func (w *world) leave(pids ...int) {
	w.t.Helper()
	for _, pid := range pids {
		w.say(pid, &ipc.Yielded{}, &ipc.Goodbye{})
		w.exit(pid, 0)
	}
}

func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.reconcile()
}

// reconcile also waits for binaries that are read.
func (w *world) reconcile() {
	w.s.reconcile()
	for len(w.s.away) > 0 {
		w.s.onErrand(<-w.s.errands)
		w.s.reconcile()
	}
}

// signal delivers one.
func (w *world) signal(sig unix.Signal) {
	w.s.onSignal(sig)
	w.reconcile()
}

// probe answers the probe that runs now with specs.
func (w *world) probe(specs ...ipc.Spec) {
	w.t.Helper()
	pid := w.last
	if w.played(pid).launch.handover.Role != ipc.RoleProbe {
		w.t.Fatalf("process %d is no probe", pid)
	}
	w.say(pid, &ipc.Announce{App: "app"}, &ipc.Specs{App: "app", Specs: specs},
		&ipc.Done{Version: "1", Program: "2.4.1"})
	w.exit(pid, 0)
}

// serve starts a service of specs, all ready.
func (w *world) serve(specs ...ipc.Spec) {
	w.t.Helper()
	if err := w.s.begin(); err != nil {
		w.t.Fatal(err)
	}
	w.s.reconcile()
	w.probe(specs...)
	w.readyAll()
	if w.s.phase != serving {
		w.t.Fatalf("phase %v after all are ready: %v", w.s.phase, w.s.err)
	}
}

func (w *world) readyAll() {
	w.t.Helper()
	for _, pid := range w.live() {
		if w.s.byPID[pid].state == starting {
			w.say(pid, &ipc.Ready{})
		}
	}
}

func (w *world) live() []int {
	var pids []int
	for pid := range w.procs {
		if w.s.byPID[pid] != nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// newest is the process that was started last.
func (w *world) newest() *process {
	w.t.Helper()
	p := w.s.byPID[w.last]
	if p == nil {
		w.t.Fatalf("the newest process %d is not live", w.last)
	}
	return p
}

// expect reads what the master has sent until a message of m's type comes.
func (w *world) expect(pid int, want ipc.Type) ipc.Message {
	w.t.Helper()
	p := w.played(pid)
	p.conn.SetDeadline(time.Now().Add(5 * time.Second))
	for {
		m, fds, err := p.conn.Recv()
		closeDescriptors(fds)
		if err != nil {
			w.t.Fatalf("process %d waits for message %d: %v", pid, want, err)
		}
		if m.Type() == want {
			return m
		}
	}
}

// reload asks for one, as the command would.
func (w *world) reload(content string, graceful bool) *request {
	w.t.Helper()
	w.write(w.s.cfg.Executable, content)
	r := &request{
		Request: ipc.Request{Command: ipc.CommandReload, Graceful: graceful},
		out:     make(chan ipc.Message, maxReplies),
	}
	r.reload, r.err = w.s.openReload(w.s.cfg.Executable, "", graceful)
	w.s.onRequest(r)
	w.reconcile()
	return r
}

// result returns how a request ended; nil when it has not yet.
func result(r *request) *ipc.Result {
	for {
		select {
		case m, open := <-r.out:
			if res, ok := m.(*ipc.Result); ok {
				return res
			}
			if !open {
				return nil
			}
		default:
			return nil
		}
	}
}

func spec(key string, change ...func(*ipc.Spec)) ipc.Spec {
	sp := ipc.Spec{
		App: "app", Key: key, Name: key, Network: "tcp", Host: key, Listen: "tcp://" + key,
		Transport: "tcp", Count: 1, Reloadable: true, ReadyTimeout: 30 * time.Second,
	}
	for _, f := range change {
		f(&sp)
	}
	return sp
}

func count(n int) func(*ipc.Spec) { return func(sp *ipc.Spec) { sp.Count = n } }
func stopFirst(sp *ipc.Spec)      { sp.StopFirst = true }
func stays(sp *ipc.Spec)          { sp.Reloadable = false }
func from(line string) func(*ipc.Spec) {
	return func(sp *ipc.Spec) { sp.Source = line }
}
func at(host string) func(*ipc.Spec) { return func(sp *ipc.Spec) { sp.Host = host } }
