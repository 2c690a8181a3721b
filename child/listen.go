package child

import (
	"errors"
	"sync"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// openTimeout is how long Worker.Listen waits for the master; the loop is
// blocked meanwhile.
const openTimeout = 5 * time.Second

var (
	errNoAnswer     = errors.New("the master did not answer")
	errNoDescriptor = errors.New("the master sent no listener")
)

// opened is the master's answer to a listen.
type opened struct {
	fd  int
	err error
}

// opener matches the question of the loop with the answer that the harness
// goroutine reads. There is one question at a time.
type opener struct {
	mu     sync.Mutex // guards the fields below
	lastID uint64
	wanted chan opened // of the question lastID; nil when nobody waits
	ended  error       // the link has ended
}

// openListener asks the master for the listener at address and waits for it.
// Runs on the loop, for Worker.Listen.
func (p *process) openListener(address string, reusePort bool) (fd int, err error) {
	id, answer, err := p.open.ask()
	if err != nil {
		return -1, err
	}
	p.out.send(&ipc.Listen{ID: id, Address: address, ReusePort: reusePort})
	late := time.AfterFunc(openTimeout, func() { p.open.settle(id, opened{-1, errNoAnswer}) })
	defer late.Stop()
	got := <-answer
	return got.fd, got.err
}

func (o *opener) ask() (id uint64, answer <-chan opened, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended != nil {
		return 0, nil, o.ended
	}
	o.lastID++
	o.wanted = make(chan opened, 1)
	return o.lastID, o.wanted, nil
}

// answer takes over fds.
func (o *opener) answer(m *ipc.Listening, fds []int) {
	got := opened{fd: -1}
	switch {
	case m.Error != "":
		got.err = errors.New(m.Error)
	case len(fds) == 0:
		got.err = errNoDescriptor
	default:
		got.fd, fds = fds[0], fds[1:]
	}
	closeAll(fds)
	if !o.settle(m.ID, got) && got.fd >= 0 {
		closeAll([]int{got.fd}) // nobody waits any more
	}
}

// settle hands got to who asked question id; false when nobody waits for it.
func (o *opener) settle(id uint64, got opened) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if id != o.lastID || o.wanted == nil {
		return false
	}
	o.wanted <- got
	o.wanted = nil
	return true
}

// end answers an open question, and all later ones, with err.
func (o *opener) end(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = err
	if o.wanted != nil {
		o.wanted <- opened{-1, err}
		o.wanted = nil
	}
}
