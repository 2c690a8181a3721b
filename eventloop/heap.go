package eventloop

import "time"

// heapItem carries the keys itself, so that sifting stays inside the heap's
// memory until an item has found its place.
type heapItem struct {
	when time.Duration
	seq  uint64 // first armed, first run
	at   int32  // place in the slab
}

func (a heapItem) before(b heapItem) bool {
	return a.when < b.when || a.when == b.when && a.seq < b.seq
}

// timerHeap is a heap with four children per node: half the depth of a binary
// one, and the children share cache lines. Each move is noted in the slab.
type timerHeap []heapItem

const heapArity = 4

func (h *timerHeap) push(slab []timer, item heapItem) {
	*h = append(*h, item)
	h.up(slab, len(*h)-1)
}

func (h *timerHeap) remove(slab []timer, at int32) {
	old := *h
	last := len(old) - 1
	slab[old[at].at].heapAt = unarmed
	moved := old[last]
	*h = old[:last]
	if int(at) == last {
		return
	}
	(*h)[at] = moved
	if h.up(slab, int(at)) == int(at) {
		h.down(slab, int(at))
	}
}

// up returns where the item came to rest.
func (h timerHeap) up(slab []timer, i int) int {
	item := h[i]
	for i > 0 {
		parent := (i - 1) / heapArity
		if !item.before(h[parent]) {
			break
		}
		h.put(slab, i, h[parent])
		i = parent
	}
	h.put(slab, i, item)
	return i
}

func (h timerHeap) down(slab []timer, i int) {
	item := h[i]
	for {
		child := h.smallestChild(i)
		if child < 0 || !h[child].before(item) {
			break
		}
		h.put(slab, i, h[child])
		i = child
	}
	h.put(slab, i, item)
}

func (h timerHeap) smallestChild(i int) int {
	first := i*heapArity + 1
	if first >= len(h) {
		return -1
	}
	least := first
	for c := first + 1; c < min(first+heapArity, len(h)); c++ {
		if h[c].before(h[least]) {
			least = c
		}
	}
	return least
}

func (h timerHeap) put(slab []timer, i int, item heapItem) {
	h[i] = item
	slab[item.at].heapAt = int32(i)
}
