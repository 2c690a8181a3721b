package supervisor

import (
	"fmt"
	"net"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// control restores the control socket and everybody who is connected.
func (r *restorer) control(row ipc.ControlState) {
	file := r.file(row.FD, 3, "control socket")
	if file == nil {
		return
	}
	defer file.Close() // FileListener works on a duplicate
	ln, err := net.FileListener(file)
	if err != nil {
		r.fail(fmt.Errorf("control socket: %w", err))
		return
	}
	unix, ok := ln.(*net.UnixListener)
	if !ok {
		r.fail(fmt.Errorf("control socket: descriptor %d is no Unix socket", row.FD))
		return
	}
	c := r.s.newControl(unix)
	c.file = rundir.FileID{Dev: row.Dev, Ino: row.Ino}
	if c.file == (rundir.FileID{}) { // of a master that did not look
		c.file = rundir.FileIDOf(c.path)
	}
	c.busy = make(chan struct{}, max(maxControls, len(row.Callers)))
	r.s.control = c
	for _, cl := range row.Callers {
		r.caller(cl)
	}
}

func (r *restorer) caller(row ipc.CallerState) {
	conn := r.conn(row.FD)
	if conn == nil {
		return
	}
	conn.Resume(row.Partial)
	cl := &caller{conn: conn, readBy: r.delayed(row.ReadBy), rest: row.Out}
	switch {
	case row.Request == nil:
	case row.Request.Command == ipc.CommandDiff && !row.Ended:
		// Nothing of such a question is in the state but who asks.
		cl.again = row.Request
	default:
		cl.request = &request{
			Request: *row.Request, out: make(chan ipc.Message, maxReplies),
			cut: row.Cut, ended: row.Ended,
		}
		cl.request.peer, _ = conn.Peer()
		copy(cl.request.digest[:], row.Digest)
		if row.Ended {
			close(cl.request.out)
		}
	}
	c := r.s.control
	c.busy <- struct{}{}
	c.callers[cl] = true
	r.requests = append(r.requests, cl.request)
}

func (r *restorer) reload(row *ipc.ReloadState) *reload {
	if row == nil {
		return nil
	}
	return &reload{
		gen: pick(r, r.generations, row.Generation), path: row.Path, order: row.Order,
		graceful: row.Graceful, ifNew: row.IfNew, watched: row.Watched, install: row.Install,
		by: restoreAskers(row.By), began: row.Began, renewal: pick(r, r.slots, row.Renewal),
		waiters: r.waiters(row.Waiters), leaves: r.all(row.Leaves), did: row.Did,
		failed: row.Failed, upgraded: row.Upgraded,
	}
}

func restoreAskers(rows []ipc.AskerState) []rundir.Asker {
	var by []rundir.Asker
	for _, row := range rows {
		by = append(by, rundir.Asker{Signal: row.Signal, UID: row.UID, PID: row.PID})
	}
	return by
}

func (r *restorer) waiters(indexes []int) []*request {
	var rs []*request
	for _, i := range indexes {
		if req := pick(r, r.requests, i); req != nil {
			rs = append(rs, req)
		}
	}
	return rs
}

func (r *restorer) upgrade(row ipc.UpgradeState) *upgrade {
	gen := pick(r, r.generations, row.Generation)
	if gen == nil {
		gen = &generation{path: row.Path}
	}
	return &upgrade{
		gen: gen, install: row.Install, by: restoreAskers(row.By), began: row.Began,
		waiters: r.waiters(row.Waiters), then: r.reload(row.Then), staged: r.staged(row.Staged),
	}
}
