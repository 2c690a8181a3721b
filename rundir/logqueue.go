package rundir

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// logBatch is what waits in a queue.
type logBatch struct {
	lines    []string
	bytes    int
	lost     int // lines that came after these and found the queue full
	reopen   bool
	reopenAt int // after so many of the lines
	flushed  []chan struct{}
	last     bool
}

// logQueue feeds one writer from a goroutine of its own.
type logQueue struct {
	write              func(line string) error
	reopen             func() error
	maxLines, maxBytes int
	dropped            atomic.Uint64
	done               chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex // guards next and closed
	next    logBatch
	closed  bool
	changed chan struct{}

	lost int // not yet told; owned by the goroutine
}

func newLogQueue(write func(string) error, maxLines, maxBytes int) *logQueue {
	q := &logQueue{
		write: write, maxLines: maxLines, maxBytes: maxBytes,
		done: make(chan struct{}), changed: make(chan struct{}, 1),
	}
	go q.run() // until close
	return q
}

// add queues a line or counts it as dropped.
func (q *logQueue) add(line string) {
	q.order(func(b *logBatch) {
		if len(b.lines) >= q.maxLines || b.bytes+len(line) > q.maxBytes || b.lost > 0 {
			b.lost++
			q.dropped.Add(1)
			return
		}
		b.lines, b.bytes = append(b.lines, line), b.bytes+len(line)
	})
}

// order changes the next batch and tells the goroutine. After close it does
// nothing and returns false.
func (q *logQueue) order(change func(*logBatch)) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	change(&q.next)
	select {
	case q.changed <- struct{}{}:
	default: // it was told and has not looked yet
	}
	return true
}

// flush returns a channel that is closed when all lines so far are written.
func (q *logQueue) flush() <-chan struct{} {
	flushed := make(chan struct{})
	if !q.order(func(b *logBatch) { b.flushed = append(b.flushed, flushed) }) {
		return q.done
	}
	return flushed
}

// close lets the goroutine end after what is queued.
func (q *logQueue) close() {
	q.order(func(b *logBatch) { b.last, q.closed = true, true })
}

func (q *logQueue) run() {
	defer close(q.done)
	for range q.changed {
		q.mu.Lock()
		batch := q.next
		q.next = logBatch{}
		q.mu.Unlock()
		q.put(batch)
		if batch.last {
			return
		}
	}
}

// put writes a batch; the lines lost to a full queue are told after it, which
// is where they are missing.
func (q *logQueue) put(b logBatch) {
	if b.reopen {
		q.putLines(b.lines[:b.reopenAt])
		b.lines = b.lines[b.reopenAt:]
		if err := q.reopen(); err != nil {
			q.putLines([]string{logLine(time.Now(), os.Getpid(), err.Error())})
		}
	}
	q.putLines(b.lines)
	q.lost += b.lost
	q.tellLost()
	for _, flushed := range b.flushed {
		close(flushed)
	}
}

func (q *logQueue) putLines(lines []string) {
	for _, line := range lines {
		if !q.tellLost() || q.write(line) != nil {
			q.lost++
			q.dropped.Add(1)
		}
	}
}

// tellLost writes how many lines are missing here and tells whether that is
// settled.
func (q *logQueue) tellLost() bool {
	if q.lost == 0 {
		return true
	}
	text := fmt.Sprintf("%d log lines dropped", q.lost)
	if q.write(logLine(time.Now(), os.Getpid(), text)) != nil {
		return false
	}
	q.lost = 0
	return true
}
