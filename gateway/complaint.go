package gateway

import (
	"time"

	"github.com/workerman-go/wm/worker"
)

// complaints are log lines that peers can cause at will: of each kind one is written
// in a while, and says how many were not. The zero value is ready. Owned by the loop.
type complaints struct {
	kinds map[string]*complaint
}

type complaint struct {
	next   time.Time // before it nothing is written
	silent int
}

const (
	// complainEvery is how often a line of one kind is written.
	complainEvery = 10 * time.Second
	// maxComplaints is for how many kinds that is remembered.
	maxComplaints = 1024
)

// log writes a line of a kind.
func (s *complaints) log(kind, format string, a ...any) {
	s.logEvery(complainEvery, kind, format, a...)
}

// logEvery is log with an interval of its own.
func (s *complaints) logEvery(every time.Duration, kind, format string, a ...any) {
	now := worker.Loop().Now()
	k := s.kinds[kind]
	if k == nil {
		if s.kinds == nil || len(s.kinds) >= maxComplaints {
			s.kinds = make(map[string]*complaint)
		}
		k = &complaint{}
		s.kinds[kind] = k
	}
	if now.Before(k.next) {
		k.silent++
		return
	}
	if k.silent > 0 {
		format += " (and %d more such lines)"
		a = append(a, k.silent)
	}
	k.next, k.silent = now.Add(every), 0
	worker.Log(format, a...)
}
