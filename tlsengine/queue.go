package tlsengine

import "sync"

// The sizes of chunks. The largest takes 64 KiB of plaintext as records, the
// amount that a connection gathers for one write, so that it leaves in one.
const (
	smallChunk = 2 << 10
	midChunk   = 8 << 10
	bigChunk   = 24 << 10
	hugeChunk  = 72 << 10
)

var chunkSizes = [...]int{smallChunk, midChunk, bigChunk, hugeChunk}

// chunkPools keep released chunks, one pool for each size.
var chunkPools [len(chunkSizes)]sync.Pool

// chunk is a piece of a queue: data[from:to] waits.
type chunk struct {
	next     *chunk
	data     []byte
	from, to int
	class    int
}

// newChunk is the smallest chunk for want bytes, or the largest there is.
func newChunk(want int) *chunk {
	class := 0
	for class < len(chunkSizes)-1 && chunkSizes[class] < want {
		class++
	}
	if c, _ := chunkPools[class].Get().(*chunk); c != nil {
		return c
	}
	return &chunk{data: make([]byte, chunkSizes[class]), class: class}
}

func (c *chunk) release() {
	c.next, c.from, c.to = nil, 0, 0
	chunkPools[c.class].Put(c)
}

// queue is bytes that wait, in pooled chunks. It never moves a byte and gives
// memory back chunk by chunk as it is drained. The zero queue is empty.
type queue struct {
	head, tail *chunk
	size       int
}

// write appends p; a new chunk is made for want bytes.
func (q *queue) write(p []byte, want int) {
	q.size += len(p)
	for len(p) > 0 {
		if q.tail == nil || q.tail.to == len(q.tail.data) {
			q.push(newChunk(want))
		}
		n := copy(q.tail.data[q.tail.to:], p)
		q.tail.to += n
		p = p[n:]
	}
}

func (q *queue) push(c *chunk) {
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.next = c
	}
	q.tail = c
}

// join moves all of from to the end of q.
func (q *queue) join(from *queue) {
	if from.head == nil {
		return
	}
	q.push(from.head)
	q.tail = from.tail
	q.size += from.size
	*from = queue{}
}

// front is the first run of bytes that lie side by side, nil if q is empty.
func (q *queue) front() []byte {
	if q.head == nil {
		return nil
	}
	return q.head.data[q.head.from:q.head.to]
}

// peek copies the first bytes to p and leaves them in q.
func (q *queue) peek(p []byte) (n int) {
	for c := q.head; c != nil && n < len(p); c = c.next {
		n += copy(p[n:], c.data[c.from:c.to])
	}
	return n
}

// read moves the first bytes to p.
func (q *queue) read(p []byte) (n int) {
	for n < len(p) && q.head != nil {
		k := copy(p[n:], q.front())
		q.discard(k)
		n += k
	}
	return n
}

// discard drops the first n bytes, at most all.
func (q *queue) discard(n int) {
	n = min(n, q.size)
	q.size -= n
	for n > 0 || q.head != nil && q.head.from == q.head.to {
		c := q.head
		k := min(n, c.to-c.from)
		c.from += k
		n -= k
		if c.from < c.to {
			return
		}
		if q.head = c.next; q.head == nil {
			q.tail = nil
		}
		c.release()
	}
}

func (q *queue) clear() { q.discard(q.size) }
