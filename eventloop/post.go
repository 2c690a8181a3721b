package eventloop

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// mailbox holds what other goroutines posted.
type mailbox struct {
	waiting atomic.Bool // fns is not empty

	mu     sync.Mutex // guards the fields below, and wake against being closed
	fns    []func()
	woken  bool // wake was written and not yet read
	closed bool
	wake   int // eventfd

	spare []func() // the list of the last turn, owned by the loop
	count [8]byte  // read buffer of wake, owned by the loop
}

// maxSpare is how many posts a list may hold to be used again: a burst must not
// keep its memory for ever.
const maxSpare = 1024

// one is what is written to an eventfd: a counter in the machine's order.
var one = binary.NativeEndian.AppendUint64(nil, 1)

// wakeSource is the Source of the eventfd.
type wakeSource struct{ loop *Loop }

func (l *Loop) openMail() error {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("make eventfd: %w", err)
	}
	l.mail.wake = fd
	if err := l.Watch(fd, Readable, wakeSource{l}); err != nil {
		unix.Close(fd)
		return err
	}
	return nil
}

// OnEvents takes the wake-up back; the posts are looked for in every turn.
func (w wakeSource) OnEvents(Events) {
	m := &w.loop.mail
	m.mu.Lock()
	defer m.mu.Unlock()
	// An error leaves the counter as it is, which only means another turn.
	unix.Read(m.wake, m.count[:])
	m.woken = false
}

// Post runs fn on the loop goroutine in the next turn, in the order of posting.
// It never blocks and may be called by any goroutine, before Run too; after Run
// ended fn is dropped.
func (l *Loop) Post(fn func()) {
	m := &l.mail
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.fns = append(m.fns, fn)
	m.waiting.Store(true)
	// A loop inside a turn looks before it waits, see wait: only one that
	// waits must be woken, and once is enough.
	if l.stamp.Load() == 0 && !m.woken {
		m.woken = true
		unix.Write(m.wake, one)
	}
}

// takePosts returns what is posted so far. What the turn itself posts waits for
// the next one.
func (l *Loop) takePosts() []func() {
	m := &l.mail
	if !m.waiting.Load() {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fns := m.fns
	m.fns, m.spare = m.spare[:0], nil
	m.waiting.Store(false)
	return fns
}

func (l *Loop) runPosts(fns []func()) {
	if fns == nil {
		return
	}
	for _, fn := range fns {
		l.guard(fn)
	}
	clear(fns)
	if cap(fns) <= maxSpare {
		l.mail.spare = fns
	}
}

// dropMail refuses posts from now on.
func (l *Loop) dropMail() {
	m := &l.mail
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.fns = true, nil
}

func (l *Loop) closeMail() error {
	if err := unix.Close(l.mail.wake); err != nil {
		return fmt.Errorf("close eventfd: %w", err)
	}
	return nil
}
