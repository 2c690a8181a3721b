package supervisor

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// maxQueued bounds what waits for a worker process that does not read its
// link; reports are not asked for any more then.
const maxQueued = 256

// linkMessage is what a link tells the loop: a message, or its end.
type linkMessage struct {
	from *link
	m    ipc.Message
	fds  []int
	err  error // the link ended; m is nil
}

// link is the master's end of the pipe to one process. Sending never blocks:
// a process that was stopped by SIGSTOP must not stop the master.
type link struct {
	conn *ipc.Conn
	mu   sync.Mutex // guards out and shut
	out  []outgoing
	more chan struct{}
	shut bool
}

type outgoing struct {
	m  ipc.Message
	fd int // passed along and then closed; -1 for none
}

// openLink starts reading and writing conn; what arrives goes to messages
// until gone is closed.
func openLink(conn *ipc.Conn, messages chan<- linkMessage, gone <-chan struct{}) *link {
	l := &link{conn: conn, more: make(chan struct{}, 1)}
	go l.read(messages, gone)
	go l.write()
	return l
}

// read ends when the process has closed its end or the record was malformed.
func (l *link) read(messages chan<- linkMessage, gone <-chan struct{}) {
	for {
		m, fds, err := l.conn.Recv()
		select {
		case messages <- linkMessage{l, m, fds, err}:
		case <-gone:
			return
		}
		if err != nil {
			return
		}
	}
}

// write ends after close.
func (l *link) write() {
	for range l.more {
		for _, o := range l.take() {
			o.send(l.conn) // a failure: the reader reports the end
		}
	}
}

func (o outgoing) send(conn *ipc.Conn) {
	if o.fd < 0 {
		conn.Send(o.m)
		return
	}
	conn.Send(o.m, o.fd)
	unix.Close(o.fd)
}

func (l *link) take() []outgoing {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.out
	l.out = nil
	return out
}

// send queues m. It reports false when the process has not read for long; m
// is dropped then unless it must arrive.
func (l *link) send(m ipc.Message) bool {
	return l.queue(outgoing{m: m, fd: -1}, droppable(m))
}

// droppable says that nothing is lost but time.
func droppable(m ipc.Message) bool {
	switch m.(type) {
	case *ipc.AskReport, *ipc.AskConnections, *ipc.Kick:
		return true
	}
	return false
}

// pass queues m with a duplicate of a descriptor. Duplicates of a socket share
// its flags, so nothing else may be set on them.
func (l *link) pass(m ipc.Message, fd int) error {
	mine, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return fmt.Errorf("pass descriptor: %w", err)
	}
	if !l.queue(outgoing{m, mine}, false) {
		unix.Close(mine)
	}
	return nil
}

func (l *link) queue(o outgoing, droppable bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut || droppable && len(l.out) >= maxQueued {
		return false
	}
	l.out = append(l.out, o)
	select {
	case l.more <- struct{}{}:
	default:
	}
	return true
}

// close ends both goroutines; the process sees end of file.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.shut {
		l.shut = true
		close(l.more)
		l.conn.Close()
	}
}
