package child

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

const (
	// goodbyeTimeout bounds the end of a process whose master does not read.
	goodbyeTimeout = time.Second
	// maxLogQueue is how many bytes of log lines wait for the master.
	maxLogQueue = 1 << 20
	// maxLogText is how much of one text is kept, a stack trace for example.
	maxLogText = 64 << 10
	// logOverhead is counted for each line beside its bytes.
	logOverhead = 64
)

// received is one message of the master, or why there is no next one.
type received struct {
	m   ipc.Message
	fds []int
	err error
}

// watch is the harness goroutine: it takes what the master, people and the
// clock say, and never waits for the loop. It ends with the process.
func (p *process) watch(signals <-chan os.Signal) {
	messages := make(chan received)
	go p.readLink(messages) // ends when the link does
	for {
		select {
		case r := <-messages:
			p.onReceived(r)
		case sig := <-signals:
			p.onSignal(sig)
		case <-p.leaving.warn:
			p.onWarning()
		case <-p.leaving.limit:
			p.endNow()
		case <-p.over:
			return
		}
	}
}

func (p *process) readLink(messages chan<- received) {
	for {
		m, fds, err := p.link.Recv()
		select {
		case messages <- received{m, fds, err}:
		case <-p.over:
			return
		}
		if err != nil {
			return
		}
	}
}

// onReceived does what one message says. A type of the other direction is
// ignored, as an unknown one is.
func (p *process) onReceived(r received) {
	switch m := r.m.(type) {
	case nil:
		p.onLinkEnd(r.err)
	case *ipc.Listening:
		p.open.answer(m, r.fds)
		return
	case *ipc.Reload:
		p.onReload(r.fds)
	case *ipc.Files:
		p.loop.Post(func() { p.onFiles(m.Files) })
	case *ipc.Lend:
		p.onLend(m.Slot, r.fds)
		return
	case *ipc.Reclaim:
		p.loop.Post(func() { p.served.Load().Reclaim(m.Slot) })
	case *ipc.Seated:
		p.loop.Post(func() { p.served.Load().Seated() })
	case *ipc.Kick:
		p.loop.Post(func() { p.served.Load().Kick() })
	case *ipc.Drain:
		p.onDrain(m)
	case *ipc.Turn:
		p.onTurn()
	case *ipc.Dump:
		go dumpStacks() // ends with its one write
	case *ipc.AskReport:
		p.report(m.ID)
	case *ipc.AskConnections:
		p.loop.Post(func() { p.listConnections(m.ID) })
	}
	closeAll(r.fds)
}

// onReload moves the standard output to the reopened file, if there is one
// and this process does not write to a terminal. Standard error goes to the
// master, which reopens its own.
func (p *process) onReload(fds []int) {
	if len(fds) > 0 && !p.told.Debug {
		if err := unix.Dup3(fds[0], unix.Stdout, 0); err != nil {
			p.out.log("reopen standard output: " + err.Error())
		}
	}
	p.loop.Post(func() { p.served.Load().Reload() })
}

// onLend takes the descriptor over.
func (p *process) onLend(slot int, fds []int) {
	if len(fds) == 0 {
		p.out.log(fmt.Sprintf("the master lent slot %d without a listener", slot))
		return
	}
	closeAll(fds[1:])
	p.loop.Post(func() { p.served.Load().Lend(slot, fds[0]) })
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// sender writes the link for everybody else. All methods but write may be
// called by any goroutine and none but finish blocks.
type sender struct {
	link    *ipc.Conn
	dropped atomic.Uint64 // log lines that found the queue full
	more    chan struct{}
	done    chan struct{} // closed when write has ended

	mu     sync.Mutex // guards the fields below
	queue  []ipc.Message
	logged int  // size of the log lines in queue
	shut   bool // nothing is queued any more
}

func newSender(link *ipc.Conn) *sender {
	s := &sender{link: link, more: make(chan struct{}, 1), done: make(chan struct{})}
	go s.write() // ends at finish, or when the master is gone
	return s
}

// send queues m. It is never dropped while the master lives: except for log
// lines the master must ask before there is something to say, or it comes
// once in the life of a process.
func (s *sender) send(m ipc.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(m)
}

// log queues a text for wm.log, or counts it when too many wait.
func (s *sender) log(text string) {
	if len(text) > maxLogText {
		text = text[:maxLogText] + " ..."
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.logged+len(text)+logOverhead > maxLogQueue {
		s.dropped.Add(1)
		return
	}
	s.logged += len(text) + logOverhead
	s.add(&ipc.Log{Text: text})
}

// add needs the lock.
func (s *sender) add(m ipc.Message) {
	if s.shut {
		return
	}
	s.queue = append(s.queue, m)
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *sender) take() []ipc.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue := s.queue
	s.queue, s.logged = nil, 0
	return queue
}

func (s *sender) write() {
	defer close(s.done)
	for range s.more {
		for _, m := range s.take() {
			if err := s.link.Send(m); err != nil {
				s.giveUp()
				return
			}
		}
	}
}

// giveUp drops what nobody will read.
func (s *sender) giveUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue, s.shut = nil, true
}

// finish waits until everything queued is written, or the time is over.
// Called once, at the end of the process.
func (s *sender) finish(within time.Duration) {
	s.mu.Lock()
	s.shut = true
	close(s.more)
	s.mu.Unlock()
	// Fails only if the link is closed, and then so does the writer.
	_ = s.link.SetWriteDeadline(time.Now().Add(within))
	<-s.done
}
