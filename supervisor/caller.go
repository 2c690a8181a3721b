package supervisor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

var (
	// errPaused ends the wait for a request that may go on later.
	errPaused = errors.New("nobody may ask now")
	// errNotAllowed is for those whom the master does not serve.
	errNotAllowed = errors.New("may not command this master")
)

// acceptPause is between two tries to accept a command while that fails.
const acceptPause = 50 * time.Millisecond

// caller is one command that has connected. It belongs to the goroutine that
// serves it, and to the loop while there is none.
type caller struct {
	conn    *ipc.Conn
	readBy  time.Time    // the request must have come
	request *request     // nil before
	again   *ipc.Request // had come to the image before, as if it came now
	rest    [][]byte     // records to be sent before those of request.out
	carried bool         // a goroutine serves it; guarded by control.mu
	reads   string       // a binary that is being read for it; guarded by control.mu
}

// carry starts to accept, and to serve those whom nobody serves.
func (c *control) carry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.accepts {
		c.accepts = true
		c.asking++
		c.open.Go(c.accept) // ends with the listener, or paused
	}
	for cl := range c.callers {
		if cl.carried {
			continue
		}
		if cl.request == nil { // a pause may be longer than what it has
			cl.readBy = time.Now().Add(requestTimeout)
		}
		c.startLocked(cl)
	}
}

func (c *control) startLocked(cl *caller) {
	cl.carried = true
	if cl.request == nil {
		c.asking++
	}
	c.open.Go(func() { c.serve(cl) }) // ends with the command, or interrupted
}

// accept ends when the listener is closed, or nobody may ask.
func (c *control) accept() {
	defer c.asked()
	for ln := c.listener(); ; {
		sock, err := ln.AcceptUnix()
		if err == nil {
			c.welcome(ipc.NewConn(sock))
			continue
		}
		if c.endsAccept(ln, err) {
			return
		}
		if next := c.listener(); next != ln {
			ln = next
		} else if !errors.Is(err, os.ErrDeadlineExceeded) {
			time.Sleep(acceptPause) // no descriptor is free
		}
	}
}

func (c *control) listener() *net.UnixListener {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ln
}

// endsAccept is false when another try may go well, also because the pause that
// ended the wait is over already, or another listener has taken the place of ln.
func (c *control) endsAccept(ln *net.UnixListener, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepts = !c.paused && (ln != c.ln || !errors.Is(err, net.ErrClosed))
	return !c.accepts
}

func (c *control) welcome(conn *ipc.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.welcomeLocked(conn)
}

// farewell ends what welcome began.
func (c *control) farewell(cl *caller) {
	cl.conn.Close()
	c.mu.Lock()
	delete(c.callers, cl)
	c.mu.Unlock()
	<-c.busy
}

// asked counts one less who may bring a request.
func (c *control) asked() {
	c.mu.Lock()
	c.asking--
	c.mu.Unlock()
	c.s.poke() // an upgrade may wait for it
}

// serve brings the one request of a command to the loop and carries the
// answers back.
func (c *control) serve(cl *caller) {
	if cl.request == nil && !c.ask(cl) {
		return
	}
	err := c.attend(cl)
	if errors.Is(err, errPaused) {
		return
	}
	if err != nil {
		cl.request.abandon()
	}
	c.farewell(cl)
}

// ask tells whether there is a request, which the loop has or has refused.
func (c *control) ask(cl *caller) bool {
	defer c.asked()
	r, err := c.read(cl)
	switch {
	case errors.Is(err, errPaused):
		return false
	case ipc.Gone(err):
		c.farewell(cl) // somebody only looked whether the master is there
		return false
	case err != nil:
		r = refusal(cl.conn, err)
	}
	cl.request = r
	if !c.post(r) && !r.ended {
		c.tellStopping(r, cl.conn)
		c.farewell(cl)
		return false
	}
	return true
}

// tellStopping answers who wants a change, or to know of one, when the loop has
// ended.
func (c *control) tellStopping(r *request, conn *ipc.Conn) {
	if r.reload != nil || r.upgrade != nil || r.gen != nil {
		conn.SetWriteDeadline(time.Now().Add(requestTimeout))
		conn.Send(&ipc.Result{Code: ipc.CodeFailed, Text: stoppingText})
	}
}

// read takes the request of a command that may ask.
func (c *control) read(cl *caller) (*request, error) {
	conn := cl.conn
	conn.MaxMessage = ipc.MaxRequest
	peer, err := conn.Peer()
	if err == nil && peer.UID != 0 && peer.UID != os.Geteuid() {
		err = fmt.Errorf("uid %d %w", peer.UID, errNotAllowed)
	}
	if err != nil {
		return nil, err
	}
	m, err := c.recv(cl)
	if err != nil {
		return nil, err
	}
	want, ok := m.(*ipc.Request)
	if !ok {
		return nil, fmt.Errorf("%w: %T is no request", ipc.ErrMalformed, m)
	}
	return c.requestOf(cl, want, peer), nil
}

// recv waits until readBy, which a pause puts off.
func (c *control) recv(cl *caller) (ipc.Message, error) {
	for {
		if !c.mayAsk(cl) {
			return nil, errPaused
		}
		if cl.again != nil {
			return cl.again, nil
		}
		m, fds, err := cl.conn.Recv()
		closeDescriptors(fds)
		if !errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(cl.readBy) {
			return m, err
		}
	}
}

// opensBinary are the commands that name a binary.
var opensBinary = map[string]bool{
	ipc.CommandDiff: true, ipc.CommandReload: true, ipc.CommandUpgrade: true,
}

// requestOf opens what the command names: reading a binary takes a while.
func (c *control) requestOf(cl *caller, want *ipc.Request, peer ipc.Peer) *request {
	r := &request{Request: *want, peer: peer, out: make(chan ipc.Message, maxReplies)}
	if c.s.alone != nil {
		return r // it runs no other binary
	}
	path := firstSet(want.Binary, c.s.cfg.Executable)
	if opensBinary[want.Command] {
		c.reading(cl, path)
		defer c.reading(cl, "")
	}
	switch want.Command {
	case ipc.CommandDiff:
		r.gen, r.err = openGeneration(path)
	case ipc.CommandReload:
		r.reload, r.err = c.s.openReload(path, want.InstallAs, want.Graceful)
	case ipc.CommandUpgrade:
		if r.upgrade, r.err = newUpgrade(path, want.InstallAs); r.err == nil {
			r.upgrade.by = []rundir.Asker{r.asker()}
		}
	}
	return r
}

// refusal is a request that is answered already; the loop only logs it.
func refusal(conn *ipc.Conn, err error) *request {
	peer, peerErr := conn.Peer()
	code := ipc.CodeFailed
	if peerErr != nil || errors.Is(err, errNotAllowed) {
		code = ipc.CodeDenied
	}
	r := &request{
		note: fmt.Sprintf("control socket: pid %d of uid %d: %v", peer.PID, peer.UID, err),
		out:  make(chan ipc.Message, 1),
	}
	r.finish(code, err.Error())
	return r
}

// attend carries the answers of the loop to the command until the result.
func (c *control) attend(cl *caller) error {
	for {
		by := time.Now().Add(replyTimeout)
		halt := c.mayAnswer(cl, by)
		if halt == nil {
			return errPaused
		}
		if len(cl.rest) > 0 {
			err := cl.conn.SendRecord(cl.rest[0])
			if err == nil {
				cl.rest = cl.rest[1:]
			} else if !errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(by) {
				return err
			}
			continue
		}
		select {
		case m, open := <-cl.request.out:
			if !open {
				return nil
			}
			recs, err := ipc.Records(m)
			if err != nil {
				return err
			}
			cl.rest = recs
		case <-halt:
		}
	}
}

// post gives a request to the loop; false when it takes none any more.
func (c *control) post(r *request) bool {
	select {
	case c.s.requests <- r:
		return true
	case <-c.shut:
		return false
	}
}

// mayAsk sets the deadline of a request. It is false when nobody may ask; the
// caller is left to the goroutine that serves it next.
func (c *control) mayAsk(cl *caller) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused {
		cl.carried = false
		return false
	}
	cl.conn.SetReadDeadline(cl.readBy)
	return true
}

// mayAnswer sets the deadline of a record and returns what ends the wait for
// the next one. Without it nobody is answered; the caller is left to the
// goroutine that serves it next.
func (c *control) mayAnswer(cl *caller, by time.Time) (halt <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen {
		cl.carried = false
		return nil
	}
	cl.conn.SetWriteDeadline(by)
	return c.halt
}
