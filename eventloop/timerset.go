package eventloop

import (
	"math"
	"time"
)

// timer is one entry of a timerSet.
type timer struct {
	fn    func()
	every time.Duration

	generation uint32 // of the place in the slab, part of the id
	heapAt     int32  // place in the heap, or unarmed

	live, repeat, start, inner bool
}

// unarmed is the place of a timer that is held or whose callback is running.
const unarmed = -1

// timerSet keeps timers in a slab, so that adding one allocates nothing and an
// id is found without a map, and the armed ones in a heap. Owned by the loop;
// no locking.
type timerSet struct {
	slab  []timer
	free  []int32 // places in the slab
	heap  timerHeap
	seq   uint64 // number of arms so far
	count int    // live timers that are not inner
}

// create stores t unarmed.
func (s *timerSet) create(t timer) TimerID {
	var at int32
	if last := len(s.free) - 1; last >= 0 {
		at = s.free[last]
		s.free = s.free[:last]
	} else {
		at = int32(len(s.slab))
		s.slab = append(s.slab, timer{})
	}
	t.live, t.heapAt, t.generation = true, unarmed, s.slab[at].generation
	s.slab[at] = t
	if !t.inner {
		s.count++
	}
	return TimerID(t.generation)<<32 | TimerID(at+1)
}

// find returns nil for an id that is dead. The pointer is good until the next
// create.
func (s *timerSet) find(id TimerID) *timer {
	at := place(id)
	if id <= 0 || at < 0 || int(at) >= len(s.slab) {
		return nil
	}
	t := &s.slab[at]
	if !t.live || TimerID(t.generation) != id>>32 {
		return nil
	}
	return t
}

func place(id TimerID) int32 { return int32(uint32(id)) - 1 }

// arm lets a live, unarmed timer run its interval after now.
func (s *timerSet) arm(id TimerID, now time.Duration) {
	when := now + s.find(id).every
	if when < now {
		when = math.MaxInt64
	}
	s.seq++
	s.heap.push(s.slab, heapItem{when: when, seq: s.seq, at: place(id)})
}

func (s *timerSet) remove(id TimerID) bool {
	t := s.find(id)
	if t == nil {
		return false
	}
	if t.heapAt != unarmed {
		s.heap.remove(s.slab, t.heapAt)
	}
	s.release(place(id))
	return true
}

// release gives a place back; its generation moves on, within the 31 bits that
// keep an id positive.
func (s *timerSet) release(at int32) {
	t := &s.slab[at]
	if !t.inner {
		s.count--
	}
	*t = timer{generation: (t.generation + 1) & math.MaxInt32}
	s.free = append(s.free, at)
}

func (s *timerSet) removeAll(match func(t *timer) bool) {
	for at := range s.slab {
		t := &s.slab[at]
		if !t.live || !match(t) {
			continue
		}
		if t.heapAt != unarmed {
			s.heap.remove(s.slab, t.heapAt)
		}
		s.release(int32(at))
	}
}

// clear forgets everything, inner timers included.
func (s *timerSet) clear() {
	s.removeAll(func(*timer) bool { return true })
}

func (s *timerSet) next() (time.Duration, bool) {
	if len(s.heap) == 0 {
		return 0, false
	}
	return s.heap[0].when, true
}

// takeDue disarms the first timer that is due at now and was armed not after
// last; 0 is none.
func (s *timerSet) takeDue(now time.Duration, last uint64) TimerID {
	if len(s.heap) == 0 || s.heap[0].when > now || s.heap[0].seq > last {
		return 0
	}
	at := s.heap[0].at
	s.heap.remove(s.slab, 0)
	return TimerID(s.slab[at].generation)<<32 | TimerID(at+1)
}
