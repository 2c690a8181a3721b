package worker

import (
	"net"
	"sync"
)

// handedQueue is the listener of an http.Server: what the loop has accepted. It
// may be used by any goroutine, and push never blocks.
type handedQueue struct {
	mu     sync.Mutex // guards the fields below
	more   *sync.Cond
	conns  []net.Conn
	closed bool
}

func newHandedQueue() *handedQueue {
	q := &handedQueue{}
	q.more = sync.NewCond(&q.mu)
	return q
}

// push adds a connection; behind Close it closes it.
func (q *handedQueue) push(conn net.Conn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		go conn.Close() // ends when it has told the peer
		return
	}
	q.conns = append(q.conns, conn)
	q.more.Signal()
}

// Accept waits for the next connection. Called by the http.Server.
func (q *handedQueue) Accept() (net.Conn, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.conns) == 0 && !q.closed {
		q.more.Wait()
	}
	if len(q.conns) == 0 {
		return nil, net.ErrClosed
	}
	conn := q.conns[0]
	q.conns[0] = nil
	if q.conns = q.conns[1:]; len(q.conns) == 0 {
		q.conns = nil
	}
	return conn, nil
}

// Close ends Accept, when what is in the queue is gone.
func (q *handedQueue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
	return nil
}

// Addr is nobody's business: the address belongs to the loop's listener.
func (q *handedQueue) Addr() net.Addr { return handedAddr{} }

type handedAddr struct{}

func (handedAddr) Network() string { return "loop" }
func (handedAddr) String() string  { return "loop" }
