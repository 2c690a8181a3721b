package gateway

import (
	"context"
	"maps"
	"slices"

	"github.com/workerman-go/wm/worker"
)

// arrivalBytes is what an event that waits costs beside its body.
const arrivalBytes = 256

// queue lets the events of different clients be handled at once, those of one
// client one after another. Owned by the loop.
type queue struct {
	p       *business
	limit   int     // Concurrency
	most    int     // QueueBytes
	ready   []*seat // with an event that waits, and none being handled
	running int
	bytes   int // of what waits
	paused  bool
}

func newQueue(p *business) queue {
	q := queue{p: p, limit: max(p.b.Concurrency, 1), most: p.b.QueueBytes}
	if q.most <= 0 {
		q.most = defaultQueueBytes
	}
	return q
}

// add takes an event.
func (q *queue) add(s *seat, a arrival) {
	s.waiting = append(s.waiting, a)
	if len(s.waiting) == 1 && !s.running {
		q.ready = append(q.ready, s)
	}
	q.bytes += arrivalBytes + len(a.body)
	q.pump()
	q.check()
}

// pump begins what may begin.
func (q *queue) pump() {
	for q.running < q.limit && len(q.ready) > 0 {
		s := q.ready[0]
		q.ready[0] = nil
		q.ready = q.ready[1:]
		a := s.waiting[0]
		s.waiting[0] = arrival{}
		s.waiting = s.waiting[1:]
		q.bytes -= arrivalBytes + len(a.body)
		q.start(s, a)
	}
}

// outcome is what a handler has left to do for the loop.
type outcome struct {
	session string
	store   bool
}

// start handles an event on a goroutine. Its session is what it is now: the
// events before it have been stored.
func (q *queue) start(s *seat, a arrival) {
	q.running++
	s.running = true
	session := s.session()
	worker.Go(context.Background(), func(context.Context) (outcome, error) {
		stored, ok := q.p.handle(s, &a, session)
		return outcome{stored, ok}, nil
	}, func(o outcome, err error) {
		q.running--
		s.running = false
		if err == nil && o.store {
			s.l.store(s, a.id(), o.session)
		}
		if len(s.waiting) > 0 { // drop leaves it there
			q.ready = append(q.ready, s)
		}
		s.l.done(s)
		q.pump()
		q.check()
	})
}

// check stops reading when too much waits, and goes on when half of it is done. A
// process that leaves reads what is left.
func (q *queue) check() {
	switch {
	case !q.paused && q.bytes >= q.most && q.p.leaving == nil:
		q.paused = true
		for _, l := range q.p.links.links {
			l.conn.PauseRecv()
		}
	case q.paused && (q.bytes <= q.most/2 || q.p.leaving != nil):
		q.paused = false
		for _, l := range q.p.links.links {
			l.conn.ResumeRecv()
		}
	}
}

// take takes out what waits of a link; nothing of it is begun any more.
func (q *queue) take(l *uplink) (all []waiting) {
	q.ready = slices.DeleteFunc(q.ready, func(s *seat) bool { return s.l == l })
	for _, client := range slices.Sorted(maps.Keys(l.seats)) {
		s := l.seats[client]
		for _, a := range s.waiting {
			q.bytes -= arrivalBytes + len(a.body)
			all = append(all, waiting{s, a})
		}
		s.waiting = nil
	}
	return all
}

// drop forgets what waits; nothing begins any more.
func (q *queue) drop() {
	q.ready, q.limit = nil, 0
}
