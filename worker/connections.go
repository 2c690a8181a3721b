package worker

import "iter"

// connections is the set of a Worker, in order of connecting. Ids only grow,
// so that a slice with holes is sorted for ever and half the size of a map.
type connections struct {
	list    []*Connection // nil where one has closed
	ids     []uint64
	holes   int
	ranging int // loops in progress: places must not move
}

// minHoles keeps small sets from being packed all the time.
const minHoles = 64

func (s *connections) len() int { return len(s.list) - s.holes }

// add appends c under an id that is above all others of the set.
func (s *connections) add(c *Connection, id uint64) {
	c.place = int32(len(s.list))
	s.list = append(s.list, c)
	s.ids = append(s.ids, id)
}

func (s *connections) remove(c *Connection) {
	s.list[c.place] = nil
	s.holes++
	if s.holes > minHoles && s.holes > len(s.list)/2 && s.ranging == 0 {
		s.pack()
	}
}

func (s *connections) pack() {
	n := 0
	for i, c := range s.list {
		if c == nil {
			continue
		}
		s.list[n], s.ids[n] = c, s.ids[i]
		c.place = int32(n)
		n++
	}
	clear(s.list[n:])
	s.list, s.ids, s.holes = s.list[:n], s.ids[:n], 0
	if cap(s.list) > 4*n+minHoles {
		s.list = append([]*Connection(nil), s.list...)
		s.ids = append([]uint64(nil), s.ids...)
	}
}

// from returns the place of the first id that is not below the given one.
func (s *connections) from(id uint64) int {
	low, high := 0, len(s.ids)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if s.ids[mid] < id {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

func (s *connections) find(id uint64) *Connection {
	i := s.from(id)
	if i == len(s.ids) || s.ids[i] != id {
		return nil
	}
	return s.list[i]
}

// each yields those that are there at the beginning and have not gone since.
func (s *connections) each(yield func(*Connection) bool) {
	s.ranging++
	defer func() { s.ranging-- }()
	for i, n := 0, len(s.list); i < n; i++ {
		if c := s.list[i]; c != nil && !yield(c) {
			return
		}
	}
}

// Connections yields the connections of this Worker in this process, in order
// of connecting. Closing any of them while ranging is allowed; new ones are
// not seen. Called on the loop goroutine.
func (w *Worker) Connections() iter.Seq[*Connection] {
	if w.p != nil {
		w.p.own("Worker.Connections")
	}
	return func(yield func(*Connection) bool) {
		for c := range w.conns.each {
			if Status(c.status) == Connecting {
				continue
			}
			if c.refresh(); !yield(c) {
				return
			}
		}
	}
}

// Connection returns the connection with this id, or nil when it is gone, when
// its PROXY header has not come yet, or when another process has it: ids are
// those of one process. Called on the loop goroutine.
func (w *Worker) Connection(id uint64) *Connection {
	if w.p != nil {
		w.p.own("Worker.Connection")
	}
	if c := w.conns.find(id); c != nil && Status(c.status) != Connecting {
		c.refresh()
		return c
	}
	return nil
}
