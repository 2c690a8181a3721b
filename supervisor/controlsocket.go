package supervisor

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
)

// standing tells whether the file of the socket is still there.
func (c *control) standing() rundir.Standing { return rundir.StandingOf(c.path, c.file) }

// bindAgain takes another socket for the one whose file is gone, and everybody
// over who has connected to that. It is errPaused while nobody may ask: then an
// upgrade is about to pass the socket on as it is.
func (c *control) bindAgain() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused {
		return errPaused
	}
	ln, err := ipc.BindControl(c.path)
	if err != nil {
		return err
	}
	old := c.ln
	c.ln, c.file = ln, rundir.FileIDOf(c.path)
	for _, conn := range queued(old) {
		c.welcomeLocked(conn)
	}
	return old.Close() // accept goes on with the other one
}

// queued takes all connections that wait to be accepted.
func queued(ln *net.UnixListener) []*ipc.Conn {
	raw, err := ln.SyscallConn()
	if err != nil {
		return nil
	}
	var conns []*ipc.Conn
	raw.Control(func(listener uintptr) {
		for {
			fd, _, err := unix.Accept4(int(listener), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ECONNABORTED) {
				continue
			}
			if err != nil {
				return
			}
			if conn, err := ipc.FromDescriptor(fd); err == nil {
				conns = append(conns, conn)
			}
		}
	})
	return conns
}

// welcomeLocked serves who has connected, unless too many are served;
// control.mu is held.
func (c *control) welcomeLocked(conn *ipc.Conn) {
	select {
	case c.busy <- struct{}{}:
	default:
		conn.Close()
		return
	}
	cl := &caller{conn: conn, readBy: time.Now().Add(requestTimeout)}
	c.callers[cl] = true
	c.startLocked(cl)
}
