package supervisor

import (
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// Bounds of the control socket.
const (
	maxControls     = 128             // commands served at once
	requestTimeout  = 2 * time.Second // for the request to arrive
	replyTimeout    = 5 * time.Second // for the command to read
	maxReplies      = 4096            // records waiting for a slow command
	finalReplyDelay = time.Second     // for the last results before the master ends
)

// control serves the command line. Its goroutines only carry messages; what
// they mean is decided on the loop.
type control struct {
	s    *Supervisor
	path string
	file rundir.FileID  // of the socket; the loop's
	busy chan struct{}  // one entry for each command being served
	open sync.WaitGroup // the goroutines
	shut chan struct{}  // closed when no request is taken any more

	mu      sync.Mutex        // guards the fields below
	ln      *net.UnixListener // replaced by the loop, see bindAgain
	callers map[*caller]bool
	asking  int           // goroutines that may bring a request
	accepts bool          // its goroutine runs
	paused  bool          // nobody may ask
	frozen  bool          // nobody is answered either
	halt    chan struct{} // closed when frozen
}

// openControl begins to answer commands.
func (s *Supervisor) openControl() error {
	ln, err := ipc.ListenControl(s.cfg.Dir.Socket)
	if err != nil {
		return err
	}
	s.control = s.newControl(ln)
	s.control.file = rundir.FileIDOf(s.cfg.Dir.Socket)
	s.control.carry()
	return nil
}

// newControl does not accept yet.
func (s *Supervisor) newControl(ln *net.UnixListener) *control {
	return &control{
		s: s, ln: ln, path: s.cfg.Dir.Socket,
		busy: make(chan struct{}, maxControls), shut: make(chan struct{}),
		callers: map[*caller]bool{}, halt: make(chan struct{}),
	}
}

// closeControl lets the last results go out and removes the socket.
func (s *Supervisor) closeControl() {
	c := s.control
	if c == nil {
		return
	}
	close(c.shut)
	if c.standing() == rundir.Own {
		os.Remove(c.path) // before the results: whoever has one finds no socket
	}
	c.listener().Close()
	s.stopped()
	served := make(chan struct{})
	go func() { c.open.Wait(); close(served) }() // ends with the last writer
	select {
	case <-served:
	case <-time.After(finalReplyDelay):
	}
}

// request is one command as the loop sees it. reply and finish belong to the
// loop.
type request struct {
	ipc.Request
	peer    ipc.Peer
	reload  *reload
	upgrade *upgrade
	gen     *generation       // of diff
	digest  [sha256.Size]byte // of the binary that a reload was called for
	err     error
	note    string // not a request: a line for the log
	out     chan ipc.Message
	cut     bool // records were dropped
	ended   bool
}

// asker is who sent the request.
func (r *request) asker() rundir.Asker { return rundir.Asker{UID: r.peer.UID, PID: r.peer.PID} }

// reply queues a record. A command that does not read loses progress first;
// what it asked for only with a result that says so.
func (r *request) reply(m ipc.Message) {
	free := cap(r.out) - len(r.out) - 1 // the last place is for the result
	_, minor := m.(*ipc.Progress)
	if minor {
		free -= cap(r.out) / 2
	}
	switch {
	case r.ended:
	case free > 0:
		r.out <- m
	case !minor:
		r.cut = true
	}
}

// finish sends the result.
func (r *request) finish(code int, text string) {
	if r.ended {
		return
	}
	if r.cut && code == ipc.CodeDone && text == "" {
		code, text = ipc.CodeFailed, "incomplete: the command did not read fast enough"
	}
	r.out <- &ipc.Result{Code: code, Text: text}
	r.ended = true
	close(r.out)
}

// abandon lets the loop go on talking to a command that went away.
func (r *request) abandon() {
	go func() { // ends with the request's result
		for range r.out {
		}
	}()
}

// commands is what each request does.
var commands = map[string]func(*Supervisor, *request){
	ipc.CommandPing:        func(s *Supervisor, r *request) { r.finish(ipc.CodeDone, "") },
	ipc.CommandStatus:      (*Supervisor).collectStatus,
	ipc.CommandConnections: (*Supervisor).collectConnections,
	ipc.CommandStop:        (*Supervisor).stopByCommand,
	ipc.CommandReload:      (*Supervisor).reloadByCommand,
	ipc.CommandDiff:        (*Supervisor).diffByCommand,
	ipc.CommandUpgrade:     (*Supervisor).upgradeByCommand,
}

// onRequest serves one command.
func (s *Supervisor) onRequest(r *request) {
	if r.note != "" {
		s.noteRefused(r.note)
		return
	}
	serve := commands[r.Command]
	if serve == nil {
		s.noteRefused(fmt.Sprintf("control socket: unknown command %.80q of %v", r.Command, r.asker()))
		r.finish(ipc.CodeUsage, fmt.Sprintf("unknown command %q", r.Command))
		return
	}
	if s.alone != nil && !servedAlone[r.Command] {
		s.rememberRefused(r, RefusedSingle)
		r.finish(ipc.CodeFailed, RefusedSingle)
		return
	}
	serve(s, r)
}

func (s *Supervisor) stopByCommand(r *request) {
	s.logf("stop asked by %v", r.asker())
	s.stopWaiters = append(s.stopWaiters, r)
	s.stopAsked(r.asker())
	s.leave(r.Graceful)
}

func (s *Supervisor) reloadByCommand(r *request) {
	if r.err != nil {
		s.logf("reload failed: %v", r.err)
		s.rememberRefused(r, r.err.Error())
		r.finish(ipc.CodeFailed, r.err.Error()+"\n"+Unchanged)
		return
	}
	r.reload.by, r.digest = []rundir.Asker{r.asker()}, r.reload.gen.digest
	if r.NoWait {
		r.finish(ipc.CodeDone, "")
	} else {
		r.reload.waiters = append(r.reload.waiters, r)
	}
	r.reload.ifNew = r.IfNew
	r.reload.watched = s.watcher.pid != 0 && r.peer.PID == s.watcher.pid
	s.requestReload(r.reload)
}
