package gateway

import (
	"time"

	"github.com/workerman-go/wm/worker"
)

const (
	// rarelyEvery is how often the same thing is logged that goes on and on.
	rarelyEvery = time.Minute
	// rarelyKnown is how many things are told apart.
	rarelyKnown = 1000
)

// rarely says when to log what comes again and again, each second maybe: at once,
// and then once a minute. Owned by the loop; no locking.
type rarely struct{ last map[string]time.Time }

// due says whether what is to be logged now.
func (r *rarely) due(what string, now time.Time) bool {
	if last, ok := r.last[what]; ok && now.Sub(last) < rarelyEvery {
		return false
	}
	if r.last == nil || len(r.last) >= rarelyKnown {
		r.last = make(map[string]time.Time)
	}
	r.last[what] = now
	return true
}

// log writes a line that a peer can cause at will, when one of its kind is due. Called
// on the loop goroutine.
func (r *rarely) log(kind, format string, a ...any) {
	if r.due(kind, worker.Loop().Now()) {
		worker.Log(format, a...)
	}
}
