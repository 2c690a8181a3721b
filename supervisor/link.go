package supervisor

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

// maxQueued bounds what waits for a worker process that does not read its
// link; reports are not asked for any more then.
const maxQueued = 256

// past is a deadline that interrupts who waits now.
var past = time.Unix(1, 0)

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
	conn     *ipc.Conn
	messages chan<- linkMessage
	gone     <-chan struct{}

	mu     sync.Mutex // guards the fields below
	out    []outgoing
	more   chan struct{}
	shut   bool
	frozen bool
	reads  bool // that goroutine runs, or has come to the end of the link
	writes bool
}

// outgoing is one record, so that an interruption falls between two of them.
type outgoing struct {
	rec []byte
	fd  int // passed along and then closed; -1 for none
}

// openLink starts reading and writing conn; what arrives goes to messages
// until gone is closed.
func openLink(conn *ipc.Conn, messages chan<- linkMessage, gone <-chan struct{}) *link {
	l := newLink(conn, messages, gone)
	l.thaw()
	return l
}

// newLink makes a frozen link; without a conn it has ended.
func newLink(conn *ipc.Conn, messages chan<- linkMessage, gone <-chan struct{}) *link {
	return &link{
		conn: conn, messages: messages, gone: gone, more: make(chan struct{}, 1),
		shut: conn == nil, frozen: true,
	}
}

// read ends when the process has closed its end or the record was malformed.
func (l *link) read() {
	for {
		m, fds, err := l.conn.Recv()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if l.stops(&l.reads) {
				return
			}
			continue
		}
		select {
		case l.messages <- linkMessage{l, m, fds, err}:
		case <-l.gone:
			return
		}
		if err != nil {
			return
		}
	}
}

// write takes a record out of the queue when it is sent.
func (l *link) write() {
	for range l.more {
		for {
			o, found := l.first()
			if !found {
				break
			}
			err := o.send(l.conn) // a failure: the reader reports the end
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break // frozen
			}
			l.sent(o)
		}
		if l.stops(&l.writes) {
			return
		}
	}
}

// stops tells whether a goroutine has to end, and notes that it has.
func (l *link) stops(runs *bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen {
		*runs = false
	}
	return l.frozen
}

func (o outgoing) send(conn *ipc.Conn) error {
	if o.fd < 0 {
		return conn.SendRecord(o.rec)
	}
	return conn.SendRecord(o.rec, o.fd)
}

func (l *link) first() (o outgoing, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen && !l.shut || len(l.out) == 0 { // what is shut only gives back
		return outgoing{}, false
	}
	return l.out[0], true
}

// sent forgets the first record.
func (l *link) sent(o outgoing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out[0] = outgoing{}
	l.out = l.out[1:]
	if o.fd >= 0 {
		unix.Close(o.fd)
	}
}

// send queues m. It reports false when the process has not read for long; m
// is dropped then unless it must arrive.
func (l *link) send(m ipc.Message) bool { return l.queue(m, -1, droppable(m)) }

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
	if !l.queue(m, mine, false) {
		unix.Close(mine)
	}
	return nil
}

func (l *link) queue(m ipc.Message, fd int, droppable bool) bool {
	recs, err := ipc.Records(m)
	if err != nil {
		return false // beyond what a link carries; nothing that is sent can be
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut || droppable && len(l.out) >= maxQueued {
		return false
	}
	for _, rec := range recs {
		l.out = append(l.out, outgoing{rec, fd})
		fd = -1 // it belongs to the first
	}
	l.wakeLocked()
	return true
}

func (l *link) wakeLocked() {
	if l.shut {
		return
	}
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// close ends both goroutines; the process sees end of file.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return
	}
	l.shut = true
	close(l.more)
	l.conn.Close()
	if l.writes {
		return // the goroutine closes what is queued
	}
	for _, o := range l.out {
		if o.fd >= 0 {
			unix.Close(o.fd)
		}
	}
	l.out = nil
}

// freeze makes both goroutines end between two records, see still. What has
// come of a message stays in the Conn, what is not sent stays queued.
func (l *link) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return
	}
	l.frozen = true
	l.conn.SetDeadline(past)
	l.wakeLocked()
}

// still tells whether both have ended.
func (l *link) still() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shut || !l.reads && !l.writes
}

// thaw starts those that do not run.
func (l *link) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.frozen || l.shut {
		return
	}
	l.frozen = false
	l.conn.SetDeadline(time.Time{})
	l.wakeLocked()
	if !l.reads {
		l.reads = true
		go l.read() // ends with the link, or frozen
	}
	if !l.writes {
		l.writes = true
		go l.write() // ends after close, or frozen
	}
}
